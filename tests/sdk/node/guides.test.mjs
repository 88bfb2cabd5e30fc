// Every JavaScript sample of the guides runs as it stands.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startGateway } from "./servers.mjs";

const docs = new URL("../../../docs/", import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));
const SAMPLE_TIMEOUT_MS = 60_000;

let gateway;
before(async () => {
  gateway = await startGateway();
});
after(() => gateway.stop());

for (const name of (await readdir(docs)).filter((it) => it.endsWith(".md")).sort()) {
  const text = await readFile(new URL(name, docs), "utf8");
  for (const [, sample] of text.matchAll(/^```javascript\n(.*?)^```$/gms)) {
    test(`${name}: ${sample.split("\n")[0]}`, async () => {
      const code = sample.replaceAll("http://127.0.0.1:8484", gateway.url);
      const { stdout } = await promisify(execFile)("node", ["--input-type=module", "-e", code], {
        cwd: here,
        env: { ...process.env, PICTOR_API_KEY: gateway.key },
        timeout: SAMPLE_TIMEOUT_MS,
      });
      assert.notEqual(stdout.trim(), "");
    });
  }
}
