// Makes the pictures of the README anew, from a gateway in its sandbox: node screenshots.mjs [folder]
//
// They go to docs/screenshots, or to the folder that is named.

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { startGateway } from "../sdk/node/servers.mjs";
import { demonstrate } from "./arena.mjs";
import { launch, open } from "./browser.mjs";
import { deskPages, session } from "./desk.mjs";

const SIZE_MAX_BYTES = 200 * 1024;
const WINDOW = { width: 1440, height: 900, deviceScaleFactor: 1.5 };

/** What two models make of one prompt. */
async function generate(page) {
  await page.click(".run [type=submit]");
  await page.waitForFunction(() => document.querySelectorAll("[data-list] .money.paid").length === 2);
}

const SHOTS = [
  { name: "models", path: "/models" },
  { name: "model", path: "/models/openai/gpt-image-1.5", isCode: true },
  { name: "prices-dark", path: "/models/openai/gpt-image-1.5#prices", theme: "dark" },
  { name: "playground", path: "/playground?models=gpt-image-1.5,grok-imagine-image&aspect_ratio=3:2&prompt=A lighthouse above a stormy sea at sunset", act: generate },
  { name: "arena", path: "/arena?competition=candid-street-photography" },
  { name: "leaderboard", path: "/leaderboard" },
  { name: "desk-dark", path: async (server) => (await deskPages(server))[2].path, theme: "dark", signedIn: true },
];

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL("../../docs/screenshots", import.meta.url)));
await mkdir(folder, { recursive: true });
// Pictures of code show the address that a reader has, whatever port is free here; what is done on a page needs its own.
const told = await startGateway({ PICTOR_PUBLIC_URL: "http://127.0.0.1:8484" });
const lived = await startGateway();
await demonstrate(lived);
const { browser, close } = await launch();
try {
  const cookie = await session(lived);
  for (const { name, path, theme = "light", act, signedIn, isCode } of SHOTS) {
    const server = isCode ? told : lived;
    const page = await open(browser, server.url, { theme, viewport: WINDOW });
    if (signedIn) {
      const pairs = cookie.split("; ").map((pair) => pair.split("="));
      await page.browserContext().setCookie(...pairs.map(([key, value]) => ({ name: key, value, domain: "127.0.0.1", path: "/" })));
    }
    const answer = await page.go(typeof path === "string" ? path : await path(server));
    if (!answer.ok()) throw new Error(`${name}: ${answer.status()}`);
    await act?.(page);
    await page.waitForNetworkIdle({ idleTime: 300 }).catch(() => null);
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
  await Promise.all([told.stop(), lived.stop()]);
}

/** The picture of the window at the best quality that keeps it small. */
async function small(page) {
  for (let quality = 90; quality >= 30; quality -= 10) {
    const bytes = await page.screenshot({ type: "webp", quality });
    if (bytes.length <= SIZE_MAX_BYTES) return bytes;
  }
  throw new Error(`${page.url()} does not fit ${SIZE_MAX_BYTES} bytes`);
}
