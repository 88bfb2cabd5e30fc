// Walks through the site in a real browser.
//
//   node run.mjs                    the suite: every template, the walks, and a selection of samples
//   node run.mjs --all              the same for every model and every sample
//   node run.mjs --only /models     pages whose path begins so (walks and samples are left out)
//   node run.mjs --folder <path>    the checks of pages alone, over a folder of plain HTML files
//
// SDK_TESTS_PICTOR names the program, SITE_TESTS_CHROMIUM the browser.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { parseArgs } from "node:util";

import { startGateway } from "../sdk/node/servers.mjs";
import * as accessibility from "./accessibility.mjs";
import { arena, demonstrate, galleryPages } from "./arena.mjs";
import { DESKTOP, PHONE, launch, open } from "./browser.mjs";
import { desk, deskPages, session } from "./desk.mjs";
import * as focus from "./focus.mjs";
import * as layout from "./layout.mjs";
import * as markup from "./markup.mjs";
import { TEMPLATES, everyModel } from "./pages.mjs";
import { playground } from "./playground.mjs";
import { runSamples } from "./samples.mjs";
import { serveFolder } from "./static.mjs";
import { walks } from "./walks.mjs";

const { values: options } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    only: { type: "string" },
    folder: { type: "string" },
  },
});

const server = options.folder ? await serveFolder(options.folder) : await startGateway();
// Boards and gallery are looked at as they are once there is something in them.
const demonstrated = options.folder ? 0 : await demonstrate(server);
const { browser, close } = await launch();
const cookie = options.folder ? "" : await session(server);
const pages = await choosePages();
after(async () => {
  await close();
  await server.stop();
});

async function choosePages() {
  if (options.folder) {
    const files = (await readdir(options.folder)).filter((name) => name.endsWith(".html"));
    return files.map((name) => ({ path: `/${name}` })).filter(({ path }) => path.startsWith(options.only ?? ""));
  }
  const models = options.all ? await everyModel(server) : [];
  return [...TEMPLATES, ...(await galleryPages(server)), ...(await deskPages(server)), ...models].filter(({ path }) => path.startsWith(options.only ?? ""));
}

/** A page that is open for one check, and has to be without faults after it. */
async function visit({ path, status = 200, signedIn = false }, settings, check) {
  const page = await open(browser, server.url, settings);
  try {
    if (signedIn) {
      const pairs = cookie.split("; ").map((pair) => pair.split("="));
      await page.browserContext().setCookie(...pairs.map(([name, value]) => ({ name, value, domain: "127.0.0.1", path: "/" })));
    }
    page.expectedStatus = (answer) => answer.status() < 400 || (answer.status() === status && new URL(answer.url()).pathname === path);
    await page.go(path);
    const found = await check(page);
    // What the console says of a page that is meant to be missing is no fault.
    const own = page.faults.filter((fault) => !(status !== 200 && /status of/.test(fault)));
    assert.deepEqual([...found, ...own], []);
  } finally {
    await page.done();
  }
}

describe("pages", { concurrency: 2 }, () => {
  for (const target of pages) {
    describe(target.path, () => {
      test("is valid HTML", async () => {
        const answer = await fetch(new URL(target.path, server.url), { headers: { accept: "text/html", ...(target.signedIn ? { cookie } : {}) } });
        assert.equal(answer.status, target.status ?? 200);
        assert.deepEqual(await markup.faults(await answer.text()), []);
      });
      for (const [name, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
        test(`is accessible, ${name}, light`, () => visit(target, { viewport }, (page) => accessibility.violations(page)));
        test(`has contrast, ${name}, dark`, () =>
          visit(target, { viewport, theme: "dark" }, (page) => accessibility.violations(page, { colors: true })));
        test(`shows its focus, ${name}`, () => visit(target, { viewport }, (page) => focus.faults(page)));
      }
      test("fits from 320 pixels on", () => visit(target, {}, (page) => layout.overflows(page)));
    });
  }
});

if (!options.folder && !options.only) {
  walks(browser, server);
  arena(browser, server, demonstrated);
  playground(browser, server);
  desk(browser, server);
  runSamples(server, { all: options.all });
}
