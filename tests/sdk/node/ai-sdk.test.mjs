// Vercel's AI SDK against the gateway. It reads base64 and mostly does not ask for it: Pictor knows it by its name.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";

import { EDIT_PROMPT, GENERATE_PROMPT, mask, measure, png } from "./pictures.mjs";
import { startGateway } from "./servers.mjs";

const FORMAT_HEADER = "x-pictor-response-format";

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
function providers(server = gateway) {
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

describe("generate", () => {
  test("with the openai provider", async () => {
    const model = providers().openai("gpt-image-1-mini");
    const result = await generateImage({ model, prompt: GENERATE_PROMPT, n: 2, size: "1024x1024" });
    assert.deepEqual(bodies.map(asked), [false]);
    check(result, { count: 2, size: "1024x1024" });
  });

  test("with the openai-compatible provider, which asks", async () => {
    const model = providers()["openai-compatible"]("gpt-image-1-mini");
    const result = await generateImage({ model, prompt: GENERATE_PROMPT, size: "1536x1024" });
    assert.deepEqual(bodies.map(asked), [true]);
    check(result, { size: "1536x1024", reason: "request" });
  });
});

describe("edit", () => {
  for (const name of ["openai", "openai-compatible"]) {
    test(`with the ${name} provider`, async () => {
      const model = providers()[name]("gpt-image-1");
      const prompt = { text: EDIT_PROMPT, images: [png(1024, 1024)], mask: mask(1024, 1024) };
      const result = await generateImage({ model, prompt, size: "1024x1024" });
      assert.deepEqual(bodies.map(asked), [false]);
      check(result, { size: "1024x1024" });
    });
  }
});

test("a gateway that knows no clients answers with both, of which the openai provider reads one", async () => {
  const stranger = await startGateway({ PICTOR_KNOWN_CLIENTS: "false" });
  try {
    const model = providers(stranger).openai("gpt-image-1-mini");
    const { image } = await generateImage({ model, prompt: GENERATE_PROMPT, maxRetries: 0 });
    assert.equal(image.mediaType, "image/png");
  } finally {
    await stranger.stop();
  }
});
