// The official Node clients of OpenAI, Replicate and fal against the sandbox, unchanged apart from their overrides.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ApiError as FalApiError, ValidationError as FalValidationError, createFalClient } from "@fal-ai/client";
import OpenAI, { toFile } from "openai";
import Replicate from "replicate";

import { EDIT_PROMPT, GENERATE_PROMPT, fetched, measure, png } from "./pictures.mjs";
import { startSandbox } from "./servers.mjs";

let sandbox;

before(async () => {
  sandbox = await startSandbox();
});

after(async () => {
  await sandbox?.stop();
});

describe("openai", () => {
  let client;
  before(() => {
    client = new OpenAI({ apiKey: "sk-sandbox", baseURL: `${sandbox.url}/openai/v1` });
  });

  test("generate", async () => {
    const answer = await client.images.generate({
      model: "gpt-image-1",
      prompt: GENERATE_PROMPT,
      size: "1024x1536",
      quality: "low",
    });
    assert.deepEqual(measure(Buffer.from(answer.data[0].b64_json, "base64")), { format: "png", size: "1024x1536" });
    assert.equal(answer.usage.output_tokens, 408);
  });

  test("edit", async () => {
    const answer = await client.images.edit({
      model: "gpt-image-2",
      image: await toFile(png(256, 256), "source.png", { type: "image/png" }),
      prompt: EDIT_PROMPT,
      size: "1024x1024",
      quality: "low",
      output_format: "jpeg",
    });
    assert.deepEqual(measure(Buffer.from(answer.data[0].b64_json, "base64")), { format: "jpeg", size: "1024x1024" });
  });

  test("stream with partial images", async () => {
    const stream = await client.images.generate({
      model: "gpt-image-1",
      prompt: GENERATE_PROMPT,
      quality: "low",
      stream: true,
      partial_images: 1,
    });
    const kinds = [];
    for await (const event of stream) kinds.push(event.type);
    assert.deepEqual(kinds, ["image_generation.partial_image", "image_generation.completed"]);
  });

  test("errors are typed", async () => {
    const generate = (fields, options) =>
      client.images.generate({ model: "gpt-image-1", prompt: GENERATE_PROMPT, ...fields }, options);
    await assert.rejects(generate({ prompt: "something [[fault: moderation]]" }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, "moderation_blocked");
      return true;
    });
    await assert.rejects(generate({ size: "banana" }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, "size");
      return true;
    });
    const limited = generate({ prompt: "a cat [[fault: status=429 retry-after=0]]" }, { maxRetries: 0 });
    await assert.rejects(limited, OpenAI.RateLimitError);
    const stranger = new OpenAI({ apiKey: "nonsense", baseURL: `${sandbox.url}/openai/v1` });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  });
});

describe("replicate", () => {
  const MODEL = "openai/gpt-image-1.5";
  let client;
  before(() => {
    client = new Replicate({ auth: "r8_sandbox", baseUrl: `${sandbox.url}/replicate/v1` });
  });

  test("run", async () => {
    const output = await client.run(MODEL, {
      input: { prompt: GENERATE_PROMPT, aspect_ratio: "2:3", quality: "low", output_format: "png" },
    });
    assert.deepEqual(measure(await fetched(String(output[0]))), { format: "png", size: "1024x1536" });
  });

  test("run with a file, which the client uploads", async () => {
    const output = await client.run(MODEL, {
      input: { prompt: EDIT_PROMPT, input_images: [new Blob([png(256, 256)], { type: "image/png" })], quality: "low" },
    });
    assert.equal(measure(await fetched(String(output[0]))).size, "1024x1024");
  });

  test("submit, status, result", async () => {
    const created = await client.predictions.create({ model: MODEL, input: { prompt: GENERATE_PROMPT, quality: "low" } });
    assert.ok(["starting", "processing", "succeeded"].includes(created.status), created.status);
    const done = await client.wait(created, { interval: 50 });
    assert.equal(done.status, "succeeded");
    assert.equal(measure(await fetched(done.output[0])).size, "1024x1024");
    const listed = await client.predictions.list();
    assert.ok(listed.results.some((prediction) => prediction.id === created.id));
  });

  test("cancel", async () => {
    const created = await client.predictions.create({ model: MODEL, input: { prompt: "a slow cat [[fault: delay=60s]]" } });
    await client.predictions.cancel(created.id);
    assert.equal((await client.predictions.get(created.id)).status, "canceled");
  });

  test("files", async () => {
    const file = await client.files.create(new Blob([png(64, 64)], { type: "image/png" }));
    assert.equal((await client.files.get(file.id)).size, file.size);
    assert.equal(await client.files.delete(file.id), true);
  });

  test("errors", async () => {
    const run = (input) => client.run(MODEL, { input: { prompt: GENERATE_PROMPT, ...input } });
    await assert.rejects(run({ prompt: "something [[fault: moderation]]" }), /Prediction failed: .*(E005|safety)/);
    await assert.rejects(run({ quality: "best" }), (error) => {
      assert.equal(error.name, "ApiError");
      assert.equal(error.response.status, 422);
      assert.match(error.message, /quality/);
      return true;
    });
    await assert.rejects(run({ prompt: "a cat [[fault: status=429 retry-after=0]]" }), (error) => {
      assert.equal(error.name, "ApiError");
      assert.equal(error.response.status, 429);
      return true;
    });
  });
});

