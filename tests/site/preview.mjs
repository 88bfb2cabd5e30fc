// Draws the picture that stands for a link to any page without one of its own: node preview.mjs [file]
//
// It goes to crates/site/assets/preview.png, or to the file that is named. The pictures on its wall are the sandbox's own.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { startGateway } from "../sdk/node/servers.mjs";
import { launch, open } from "./browser.mjs";

const SIZE = { width: 1200, height: 630 };
const HUNG = ["openai/gpt-image-1.5", "google/gemini-3-pro-image-preview", "black-forest-labs/flux.2-pro"];

const STYLE = `
  body { margin: 0; background: var(--paper); }
  .og { box-sizing: border-box; width: 1200px; height: 630px; padding: 70px 80px; display: grid; grid-template-columns: 1fr 150px; gap: 90px; color: var(--ink); }
  .og .text { display: flex; flex-direction: column; }
  .og .who { display: flex; align-items: flex-end; gap: 26px; }
  .og .who svg { height: 122px; }
  .og h1 { font: 400 140px/0.8 "Newsreader Display"; letter-spacing: -0.022em; margin: 0; }
  .og p { font: 400 44px/1.25 "Newsreader Display"; margin: 56px 0 0; color: var(--ink-2); }
  .og .wall { display: grid; gap: 20px; align-content: space-between; }
  .og img { width: 150px; height: 150px; display: block; }
  .og .foot { margin-top: auto; border-top: 1px solid var(--ink); padding-top: 20px; font: 400 23px/1.3 "Hanken Grotesk"; color: var(--ink-2); display: flex; justify-content: space-between; }
`;

const file = resolve(process.argv[2] ?? fileURLToPath(new URL("../../crates/site/assets/preview.png", import.meta.url)));
const server = await startGateway();
const { browser, close } = await launch();
try {
  const page = await open(browser, server.url, { theme: "light", viewport: SIZE });
  await page.setBypassCSP(true);
  await page.go("/licenses");
  await page.addStyleTag({ content: STYLE });
  await page.evaluate(async (hung) => {
    const plates = hung.map((model) => `<img src="/plates/${model}.webp" alt="">`).join("");
    const mark = '<svg viewBox="3.8 1.3 17.4 21.9"><path fill="none" stroke="var(--ink)" stroke-width="2.4" d="M5 22.5V2.5h14v12.5H5"/><circle cx="18.4" cy="20.4" r="2.8" fill="var(--dot)"/></svg>';
    document.body.innerHTML = `<div class="og"><div class="text"><div class="who">${mark}<h1>Pictor</h1></div><p>Every image model and every provider that runs it, behind one API.</p><div class="foot"><span>Self-hosted, OpenAI-compatible</span><span>Exact prices, before and after</span></div></div><div class="wall">${plates}</div></div>`;
    await Promise.all([...document.images].map((image) => image.decode()));
    await document.fonts.ready;
  }, HUNG);
  const bytes = await page.screenshot({ type: "png", clip: { x: 0, y: 0, ...SIZE } });
  await writeFile(file, bytes);
  process.stdout.write(`${file}  ${Math.round(bytes.length / 1024)} KB\n`);
} finally {
  await close();
  await server.stop();
}
