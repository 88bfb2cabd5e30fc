// What a visitor does in the playground: several models by the form alone, a mask by mouse and by keys, an edit, and where
// the budget ends.

import assert from "node:assert/strict";
import { describe } from "node:test";

import { follow, press, walking } from "./walking.mjs";

const TWO = "/playground?models=mock-image,grok-imagine-image";

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

/** From the next page on, the connection of a generation breaks once its first bytes are there, or ends as if that were all. */
const breaks = (page, how) => page.evaluateOnNewDocument((kind) => {
  const real = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (!String(asked[0]).includes("/images/")) return answer;
    await answer.body.cancel();
    return new Response(new ReadableStream({ start: (it) => (kind === "error" ? it.error(new TypeError("network error")) : it.close()) }), { headers: answer.headers });
  };
}, how);

export function playground(browser, server) {
  const walk = walking(browser, server, [true]);

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

    for (const how of ["error", "end"]) {
      walk(`finds what was made when the connection is lost by an ${how}`, {}, async (page) => {
        await breaks(page, how);
        await page.go("/playground?models=mock-image&prompt=dunes&n=2&size=64x64");
        await press(page, ".run [type=submit]");
        await page.waitForFunction(() => document.querySelectorAll("[data-list] figure:not([aria-busy]) img").length === 2, { timeout: 20_000 });
        assert.doesNotMatch(await page.$eval("[data-list]", (it) => it.innerText), /nothing charged|not delivered/);
        await page.waitForFunction(() => document.querySelectorAll("[data-past] .rest img").length === 2);
      });
    }

    walk("goes on with what is not waited for, and shows it without being loaded anew", {}, async (page) => {
      await page.go("/playground?models=gpt-image-1-mini&prompt=dunes%20[[fault:%20delay=3s]]&size=1024x1024&n=1");
      await press(page, ".run [type=submit]");
      await page.waitForFunction(() => /on its way/.test(document.querySelector("[data-past]").textContent));
      await press(page, "[data-act=stop]");
      await page.waitForFunction(() => /Not waited for/.test(document.querySelector("[data-list]").textContent));
      await page.waitForFunction(() => document.querySelector("[data-past] img"), { timeout: 30_000 });
    });

    walk("keeps every image of a request in the history", {}, async (page) => {
      await page.go("/playground?models=mock-image&prompt=dunes&n=3&size=64x64");
      await press(page, ".run [type=submit]");
      await page.waitForFunction(() => document.querySelectorAll("[data-past] .rest a[download] img").length === 3, { timeout: 20_000 });
    });

    walk("says who pays with a key that is typed, and what is left", {}, async (page) => {
      await page.go("/playground?models=mock-image&prompt=dunes&size=64x64");
      assert.match(await page.$eval("[data-left]", (it) => it.textContent), /without a key/);
      await page.$eval("[data-key]", (it, key) => { it.closest("details").open = true; it.value = key; it.dispatchEvent(new Event("change")); }, server.key);
      await page.waitForFunction(() => /paid by the key of this tab/.test(document.querySelector("[data-left]").textContent));
      // Another question to the server does not bring the former words back.
      await page.$eval("#pg-p", (it) => { it.value = "kites"; it.dispatchEvent(new Event("input", { bubbles: true })); });
      await page.waitForFunction(() => new URL(location.href).searchParams.get("prompt") === "kites");
      assert.match(await page.$eval("[data-left]", (it) => it.textContent), /paid by the key of this tab/);
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
      const zoom = () => page.$eval("[data-sheet]", (it) => Number(it.style.getPropertyValue("--zoom")));
      await press(page, "[data-do=in]");
      assert.equal(await zoom(), 1.5);
      await press(page, "[data-do=out]");
      assert.equal(await zoom(), 1);
      await press(page, "[data-do=done]");
      await page.waitForFunction(() => /with a mask/.test(document.querySelector("[data-count]").textContent));
      await press(page, ".run [type=submit]");
      await page.waitForFunction(() => document.querySelector("[data-list] figure:not([aria-busy]) img"));
    });

    walk("says what comes where nothing is yet, and fills in an example", {}, async (page) => {
      await page.go("/playground?models=mock-image");
      assert.match(await page.$eval("[data-empty]", (it) => it.innerText), /Pictures come here/);
      await follow(page, () => press(page, "[data-empty] a"));
      assert.match(await page.$eval("#pg-p", (it) => it.value), /lighthouse/);
      await press(page, ".run [type=submit]");
      await results(page, 1);
      assert.equal(await page.$("[data-empty]"), null);
    });

    walk("uses a result as input, has its settings again, and shows its code", {}, async (page) => {
      await page.go("/playground?models=mock-image&prompt=dunes&seed=7&size=64x64");
      await press(page, ".run [type=submit]");
      await page.waitForSelector("[data-list] figure:not([aria-busy]) img");
      await press(page, "[data-act=code]");
      assert.ok(await page.$eval("[data-code]", (it) => it.closest("details").open && it.textContent.includes("dunes")));
      await page.$eval("#pg-p", (it) => { it.value = "other"; it.dispatchEvent(new Event("input", { bubbles: true })); });
      await press(page, "[data-act=same]");
      await page.waitForFunction(() => document.querySelector("#pg-p").value === "dunes");
      await page.$eval("[name=seed]", (it) => { it.value = ""; });
      await press(page, "[data-act=seed]");
      await page.waitForFunction(() => document.querySelector("[name=seed]").value === "7");
      await press(page, "[data-act=use]");
      await page.waitForSelector(".inputs li:not(.drop) img");
      assert.equal(await page.$eval("[data-playground]", (it) => it.dataset.mode), "edit");
    });

    walk("holds two results against each other by a slider, and zooms both", {}, async (page) => {
      await page.go(`${TWO}&prompt=dunes`);
      await press(page, ".run [type=submit]");
      await results(page, 1);
      await page.waitForFunction(() => document.querySelectorAll("[data-list] figure:not([aria-busy]) img").length === 2);
      await page.$eval("[name=lay][value=slider]", (it) => it.click());
      assert.equal((await page.$$("[data-slide]:not([hidden]) img")).length, 2);
      await page.$eval("[data-slideat] input", (it) => { it.value = "20"; it.dispatchEvent(new Event("input")); });
      assert.equal(await page.$eval("[data-slide]", (it) => it.style.getPropertyValue("--at")), "20%");
      await page.$eval("[name=lay][value=side]", (it) => it.click());
      await page.$eval("[data-zoom]", (it) => { it.value = "3"; it.dispatchEvent(new Event("input")); });
      assert.ok(await page.$eval("[data-results]", (it) => it.classList.contains("zoomed") && it.style.getPropertyValue("--zoom") === "3"));
    });

    walk("shows before and after, tells what is on record, and publishes", {}, async (page) => {
      await page.go("/playground?models=mock-image&mode=edit&prompt=gulls");
      await takes(page);
      await page.waitForSelector(".inputs li:not(.drop) img");
      await press(page, ".run [type=submit]");
      await results(page, 1);
      await page.$eval("[name=lay][value=before]", (it) => it.click());
      assert.equal((await page.$$("[data-slide]:not([hidden]) img")).length, 2);
      assert.equal(await page.$eval("[data-slide] img:last-child", (it) => it.alt), "The picture before");
      await page.$eval("[name=lay][value=side]", (it) => it.click());
      await press(page, "[data-act=request]");
      assert.match(await page.$eval("[data-record] code", (it) => it.textContent), /"attempts"/);
      await press(page, "[data-act=publish]");
      await page.waitForFunction(() => /waits for the operator/.test(document.querySelector(".toasts").textContent));
    });

    walk("varies one parameter over all models, with the price before", {}, async (page) => {
      await page.go(`${TWO}&prompt=dunes`);
      await page.$eval("[data-vary]", (it) => { it.closest("details").open = true; });
      await page.select("[data-vary]", "aspect_ratio");
      await page.type("[data-values]", "1:1, 16:9");
      await page.waitForFunction(() => /^2 × 2 requests, \$0\.040 at most$/.test(document.querySelector("[data-grid]").textContent));
      await press(page, ".run [type=submit]");
      await page.waitForFunction(() => document.querySelectorAll("[data-list] figure:not([aria-busy]) img").length === 4, { timeout: 20_000 });
      const titles = await page.$$eval("[data-list] [data-title]", (all) => all.map((it) => it.textContent));
      assert.deepEqual(titles.map((title) => title.split(", aspect_ratio ")[1]), ["1:1", "16:9", "1:1", "16:9"]);
    });

    walk("keeps settings under a name", {}, async (page) => {
      page.on("dialog", (dialog) => dialog.accept("evening"));
      await page.go("/playground?models=mock-image&prompt=dunes");
      await press(page, "[data-preset]");
      await page.waitForFunction(() => document.querySelector("[data-presets] li"));
      await page.go("/playground?models=mock-image");
      await page.waitForFunction(() => document.querySelector("[data-presets] li button"));
      await press(page, "[data-presets] li button");
      await page.waitForFunction(() => document.querySelector("#pg-p").value === "dunes");
    });

    walk("takes pasted pictures, orders and replaces them", {}, async (page) => {
      await page.go("/playground?models=gpt-image-1.5&mode=edit&prompt=gulls");
      const paste = (name) => page.evaluate(async (named) => {
        const canvas = new OffscreenCanvas(32, 32); canvas.getContext("2d").fillRect(0, 0, 32, 32);
        const data = new DataTransfer();
        data.items.add(new File([await canvas.convertToBlob({ type: "image/png" })], named, { type: "image/png" }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
      }, name);
      const names = () => page.$$eval(".inputs li:not(.drop) img", (all) => all.map((it) => it.alt.split(": ")[1]));
      await paste("one.png"); await paste("two.png");
      assert.deepEqual(await names(), ["one.png", "two.png"]);
      await press(page, ".inputs li:nth-child(2) [data-move]");
      assert.deepEqual(await names(), ["two.png", "one.png"]);
      // Dropped on a picture it takes its place.
      await page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array([137, 80, 78, 71])], "three.png", { type: "image/png" }));
        document.querySelector(".inputs li").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
      });
      assert.deepEqual(await names(), ["three.png", "one.png"]);
      await press(page, '[aria-label="Remove image 1"]');
      assert.deepEqual(await names(), ["one.png"]);
    });

    walk("makes a picture larger", {}, async (page) => {
      await page.go("/playground?mode=upscale");
      await takes(page, 64, 48);
      await page.waitForSelector(".inputs li:not(.drop) img");
      await press(page, ".run [type=submit]");
      await page.waitForSelector("[data-list] figure:not([aria-busy]) img", { timeout: 20_000 });
      const [width] = (await page.$eval("[data-list] [data-facts]", (it) => it.textContent)).match(/\d+/);
      assert.ok(Number(width) > 64, width);
    });

    walk("answers as a page", { scripts: [false] }, async (page) => {
      await page.go("/playground?models=grok-imagine-image");
      await page.type("#pg-p", "a red kite");
      await follow(page, () => press(page, ".run [type=submit]"));
      assert.ok(await page.$(".results .plate img"));
    });
  });
}
