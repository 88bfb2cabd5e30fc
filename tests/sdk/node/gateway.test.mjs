// The official OpenAI client for Node against the gateway, with nothing but base URL and key changed.

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import OpenAI, { toFile } from "openai";

import { EDIT_PROMPT, GENERATE_PROMPT, check, mask, measure, png } from "./pictures.mjs";
import { startGateway } from "./servers.mjs";

const MODELS = ["gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"];

let gateway;
let client;
let folder;
let source;

before(async () => {
  gateway = await startGateway();
  client = new OpenAI({ apiKey: gateway.key, baseURL: gateway.openaiUrl });
  folder = await mkdtemp(join(tmpdir(), "pictor-source-"));
  source = join(folder, "source.png");
  await writeFile(source, png(1024, 1024));
});

after(async () => {
  await gateway?.stop();
  await rm(folder, { recursive: true });
});

/** Two partial images and the image, each as the client's types say. */
function checkPartialImages(events, prefix, expected) {
  const partial = `${prefix}.partial_image`;
  assert.deepEqual(
    events.map((event) => event.type),
    [partial, partial, `${prefix}.completed`],
  );
  for (const [index, event] of events.entries()) {
    assert.deepEqual(measure(Buffer.from(event.b64_json, "base64")), expected);
    assert.equal(event.size, expected.size);
    assert.equal(event.output_format, expected.format);
    assert.equal(event.quality, "low");
    assert.equal(event.background, "opaque");
    assert.ok(Number.isInteger(event.created_at));
    assert.equal(event.partial_image_index, index < 2 ? index : undefined);
  }
}

describe("generate", () => {
  for (const model of MODELS) {
    test(`the documented example with ${model}`, async () => {
      const response = await client.images.generate({ model, prompt: GENERATE_PROMPT, size: "1024x1024" });
      await check(response, { size: "1024x1024" });
      assert.ok(response.data[0].url.startsWith(`${gateway.url}/media/`));
      assert.equal(response.metadata.sandbox, true);
    });

    test(`four images as base64 with ${model}`, async () => {
      const response = await client.images.generate({
        model,
        prompt: GENERATE_PROMPT,
        n: 4,
        quality: "low",
        response_format: "b64_json",
      });
      await check(response, { count: 4 });
    });
  }

  test("ten images by link", async () => {
    const response = await client.images.generate({
      model: "gpt-image-1-mini",
      prompt: GENERATE_PROMPT,
      n: 10,
      quality: "low",
      size: "1536x1024",
    });
    await check(response, { count: 10, size: "1536x1024" });
  });

  for (const format of ["png", "jpeg", "webp", "gif", "avif"]) {
    test(`as ${format}`, async () => {
      const response = await client.images.generate({
        model: "gpt-image-1.5",
        prompt: GENERATE_PROMPT,
        size: "1024x1024",
        quality: "low",
        output_format: format,
      });
      await check(response, { size: "1024x1024", format });
    });
  }

  test("as a stream", async () => {
    const stream = await client.images.generate({
      model: "gpt-image-1",
      prompt: GENERATE_PROMPT,
      size: "1024x1024",
      quality: "low",
      stream: true,
    });
    const events = [];
    for await (const event of stream) events.push(event);
    const last = events.at(-1);
    assert.equal(last.type, "image_generation.completed");
    assert.deepEqual(measure(Buffer.from(last.b64_json, "base64")), { format: "png", size: "1024x1024" });
  });

  for (const model of ["openai/gpt-image-1-mini", "mock-image"]) {
    test(`as a stream with partial images of ${model}`, async () => {
      const stream = await client.images.generate({
        model,
        prompt: GENERATE_PROMPT,
        size: "1024x1024",
        quality: "low",
        output_format: "webp",
        stream: true,
        partial_images: 2,
      });
      const events = [];
      for await (const event of stream) events.push(event);
      checkPartialImages(events, "image_generation", { format: "webp", size: "1024x1024" });
    });
  }

  test("a failure after a partial image", async () => {
    const stream = await client.images.generate({
      model: "openai/gpt-image-1-mini",
      prompt: "a cat [[fault: failed]]",
      quality: "low",
      stream: true,
      partial_images: 1,
    });
    const shown = [];
    await assert.rejects(async () => {
      for await (const event of stream) shown.push(event.type);
    }, OpenAI.APIError);
    assert.deepEqual(shown, ["image_generation.partial_image"]);
  });
});

