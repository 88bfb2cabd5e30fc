// The AI SDK's clients of Black Forest Labs, xAI and BytePlus against the sandbox, unchanged apart from their base URL.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { createBlackForestLabs } from "@ai-sdk/black-forest-labs";
import { createByteDance } from "@ai-sdk/bytedance";
import { createXai } from "@ai-sdk/xai";
import { generateImage } from "ai";

import { EDIT_PROMPT, GENERATE_PROMPT, measure, png } from "./pictures.mjs";
import { startSandbox } from "./servers.mjs";

let sandbox;

before(async () => {
  sandbox = await startSandbox();
});

after(async () => {
  await sandbox?.stop();
});

/** What all calls to a provider cost so far, in millionths of a dollar. */
async function billed(provider) {
  const bill = await fetch(`${sandbox.url}/_sandbox/bill?provider=${provider}`);
  return (await bill.json()).total_micros;
}

/** Generates one image and measures it. */
async function made(options) {
  const answer = await generateImage({ maxRetries: 0, ...options });
  return { ...measure(Buffer.from(answer.image.uint8Array)), metadata: answer.providerMetadata };
}

describe("black forest labs", () => {
  let client;
  before(() => {
    client = createBlackForestLabs({ apiKey: "bfl_sandbox", baseURL: `${sandbox.url}/bfl/v1` });
  });

  test("generate", async () => {
    const image = await made({ model: client.image("flux-2-pro"), prompt: GENERATE_PROMPT, size: "1280x720", seed: 7 });
    assert.equal(image.size, "1280x720");
    const [told] = image.metadata.blackForestLabs.images;
    assert.equal(told.seed, 7);
    assert.equal(told.cost, 3);
  });

  test("edit with several images", async () => {
    const images = [png(256, 256), png(512, 256)];
    const image = await made({
      model: client.image("flux-2-max"),
      prompt: { text: EDIT_PROMPT, images },
      providerOptions: { blackForestLabs: { outputFormat: "png" } },
    });
    assert.deepEqual([image.format, image.size], ["png", "256x256"]);
    assert.equal(image.metadata.blackForestLabs.images[0].cost, 13);
  });

  test("refusals", async () => {
    const refused = (words) =>
      generateImage({ model: client.image("flux-2-pro"), prompt: `x [[fault: ${words}]]`, maxRetries: 0 });
    await assert.rejects(refused("status=429"), { statusCode: 429 });
    await assert.rejects(refused("failed"), /generation failed/i);
    const stranger = createBlackForestLabs({ apiKey: "invalid_key", baseURL: `${sandbox.url}/bfl/v1` });
    const call = generateImage({ model: stranger.image("flux-2-pro"), prompt: "x", maxRetries: 0 });
    await assert.rejects(call, { statusCode: 401 });
  });
});

describe("xai", () => {
  let client;
  before(() => {
    client = createXai({ apiKey: "xai-sandbox", baseURL: `${sandbox.url}/xai/v1` });
  });

  test("generate", async () => {
    const image = await made({
      model: client.image("grok-imagine-image"),
      prompt: GENERATE_PROMPT,
      aspectRatio: "16:9",
    });
    assert.deepEqual([image.format, image.size], ["jpeg", "1360x768"]);
    assert.equal(await billed("xai"), 20_000);
  });

  test("edit", async () => {
    const one = await made({
      model: client.image("grok-imagine-image"),
      prompt: { text: EDIT_PROMPT, images: [png(256, 256)] },
    });
    assert.equal(one.size, "1024x1024");
    const before = await billed("xai");
    await made({
      model: client.image("grok-imagine-image"),
      prompt: { text: EDIT_PROMPT, images: [png(256, 256), png(256, 256)] },
    });
    assert.equal((await billed("xai")) - before, 24_000, "one picture, two inputs");
  });

  test("refusals", async () => {
    const refused = (words) =>
      generateImage({ model: client.image("grok-imagine-image"), prompt: `x [[fault: ${words}]]`, maxRetries: 0 });
    await assert.rejects(refused("moderation"), /usage guidelines/);
    await assert.rejects(refused("status=500"), /The server had an error/);
    await assert.rejects(refused("status=429"), /Too many requests/);
  });
});

describe("byteplus", () => {
  let client;
  before(() => {
    client = createByteDance({ apiKey: "ark-sandbox", baseURL: `${sandbox.url}/byteplus/api/v3` });
  });

  test("generate", async () => {
    const image = await made({
      model: client.image("seedream-4-0-250828"),
      prompt: GENERATE_PROMPT,
      size: "1280x720",
      providerOptions: { bytedance: { watermark: false } },
    });
    assert.deepEqual([image.format, image.size], ["jpeg", "1280x720"]);
  });

  test("edit", async () => {
    const image = await made({
      model: client.image("dola-seedream-5-0-pro-260628"),
      prompt: { text: EDIT_PROMPT, images: [png(256, 256), png(256, 256)] },
      providerOptions: { bytedance: { size: "1K", outputFormat: "png" } },
    });
    assert.deepEqual([image.format, image.size], ["png", "1024x1024"]);
  });

  test("refusals", async () => {
    const call = generateImage({
      model: client.image("seedream-4-5-251128"),
      prompt: GENERATE_PROMPT,
      size: "1024x1024",
      maxRetries: 0,
    });
    await assert.rejects(call, /3686400 pixels/);
  });
});
