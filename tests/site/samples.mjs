// The samples of model pages, run as a reader would run them: what the Copy button copies, in a shell, in Python, in Node.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { crc32, deflateSync } from "node:zlib";

import { everyModel } from "./pages.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
// Where the official clients are installed by the other tests; without them their language is left out, and told.
const PYTHON = process.env.SITE_TESTS_PYTHON ?? join(target, "sdk-tests/python/bin/python");
const NODE_CLIENTS = join(root, "tests/sdk/node");
const SAMPLE_TIMEOUT_MS = 120_000;

/** Models of the quick selection: one that generates and edits with a mask, one of ratios, one that only upscales. */
const QUICK = ["/models/openai/gpt-image-1-mini", "/models/pictor/mock-image", "/models/google/google-upscaler"];

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&#34;": '"', "&#38;": "&", "&#60;": "<", "&#62;": ">" };

/** The text of every sample of a page with its language. */
export function samplesOf(html) {
  const panes = [...html.matchAll(/<pre[^>]*aria-label="([^"]*)"[^>]*><code[^>]*>(.*?)<\/code><\/pre>/gs)];
  return panes.map(([, label, code]) => ({
    label,
    language: language(label),
    text: code.replace(/<[^>]*>/g, "").replace(/&[#\w]+;/g, (it) => ENTITIES[it] ?? it),
  }));
}

function language(label) {
  const words = { curl: "bash", pictor: "bash", python: "python", javascript: "javascript" };
  return words[label.toLowerCase().split(/\s+/).at(-1)];
}

/** Runs one sample in `folder`. */
export async function run({ language, text }, folder, server) {
  const program = process.env.SDK_TESTS_PICTOR ?? join(target, "debug/pictor");
  const options = {
    cwd: language === "javascript" ? NODE_CLIENTS : folder,
    timeout: SAMPLE_TIMEOUT_MS,
    env: {
      HOME: folder,
      LANG: "C.UTF-8",
      NO_PROXY: "127.0.0.1,localhost",
      PATH: `${dirname(program)}${delimiter}${process.env.PATH}`,
      PICTOR_API_KEY: server.key,
      PICTOR_URL: server.url,
    },
  };
  const commands = {
    bash: ["bash", ["-euo", "pipefail", "-c", text]],
    python: [PYTHON, ["-c", text]],
    javascript: ["node", ["--input-type=module", "-e", text.replaceAll(/"((?:input|mask)\.png)"/g, `"${folder}/$1"`)]],
  };
  const { stdout, stderr } = await promisify(execFile)(...commands[language], options);
  assert.ok(!stdout.includes('{"error"'), stdout);
  return stdout + stderr;
}

/** A folder with the files that samples of edits read: a picture, and a mask with a hole in its middle. */
export async function workplace(server) {
  const folder = await mkdtemp(join(tmpdir(), "site-samples-"));
  const answer = await fetch(`${server.openaiUrl}/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "mock-image", prompt: "a paper boat", size: "1024x1024", response_format: "b64_json" }),
  });
  const { data } = await answer.json();
  await writeFile(join(folder, "input.png"), Buffer.from(data[0].b64_json, "base64"));
  await writeFile(join(folder, "mask.png"), mask(1024));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A square PNG, black but for a transparent square in its middle. */
function mask(side) {
  const rows = Buffer.alloc(side * (1 + side * 4));
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const hole = [x, y].every((it) => it >= side / 4 && it < (side * 3) / 4);
      rows[y * (1 + side * 4) + 1 + x * 4 + 3] = hole ? 0 : 255;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const chunk = (name, body) => {
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    const named = Buffer.concat([Buffer.from(name), body]);
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** Runs the samples of a selection of models, or of all. */
export function runSamples(server, { all }) {
  describe("samples of model pages", { concurrency: 2 }, () => {
    let place;
    before(async () => {
      place = await workplace(server);
    });
    after(() => place?.remove());

    test("run as they stand", { concurrency: 2 }, async (context) => {
      // A model that nobody runs any more has no sample: it could not be run.
      const callable = all ? (await everyModel(server)).filter(({ isRetired }) => !isRetired) : [];
      const paths = [...QUICK, ...callable.map(({ path }) => path)];
      for (const path of new Set(paths)) {
        const samples = samplesOf(await (await fetch(new URL(path, server.url))).text());
        assert.ok(samples.length > 0, `${path} has no samples`);
        for (const sample of samples) {
          assert.ok(sample.language, `${path}: of which language is "${sample.label}"?`);
          const missing = (sample.language === "python" && !existsSync(PYTHON)) || (sample.language === "javascript" && !existsSync(join(NODE_CLIENTS, "node_modules")));
          await context.test(`${path}: ${sample.label}`, { skip: missing && "its clients are not installed" }, () =>
            run(sample, place.folder, server),
          );
        }
      }
    });
  });
}
