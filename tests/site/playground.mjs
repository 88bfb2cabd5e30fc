// What a visitor does in the playground: several models by the form alone, a mask by mouse and by keys, an edit, and where
// the budget ends.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { open } from "./browser.mjs";

const TWO = "/playground?models=mock-image,grok-imagine-image";

/** Clicks as a person does, who first scrolls to what is to be clicked. */
async function press(page, selector) {
  await page.$eval(selector, (it) => it.scrollIntoView({ block: "center" }));
  await page.click(selector);
}

/** Waits until so many results have their charge told. */
const results = (page, count) => page.waitForFunction((n) => document.querySelectorAll("[data-result-charged], [data-list] .money.paid").length >= n, { timeout: 20_000 }, count);

/** A picture as a file that a page takes. */
function takes(page, width = 96, height = 64) {
  return page.evaluate(async (w, h) => {
    const canvas = new OffscreenCanvas(w, h), g = canvas.getContext("2d");
    g.fillStyle = "#357"; g.fillRect(0, 0, w, h);
    const data = new DataTransfer();
    data.items.add(new File([await canvas.convertToBlob({ type: "image/png" })], "hills.png", { type: "image/png" }));
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, width, height);
}

export function playground(browser, server) {
  const walk = (name, settings, steps) => test(name, async () => {
    const page = await open(browser, server.url, settings);
    try {
      await steps(page);
      assert.deepEqual(page.faults, []);
    } finally {
      await page.done();
    }
  });

  describe("playground", { concurrency: 1 }, () => {
    walk("asks two models by the form alone, in their order, and keeps what came", {}, async (page) => {
      await page.go(TWO);
      await page.type("#pg-p", "a red kite");
      await press(page, ".run [type=submit]");
      await results(page, 2);
      const titles = await page.$$eval("[data-list] [data-title]", (all) => all.map((it) => it.textContent));
      assert.equal(titles.length, 2);
      const models = await page.$$eval("[data-model]", (all) => all.map((it) => it.dataset.name));
      assert.deepEqual(titles, models);
      const facts = await page.$eval("[data-list] figure:last-child [data-facts]", (it) => it.textContent);
      assert.match(facts, /\d+ × \d+, \w+, \d+ KB\. [\d.]+ s by \w+, first attempt/);
      await page.waitForFunction(() => document.querySelectorAll("[data-past] img").length === 2);
      // The settings are a link; the key is nowhere.
      const url = new URL(page.url());
      assert.equal(url.searchParams.get("prompt"), "a red kite");
    });

    walk("tells the price of what is chosen before it is asked for", {}, async (page) => {
      await page.go("/playground?models=grok-imagine-image");
      const price = () => page.$eval("[data-live=price] .money", (it) => it.textContent);
      const one = await price();
      await page.$eval("#pg-n", (it) => { it.value = "3"; it.dispatchEvent(new Event("input", { bubbles: true })); });
      await page.waitForFunction((before) => document.querySelector("[data-live=price] .money").textContent !== before, {}, one);
      assert.match(await price(), /\$0\.06/);
    });

    walk("shows partial images on their way", {}, async (page) => {
      await page.go("/playground?models=mock-image&partial_images=2&prompt=dunes");
      await page.evaluate(() => {
        window.seen = [];
        new MutationObserver(() => { const alt = document.querySelector("[data-list] img")?.alt; if (alt && !window.seen.includes(alt)) window.seen.push(alt); }).observe(document.querySelector("[data-list]"), { childList: true, subtree: true });
      });
      await press(page, ".run [type=submit]");
      await page.waitForFunction(() => document.querySelector("[data-list] figure:not([aria-busy])"));
      const seen = await page.evaluate(() => window.seen);
      assert.ok(seen.some((alt) => alt.startsWith("Unfinished")), seen.join("; "));
    });

    walk("paints a mask by mouse and by keys, and edits within it", {}, async (page) => {
      await page.go("/playground?models=mock-image&mode=edit&prompt=gulls");
      await takes(page);
      await page.waitForSelector("[data-maskbutton]");
      await press(page, "[data-maskbutton]");
      await page.waitForSelector("[data-masker]:not([hidden]) canvas");
      const share = () => page.$eval("[data-cover]", (it) => it.textContent);
      const canvas = await page.$("#mk-c");
      await canvas.scrollIntoView();
      const box = await canvas.boundingBox();
      await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
      await page.mouse.up();
      const painted = await share();
      assert.match(painted, /^[1-9]\d* % of the picture$/);
      await canvas.focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Space");
      await page.keyboard.down("Control");
      await page.keyboard.press("z");
      await page.keyboard.press("z");
      await page.keyboard.up("Control");
      assert.equal(await share(), "0 % of the picture");
      await page.$eval("[data-rect] [name=width]", (it) => { it.value = "48"; });
      await page.$eval("[data-rect] [name=height]", (it) => { it.value = "64"; });
      await press(page, "[data-rect] button");
      assert.equal(await share(), "50 % of the picture");
      await press(page, "[data-do=invert]");
      assert.equal(await share(), "50 % of the picture");
      await press(page, "[data-do=done]");
      await page.waitForFunction(() => /with a mask/.test(document.querySelector("[data-count]").textContent));
      await press(page, ".run [type=submit]");
      await page.waitForFunction(() => document.querySelector("[data-list] figure:not([aria-busy]) img"));
    });

    walk("answers as a page without scripts", { scripts: false }, async (page) => {
      await page.go("/playground?models=grok-imagine-image");
      await page.type("#pg-p", "a red kite");
      await Promise.all([page.waitForNavigation({ waitUntil: "load" }), press(page, ".run [type=submit]")]);
      assert.ok(await page.$(".results .plate img"));
    });
  });
}
