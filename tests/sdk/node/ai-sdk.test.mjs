// Vercel's AI SDK, in both of its versions that are in use, against the gateway. It reads base64 and mostly does not ask
// for it: Pictor knows it by its name.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as openai6 from "@ai-sdk/openai";
import * as compatible6 from "@ai-sdk/openai-compatible";
import * as ai6 from "ai";
import * as ai7 from "ai-7";
import * as openai7 from "ai-sdk-openai-7";
import * as compatible7 from "ai-sdk-openai-compatible-7";

import { EDIT_PROMPT, GENERATE_PROMPT, mask, measure, png } from "./pictures.mjs";
import { startGateway } from "./servers.mjs";

const FORMAT_HEADER = "x-pictor-response-format";

const VERSIONS = {
  6: { ...openai6, ...compatible6, ...ai6 },
  7: { ...openai7, ...compatible7, ...ai7 },
};

let gateway;
let bodies;

before(async () => {
  gateway = await startGateway();
});

after(async () => {
  await gateway?.stop();
});

/** Keeps what the client sends, so that a test can tell that it did not ask. */
async function watched(url, options) {
  bodies.push(options.body);
  return fetch(url, options);
}

function asked(body) {
  return body instanceof FormData ? body.has("response_format") : "response_format" in JSON.parse(body);
}

/** The SDK's providers, with nothing but base URL and key changed. */
function providers({ createOpenAI, createOpenAICompatible }, server = gateway) {
  bodies = [];
  const options = { baseURL: server.openaiUrl, apiKey: server.key, fetch: watched };
  return {
    openai: (model) => createOpenAI(options).image(model),
    "openai-compatible": (model) => createOpenAICompatible({ name: "pictor", ...options }).imageModel(model),
  };
}

/** Every image is whole and of the size; every answer says why it came as base64. */
function check(result, { count = 1, size, reason = "client:ai-sdk" }) {
  assert.equal(result.images.length, count);
  for (const image of result.images) assert.equal(measure(Buffer.from(image.uint8Array)).size, size);
  const told = result.responses.map((response) => response.headers[FORMAT_HEADER]);
  assert.deepEqual(
    told,
    told.map(() => `b64_json; reason=${reason}`),
  );
}

for (const [version, sdk] of Object.entries(VERSIONS)) {
  describe(`version ${version}`, () => {
    test("generates with the openai provider", async () => {
      const model = providers(sdk).openai("gpt-image-1-mini");
      const result = await sdk.generateImage({ model, prompt: GENERATE_PROMPT, n: 2, size: "1024x1024" });
      assert.deepEqual(bodies.map(asked), [false]);
      check(result, { count: 2, size: "1024x1024" });
    });

    test("generates with the openai-compatible provider, whether it asks or not", async () => {
      const model = providers(sdk)["openai-compatible"]("gpt-image-1-mini");
      const result = await sdk.generateImage({ model, prompt: GENERATE_PROMPT, size: "1536x1024" });
      const [asks] = bodies.map(asked);
      check(result, { size: "1536x1024", reason: asks ? "request" : "client:ai-sdk" });
    });

    test("passes on what stands under the provider's name", async () => {
      const model = providers(sdk)["openai-compatible"]("flux.1-schnell");
      const result = await sdk.generateImage({
        model,
        prompt: GENERATE_PROMPT,
        providerOptions: { pictor: { aspect_ratio: "16:9", output_format: "webp", route: { only: ["fal"] } } },
      });
      assert.equal(result.image.mediaType, "image/webp");
      assert.equal(result.responses[0].headers["x-pictor-provider"], "fal");
      const [width, height] = measure(Buffer.from(result.image.uint8Array)).size.split("x").map(Number);
      assert.ok(Math.abs(width / height - 16 / 9) < 0.05, `${width}x${height}`);
    });

    for (const name of ["openai", "openai-compatible"]) {
      test(`edits with the ${name} provider`, async () => {
        const model = providers(sdk)[name]("gpt-image-1");
        const prompt = { text: EDIT_PROMPT, images: [png(1024, 1024)], mask: mask(1024, 1024) };
        const result = await sdk.generateImage({ model, prompt, size: "1024x1024" });
        assert.deepEqual(bodies.map(asked), [false]);
        check(result, { size: "1024x1024" });
      });
    }

    test("reads one form of two where a gateway knows no clients", async () => {
      const stranger = await startGateway({ PICTOR_KNOWN_CLIENTS: "false" });
      try {
        const model = providers(sdk, stranger).openai("gpt-image-1-mini");
        const { image } = await sdk.generateImage({ model, prompt: GENERATE_PROMPT, maxRetries: 0 });
        assert.equal(image.mediaType, "image/png");
      } finally {
        await stranger.stop();
      }
    });
  });
}