describe("edit", () => {
  for (const model of MODELS) {
    test(`the documented example with ${model}`, async () => {
      const response = await client.images.edit({
        model,
        image: createReadStream(source),
        prompt: EDIT_PROMPT,
        size: "1024x1024",
      });
      await check(response, { size: "1024x1024" });
    });
  }

  test("two images and a mask, ten results as base64", async () => {
    const response = await client.images.edit({
      model: "gpt-image-1",
      image: [createReadStream(source), await toFile(png(512, 512), "second.png", { type: "image/png" })],
      mask: await toFile(mask(1024, 1024), "mask.png", { type: "image/png" }),
      prompt: EDIT_PROMPT,
      n: 10,
      quality: "low",
      response_format: "b64_json",
    });
    await check(response, { count: 10 });
  });

  test("as a stream", async () => {
    const stream = await client.images.edit({
      model: "gpt-image-1.5",
      image: createReadStream(source),
      prompt: EDIT_PROMPT,
      quality: "low",
      stream: true,
    });
    const events = [];
    for await (const event of stream) events.push(event);
    assert.equal(events.at(-1).type, "image_edit.completed");
  });

  test("as a stream with partial images", async () => {
    const stream = await client.images.edit({
      model: "openai/gpt-image-1-mini",
      image: createReadStream(source),
      prompt: EDIT_PROMPT,
      size: "1024x1024",
      quality: "low",
      stream: true,
      partial_images: 2,
    });
    const events = [];
    for await (const event of stream) events.push(event);
    checkPartialImages(events, "image_edit", { format: "png", size: "1024x1024" });
  });
});

describe("errors are typed", () => {
  const generate = (fields) => client.images.generate({ model: "gpt-image-1-mini", prompt: GENERATE_PROMPT, ...fields });

  for (const [fields, param] of [
    [{ prompt: "" }, "prompt"],
    [{ prompt: undefined }, "prompt"],
    [{ n: 0 }, "n"],
    [{ n: 11 }, "n"],
    [{ n: "two" }, "n"],
    [{ n: 1.5 }, "n"],
    [{ size: "banana" }, "size"],
    [{ size: "99999999x1" }, "size"],
  ]) {
    test(JSON.stringify(fields), async () => {
      await assert.rejects(generate(fields), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.equal(error.code, "INVALID_REQUEST");
        assert.equal(error.param, param);
        return true;
      });
    });
  }

  test("an unknown model", async () => {
    await assert.rejects(generate({ model: "gpt-image-1-mimi" }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.match(error.message, /Did you mean 'gpt-image-1-mini'\?/);
      return true;
    });
  });

  test("a wrong key", async () => {
    const wrong = new OpenAI({ apiKey: "pk_nobody.secret", baseURL: gateway.openaiUrl });
    await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError);
  });

  test("a file that is no image", async () => {
    const file = await toFile(Buffer.from("text"), "a.png", { type: "image/png" });
    await assert.rejects(client.images.edit({ model: "gpt-image-1", image: file, prompt: EDIT_PROMPT }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, "image");
      return true;
    });
  });

  test("a safety block, and in a stream too", async () => {
    const prompt = "something [[fault: moderation]]";
    await assert.rejects(generate({ prompt }), { code: "CONTENT_POLICY_VIOLATION" });
    const stream = await generate({ prompt, stream: true });
    await assert.rejects(async () => {
      for await (const event of stream) assert.ok(!event.b64_json);
    });
  });
});

test("models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(MODELS.every((model) => ids.includes(model)), ids.join());
  assert.equal((await client.models.retrieve("gpt-image-2")).id, "gpt-image-2");
});

test("a dry run costs nothing and tells the price", async () => {
  const request = { model: "fal/gpt-image-1-mini", prompt: GENERATE_PROMPT, quality: "low", size: "1024x1024" };
  const estimate = await client.images.generate(request, { query: { dryRun: true } });
  assert.equal(estimate.estimated, true);
  assert.equal(estimate.data, undefined);
  const answer = await client.images.generate(request);
  assert.ok(estimate.total_cost_micros >= Math.round(answer.metadata.cost * 1e6));
});
