// What walks have in common: how one clicks, follows and reads, and that a page must be without faults after each.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./browser.mjs";

/** Waits until the page that a click or a key leads to is there. */
export async function follow(page, act) {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), act()]);
}

/** Clicks as a person does, who first scrolls to what is to be clicked: the tray may lie over the foot of the window. */
export async function press(page, selector) {
  await page.$eval(selector, (it) => it.scrollIntoView({ block: "center" }));
  await page.click(selector);
}

/** What stands there to be read. */
export const text = (page, selector = "main") => page.$eval(selector, (it) => it.innerText);

/** Makes walks through the pages of a server: each with scripts and without them, unless `usual` or a walk's own `scripts` names one. */
export const walking = (browser, server, usual = [true, false]) => (name, { scripts = usual }, steps) => {
  for (const on of scripts) {
    test(`${name}${on ? "" : ", without scripts"}`, async () => {
      const page = await open(browser, server.url, { scripts: on });
      try {
        await steps(page, on);
        assert.deepEqual(page.faults, []);
      } finally {
        await page.done();
      }
    });
  }
};
