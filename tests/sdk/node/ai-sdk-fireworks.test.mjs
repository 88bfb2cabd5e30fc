// The AI SDK's client of Fireworks and Runware's own provider for it against the sandbox, unchanged apart from their
// base URL.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { createFireworks } from "@ai-sdk/fireworks";
import { createRunware } from "@runware/ai-sdk-provider";
import { generateImage } from "ai";

import { EDIT_PROMPT, GENERATE_PROMPT, measure, png } from "./pictures.mjs";
import { startSandbox } from "./servers.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

let sandbox;

before(async () => {
  sandbox = await startSandbox();
});

after(async () => {
  await sandbox?.stop();
});

/** Generates one image and measures it. */
async function made(options) {
  const { image } = await generateImage({ maxRetries: 0, ...options });
  return measure(Buffer.from(image.uint8Array));
}

describe("fireworks", () => {
  let client;
  before(() => {
    client = createFireworks({ apiKey: "fw_sandbox", baseURL: `${sandbox.url}/fireworks/inference/v1` });
  });

  const model = (name) => client.image(`accounts/fireworks/models/${name}`);

  test("generate in a shape", async () => {
    const options = { model: model("flux-1-schnell-fp8"), prompt: GENERATE_PROMPT, aspectRatio: "16:9", seed: 7 };
    assert.deepEqual(await made(options), { format: "jpeg", size: "1344x768" });
  });

  test("generate in a size", async () => {
    const image = await made({ model: model("SSD-1B"), prompt: GENERATE_PROMPT, size: "512x768" });
    assert.deepEqual(image, { format: "jpeg", size: "512x768" });
  });

  test("a job", async () => {
    const image = await made({ model: model("flux-kontext-pro"), prompt: GENERATE_PROMPT, aspectRatio: "3:2" });
    assert.deepEqual(image, { format: "jpeg", size: "1216x832" });
  });

  test("an edit", async () => {
    const prompt = { text: EDIT_PROMPT, images: [png(512, 256)] };
    const image = await made({ model: model("flux-kontext-max"), prompt });
    assert.equal(image.size, "1456x720");
  });

  test("refusals", async () => {
    const refused = (words) => made({ model: model("flux-1-schnell-fp8"), prompt: `x [[fault: ${words}]]` });
    await assert.rejects(refused("status=429"), { statusCode: 429 });
    await assert.rejects(refused("status=500"), { statusCode: 500 });
    const stranger = createFireworks({ apiKey: "fw_invalid", baseURL: `${sandbox.url}/fireworks/inference/v1` });
    const call = made({ model: stranger.image("accounts/fireworks/models/SSD-1B"), prompt: "x" });
    await assert.rejects(call, { statusCode: 401 });
  });
});

describe("runware", () => {
  let client;
  before(() => {
    client = createRunware({ apiKey: "sandbox-key", baseURL: `${sandbox.url}/runware/v1` });
  });

  test("generate", async () => {
    const image = await made({ model: client.image("runware:101@1"), prompt: GENERATE_PROMPT, size: "768x512" });
    assert.equal(image.size, "768x512");
  });

  test("refusals", async () => {
    const refused = (options) => made({ model: client.image("runware:101@1"), size: "512x512", ...options });
    await assert.rejects(refused({ prompt: "x [[fault: status=401]]" }), { statusCode: 401 });
    await assert.rejects(refused({ prompt: GENERATE_PROMPT, size: "500x500" }), { statusCode: 400 });
  });
});
