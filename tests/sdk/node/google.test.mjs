// Google's official Node client against the sandbox, unchanged apart from its base URL.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ApiError, GoogleGenAI } from "@google/genai";

import { EDIT_PROMPT, GENERATE_PROMPT, measure, png } from "./pictures.mjs";
import { startSandbox } from "./servers.mjs";

const FLASH = "gemini-3.1-flash-image";

let sandbox;

before(async () => {
  sandbox = await startSandbox();
});

after(async () => {
  await sandbox?.stop();
});

function pictures(answer) {
  return answer.candidates[0].content.parts
    .filter((part) => part.inlineData && !part.thought)
    .map((part) => measure(Buffer.from(part.inlineData.data, "base64")));
}

describe("the Gemini API", () => {
  const client = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${sandbox.url}/gemini` } });
  let gemini;
  before(() => {
    gemini = client("AIzaSandbox");
  });

  test("generate", async () => {
    const answer = await gemini.models.generateContent({
      model: FLASH,
      contents: GENERATE_PROMPT,
      config: { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "21:9", imageSize: "2K" } },
    });
    assert.deepEqual(pictures(answer), [{ format: "png", size: "3168x1344" }]);
    assert.equal(answer.usageMetadata.candidatesTokenCount, 1680);
  });

  test("edit", async () => {
    const data = png(640, 480).toString("base64");
    const answer = await gemini.models.generateContent({
      model: "gemini-2.5-flash-image",
      contents: [{ inlineData: { mimeType: "image/png", data } }, { text: EDIT_PROMPT }],
    });
    assert.deepEqual(pictures(answer), [{ format: "png", size: "1184x864" }]);
  });

  test("stream", async () => {
    const seen = [];
    for await (const event of await gemini.models.generateContentStream({ model: FLASH, contents: GENERATE_PROMPT })) {
      seen.push(...pictures(event));
    }
    assert.equal(seen.length, 1);
  });

  test("thoughts are marked", async () => {
    const answer = await gemini.models.generateContent({
      model: "gemini-3-pro-image",
      contents: GENERATE_PROMPT,
      config: { thinkingConfig: { includeThoughts: true } },
    });
    assert.equal(answer.candidates[0].content.parts.filter((part) => part.thought).length, 2);
    assert.equal(pictures(answer).length, 1);
  });

  test("errors are typed", async () => {
    const refused = (prompt, status, config = {}) =>
      assert.rejects(gemini.models.generateContent({ model: FLASH, contents: prompt, config }), (error) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, status);
        return true;
      });
    await refused("a cat [[fault: status=429]]", 429);
    await refused("a cat [[fault: status=503]]", 503);
    await refused("a cat", 400, { imageConfig: { aspectRatio: "7:3" } });
    const stranger = client("nonsense").models.generateContent({ model: FLASH, contents: "a cat" });
    await assert.rejects(stranger, (error) => error.status === 400 && error.message.includes("API_KEY_INVALID"));
  });
});
