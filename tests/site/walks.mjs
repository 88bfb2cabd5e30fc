// What a reader does on the site, from finding a model to running a sample of it.

import assert from "node:assert/strict";
import { describe } from "node:test";

import { run, workplace } from "./samples.mjs";
import { follow, press, text, walking } from "./walking.mjs";

const MODEL = "/models/openai/gpt-image-1.5";

/** Names of the models that a list shows. */
function shown(page) {
  return page.$$eval("[data-text]", (all) =>
    all.filter((it) => !it.hidden).map((it) => it.querySelector(".title, th").textContent.trim()),
  );
}

/** The walks, each with scripts and, but for copying, without. */
export function walks(browser, server) {
  const walk = walking(browser, server);

  describe("walks", { concurrency: 2 }, () => {
    walk("finds a model by filter", {}, async (page) => {
      await page.go("/models");
      const before = await shown(page);
      await press(page, '[data-filter] input[name="mode"][value="image-edit"]');
      await press(page, '[data-filter] input[name="provider"][value="replicate"]');
      await follow(page, () => press(page, '[data-filter] button[type="submit"]'));
      const url = new URL(page.url());
      assert.equal(url.searchParams.get("mode"), "image-edit");
      assert.equal(url.searchParams.get("provider"), "replicate");
      const after = await shown(page);
      assert.ok(after.includes("GPT Image 1.5"), after.join(", "));
      assert.ok(after.length < before.length && after.length > 0);
      // The URL is the state: whoever gets it sees the same.
      assert.ok(await page.$eval('input[name="mode"][value="image-edit"]', (it) => it.checked));
    });

    walk("finds a model by a provider's own id", {}, async (page) => {
      await page.go("/models");
      await page.type('[data-filter] input[name="q"]', "fal-ai/gpt-image-1.5");
      await follow(page, () => page.keyboard.press("Enter"));
      const found = await shown(page);
      assert.deepEqual(found, ["GPT Image 1.5"]);
      await follow(page, () => press(page, "[data-text] .title a, [data-text] th a"));
      assert.equal(new URL(page.url()).pathname, MODEL);
    });

    walk("compares three", {}, async (page, scripts) => {
      await page.go("/models");
      for (const id of ["gpt-image-1.5", "flux.2-pro", "seedream-4.5"]) {
        await press(page, `input[name="compare"][value$="${id}"]`);
      }
      // Without scripts the choice goes to the server first, which then shows what is chosen.
      if (!scripts) await follow(page, () => press(page, '[data-filter] button[type="submit"]'));
      await follow(page, () => press(page, "[data-tray] .btn"));
      assert.match(new URL(page.url()).pathname, /^\/compare(\/[^/]+){6}$/);
      const main = await text(page, "main");
      for (const name of ["GPT Image 1.5", "FLUX.2 pro", "Seedream 4.5"]) assert.ok(main.includes(name), name);
    });

    walk("reads a model's page and copies a sample that runs", { scripts: [true] }, async (page) => {
      const context = page.browserContext();
      await context.overridePermissions(server.url, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
      await page.go(MODEL);
      assert.equal(await text(page, "h1"), "GPT Image 1.5");
      const pane = await page.waitForSelector("#code .code");
      await pane.$eval("[data-copy]", (button) => button.click());
      await page.waitForFunction(() => document.querySelector("#code .code [role=status]"));
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.match(copied, /^curl /);
      assert.ok(copied.includes(server.url), "the sample has the reader's own address");
      const place = await workplace(server);
      try {
        await run({ language: "bash", text: copied }, place.folder, server);
      } finally {
        await place.remove();
      }
    });

    walk("sees what 7:1 becomes", {}, async (page) => {
      await page.go("/models/pictor/mock-image");
      await page.$eval("form.trysize [name=size]", (it) => (it.value = ""));
      await page.type("form.trysize [name=aspect_ratio]", "7:1");
      await follow(page, () => press(page, "form.trysize button[type=submit]"));
      const result = await text(page, "form.trysize output");
      assert.match(result, /\d+ × \d+/);
      // Seven times as wide as high, as near as the model comes to it.
      const [, width, height] = result.match(/(\d+) × (\d+)/);
      assert.ok(Math.abs(Math.log(width / height / 7)) < 0.1, result);
    });

    walk("asks for the price of a request", {}, async (page) => {
      await page.go(MODEL);
      await follow(page, () => press(page, "form.calc button[type=submit]"));
      assert.match(await text(page, "form.calc output"), /\$0\.\d+/);
    });

    walk("reads a guide, and its twin in Markdown", {}, async (page) => {
      await page.go("/docs");
      await follow(page, () => press(page, 'main a[href="/docs/errors"]'));
      assert.equal(await text(page, "h1"), "Errors");
      assert.ok((await text(page, "main")).includes("ALL_PROVIDERS_EXHAUSTED"));
      const twin = await fetch(new URL("/docs/errors.md", server.url));
      assert.equal(twin.status, 200);
      assert.match(twin.headers.get("content-type"), /^text\/markdown/);
      assert.match(await twin.text(), /^# Errors\n/);
    });

    walk("searches models and guides", {}, async (page) => {
      await page.go("/docs");
      await page.type("form.bigsearch [name=q]", "idempotency-key");
      await follow(page, () => page.keyboard.press("Enter"));
      assert.ok(await page.$('main a[href^="/docs/idempotency-and-async"]'), await text(page, "main"));
    });

    walk("opens the reference", {}, async (page) => {
      await page.go("/docs");
      await follow(page, () => press(page, 'main a[href^="/docs/api/"]'));
      const main = await text(page, "main");
      assert.ok(main.includes("/openai/v1/images/generations"));
      assert.ok(await page.$(".hand"), "parameters have their badges");
    });

    walk("keeps a theme", { scripts: [true] }, async (page) => {
      await page.go("/models");
      await press(page, "[data-theme-toggle]");
      // Read back, so that it is there for the next page.
      await page.waitForFunction(() => document.cookie.includes("theme="));
      const chosen = await page.$eval("html", (it) => it.dataset.theme);
      assert.ok(["light", "dark"].includes(chosen));
      await page.go("/docs");
      assert.equal(await page.$eval("html", (it) => it.dataset.theme), chosen);
    });
  });
}
