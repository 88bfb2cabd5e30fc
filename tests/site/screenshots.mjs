// Makes the pictures of the README anew, from a gateway in its sandbox: node screenshots.mjs [folder]
//
// They go to docs/screenshots, or to the folder that is named.

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { startGateway } from "../sdk/node/servers.mjs";
import { launch, open } from "./browser.mjs";

const SIZE_MAX_BYTES = 200 * 1024;
const WINDOW = { width: 1440, height: 900, deviceScaleFactor: 1.5 };
const SHOTS = [
  { name: "models", path: "/models" },
  { name: "model", path: "/models/openai/gpt-image-1.5" },
  { name: "prices-dark", path: "/models/openai/gpt-image-1.5#prices", theme: "dark" },
];

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL("../../docs/screenshots", import.meta.url)));
await mkdir(folder, { recursive: true });
// The pictures show the address that a reader has, whatever port is free here.
const server = await startGateway({ PICTOR_PUBLIC_URL: "http://127.0.0.1:8484" });
const { browser, close } = await launch();
try {
  for (const { name, path, theme = "light" } of SHOTS) {
    const page = await open(browser, server.url, { theme, viewport: WINDOW });
    const answer = await page.go(path);
    if (!answer.ok()) throw new Error(`${path}: ${answer.status()}`);
    await page.waitForFunction(() => [...document.images].every((it) => it.complete || it.loading === "lazy"));
    await page.evaluate(() => document.fonts.ready.then(() => true));
    const file = join(folder, `${name}.webp`);
    const bytes = await small(page);
    await writeFile(file, bytes);
    process.stdout.write(`${file}  ${Math.round(bytes.length / 1024)} KB\n`);
    await page.done();
  }
} finally {
  await close();
  await server.stop();
}

/** The picture of the window at the best quality that keeps it small. */
async function small(page) {
  for (let quality = 90; quality >= 30; quality -= 10) {
    const bytes = await page.screenshot({ type: "webp", quality });
    if (bytes.length <= SIZE_MAX_BYTES) return bytes;
  }
  throw new Error(`${page.url()} does not fit ${SIZE_MAX_BYTES} bytes`);
}
