// OpenRouter's own client for the AI SDK against the sandbox, unchanged apart from its base URL.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateImage, generateText } from "ai";

import { EDIT_PROMPT, GENERATE_PROMPT, measure, png } from "./pictures.mjs";
import { startSandbox } from "./servers.mjs";

let sandbox;
let client;

before(async () => {
  sandbox = await startSandbox();
  client = createOpenRouter({ apiKey: "sk-or-v1-sandbox", baseURL: `${sandbox.url}/openrouter/api/v1` });
});

after(async () => {
  await sandbox?.stop();
});

/** What all calls cost so far, in millionths of a dollar. */
async function billed() {
  const bill = await fetch(`${sandbox.url}/_sandbox/bill?provider=openrouter`);
  return (await bill.json()).total_micros;
}

test("an image by the Images API", async () => {
  const answer = await generateImage({
    model: client.imageModel("google/gemini-3.1-flash-image"),
    prompt: GENERATE_PROMPT,
    aspectRatio: "16:9",
  });
  assert.deepEqual(measure(Buffer.from(answer.image.uint8Array)), { format: "png", size: "1376x768" });
  assert.equal(answer.usage.outputTokens, 1120);
});

test("an edit by references", async () => {
  const answer = await generateImage({
    model: client.imageModel("google/gemini-2.5-flash-image"),
    prompt: { text: EDIT_PROMPT, images: [png(256, 256)] },
  });
  assert.deepEqual(measure(Buffer.from(answer.image.uint8Array)), { format: "png", size: "1024x1024" });
  assert.ok(answer.usage.inputTokens > 258);
});

test("an image in a conversation, and what it cost", async () => {
  const before = await billed();
  const answer = await generateText({
    model: client.chat("google/gemini-2.5-flash-image", { extraBody: { modalities: ["image", "text"] } }),
    prompt: GENERATE_PROMPT,
  });
  assert.equal(answer.files.length, 1);
  assert.deepEqual(measure(Buffer.from(answer.files[0].uint8Array)), { format: "png", size: "1024x1024" });
  const cost = answer.providerMetadata.openrouter.usage.cost;
  assert.ok(Math.abs(cost * 1e6 - ((await billed()) - before)) <= 0.5, `${cost}`);
});

test("errors keep their status", async () => {
  const poor = generateImage({
    model: client.imageModel("openai/gpt-image-2"),
    prompt: "a cat [[fault: quota]]",
    maxRetries: 0,
  });
  await assert.rejects(poor, (error) => {
    assert.equal(error.statusCode, 402);
    assert.match(error.message, /Insufficient credits/);
    return true;
  });
});