describe("fal", () => {
  const MODEL = "fal-ai/gpt-image-1-mini";
  let client;
  before(() => {
    client = createFalClient({ proxyUrl: { url: `${sandbox.url}/fal/proxy`, when: "always" }, retry: { maxRetries: 0 } });
  });

  test("run", async () => {
    const { data, requestId } = await client.run(MODEL, {
      input: { prompt: GENERATE_PROMPT, image_size: "1536x1024", quality: "low" },
    });
    assert.ok(requestId);
    assert.deepEqual(measure(await fetched(data.images[0].url)), { format: "png", size: "1536x1024" });
  });

  test("subscribe", async () => {
    const seen = [];
    const { data } = await client.subscribe("fal-ai/flux/schnell", {
      input: { prompt: GENERATE_PROMPT, image_size: { width: 640, height: 480 }, seed: 7 },
      logs: true,
      pollInterval: 50,
      onQueueUpdate: (update) => seen.push(update.status),
    });
    assert.equal(seen.at(-1), "COMPLETED");
    assert.equal(data.seed, 7);
    assert.equal(measure(await fetched(data.images[0].url)).size, "640x480");
  });

  test("submit, status, result", async () => {
    const { request_id: requestId } = await client.queue.submit(MODEL, { input: { prompt: GENERATE_PROMPT, quality: "low" } });
    const done = await client.queue.subscribeToStatus(MODEL, { requestId, pollInterval: 50 });
    assert.equal(done.status, "COMPLETED");
    assert.equal((await client.queue.status(MODEL, { requestId })).status, "COMPLETED");
    const { data } = await client.queue.result(MODEL, { requestId });
    assert.equal(measure(await fetched(data.images[0].url)).format, "png");
  });

  test("cancel", async () => {
    const { request_id: requestId } = await client.queue.submit(MODEL, {
      input: { prompt: "a slow cat [[fault: delay=60s]]", quality: "low" },
    });
    await client.queue.cancel(MODEL, { requestId });
    await assert.rejects(client.queue.result(MODEL, { requestId }), FalApiError);
  });

  test("upload", async () => {
    const link = await client.storage.upload(new Blob([png(256, 256)], { type: "image/png" }));
    assert.equal(measure(await fetched(link)).size, "256x256");
    const { data } = await client.run("fal-ai/gpt-image-1.5/edit", {
      input: { prompt: EDIT_PROMPT, image_urls: [link], quality: "low", image_size: "1024x1024" },
    });
    assert.equal(measure(await fetched(data.images[0].url)).size, "1024x1024");
  });

  test("errors are typed", async () => {
    const run = (input) => client.run(MODEL, { input: { prompt: GENERATE_PROMPT, ...input } });
    await assert.rejects(run({ prompt: "something [[fault: moderation]]" }), (error) => {
      assert.ok(error instanceof FalValidationError);
      assert.equal(error.fieldErrors[0].type, "content_policy_violation");
      return true;
    });
    await assert.rejects(run({ quality: "best" }), (error) => {
      assert.ok(error instanceof FalValidationError);
      assert.equal(error.getFieldErrors("quality").length, 1);
      return true;
    });
    await assert.rejects(run({ prompt: "a cat [[fault: status=429 retry-after=0]]" }), (error) => {
      assert.ok(error instanceof FalApiError);
      assert.equal(error.status, 429);
      return true;
    });
  });
});
