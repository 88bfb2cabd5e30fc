// The arena in a browser: a demonstration, blind votes of two people, the board that follows, and what the pages look like.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { DESKTOP, PHONE, open } from "./browser.mjs";
import { follow, text } from "./walking.mjs";

const DEMO_LIMIT_MS = 60_000;
const BOARD_LIMIT_MS = 60_000;

/** Fills the board as an operator does on a fresh folder, within a minute. */
export async function demonstrate(server) {
  const program = process.env.SDK_TESTS_PICTOR;
  const began = performance.now();
  const { stdout } = await promisify(execFile)(program, ["arena", "demo", "--url", server.url, "--key", server.key], { timeout: 300_000 });
  const took = performance.now() - began;
  assert.match(stdout, /votes of nobody were drawn/);
  return took;
}

const api = async (server, path, options = {}) => {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const answer = await fetch(`${server.url}${path}`, { headers, ...options });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
};

/** Pages of the gallery that are there once something hangs, with a report and a machine's opinion. */
export async function galleryPages(server) {
  const { data } = await api(server, "/v1/arena/exhibits?competition=geometric-composition");
  const [first, second] = data.map((exhibit) => exhibit.id);
  const body = { judge: "an eye", plus: ["clear shapes"], minus: ["one circle too few"] };
  await api(server, `/v1/arena/exhibits/${first}/opinion`, { method: "PUT", body: JSON.stringify(body) });
  await api(server, `/v1/arena/exhibits/${first}/reports`, { method: "POST", body: JSON.stringify({ reason: "It is upside down" }) });
  await api(server, "/v1/arena/suggestions", { method: "POST", body: JSON.stringify({ prompt: "A lantern in fog" }) });
  return [`/gallery/${first}`, `/gallery/${first}?beside=${second}`].map((path) => ({ path }));
}

const ready = (page) => page.waitForSelector(".ballot button:not([disabled])");

/** The file behind a picture of the pair, as the page's own cookies fetch it. */
const bytes = (page, side) =>
  page.$$eval(".pair img", async (images, side) => [...new Uint8Array(await (await fetch(images[side].src)).arrayBuffer())], side);

/** Whether the file of a pair is the one that hangs in the gallery under the model that was named. */
async function isBy(server, file, name) {
  const { data } = await api(server, "/v1/arena/exhibits");
  const own = data.filter((exhibit) => exhibit.name === name);
  for (const exhibit of own) {
    const hung = new Uint8Array(await (await fetch(`${server.url}/gallery/${exhibit.id}.webp`)).arrayBuffer());
    // All but the length in the head of the file, and what stands behind it.
    if (hung.slice(12).every((byte, at) => byte === file[at + 12])) return true;
  }
  return false;
}

export function arena(browser, server, demonstrated) {
  describe("arena", { concurrency: 1 }, () => {
    test("the demonstration takes less than a minute", () => {
      assert.ok(demonstrated < DEMO_LIMIT_MS, `${demonstrated} ms`);
    });

    test("two people vote, the names are right, the board follows, and votes are taken back", async () => {
      const total = async () => (await api(server, "/v1/arena/leaderboard")).votes.total;
      // The board follows a vote within a minute, here at once or nearly so.
      const follows = async (wanted) => {
        const end = performance.now() + BOARD_LIMIT_MS;
        let found = await total();
        while (found !== wanted && performance.now() < end) found = await total();
        assert.equal(found, wanted);
      };
      const before = await total();
      const [first, second] = await Promise.all([open(browser, server.url), open(browser, server.url)]);
      try {
        for (const page of [first, second]) {
          await page.go("/arena");
          await ready(page);
        }
        const sources = (page) => page.$$eval(".pair img", (images) => images.map((image) => image.src));
        assert.notDeepEqual(await sources(first), await sources(second), "a picture is not known by its address");
        const [left, right] = [await bytes(first, 0), await bytes(first, 1)];
        assert.equal(left.length, right.length, "files of a pair are equally long");
        await follow(first, () => first.click('.ballot [value="left"]'));
        assert.equal(await text(first, "h1"), "Your vote is in");
        const names = await first.$$eval(".pair .title a", (all) => all.map((it) => it.textContent));
        assert.ok(await isBy(server, left, names[0]), `left is ${names[0]}`);
        assert.ok(await isBy(server, right, names[1]), `right is ${names[1]}`);
        assert.ok(await first.$(".pair figure:first-child.won"), "the choice is marked");
        await follow(second, () => second.keyboard.press("ArrowRight"));
        assert.ok(await second.$(".pair figure:last-child.won"), "arrows vote");
        await follows(before + 2);
        await follow(first, () => first.click('[action="/arena/votes/taken-back"] button'));
        assert.equal(await text(first, "h1"), "Your vote is taken back");
        await follows(before + 1);
        await follow(first, () => first.click("[data-next]"));
        await ready(first);
        await follow(first, () => first.keyboard.press("t"));
        await follows(before + 2);
        const board = await open(browser, server.url);
        await board.go("/leaderboard");
        assert.ok((await text(board, ".lede")).includes((before + 2).toLocaleString("en-US")));
        assert.deepEqual(board.faults, []);
        await board.done();
        assert.deepEqual([...first.faults, ...second.faults], []);
      } finally {
        await Promise.all([first.done(), second.done()]);
      }
    });

    test("two people vote on one pair, each for themselves", async () => {
      const path = "/v1/arena/exhibits?competition=winter-comes";
      const { data } = await api(server, path);
      const others = data.slice(2);
      // With two pictures left, everybody is handed the same pair.
      const become = (state) =>
        Promise.all(others.map(({ id }) => api(server, `/v1/arena/exhibits/${id}`, { method: "PATCH", body: JSON.stringify({ state }) })));
      const people = await Promise.all([open(browser, server.url), open(browser, server.url)]);
      try {
        await become("hidden");
        const told = [];
        for (const page of people) {
          await page.go("/arena?competition=winter-comes");
          await ready(page);
          await follow(page, () => page.click('.ballot [value="as_good"]'));
          told.push((await page.$$eval(".pair .title a", (all) => all.map((it) => it.textContent))).sort());
        }
        assert.deepEqual(told[0], told[1]);
        assert.deepEqual(told[0], data.slice(0, 2).map((exhibit) => exhibit.name).sort());
        assert.deepEqual(people.flatMap((page) => page.faults), []);
        for (const page of people) {
          await follow(page, () => page.click('[action="/arena/votes/taken-back"] button'));
          assert.equal(await text(page, "h1"), "Your vote is taken back");
        }
      } finally {
        await become("shown");
        await Promise.all(people.map((page) => page.done()));
      }
    });

    test("a prompt of one's own is a pair, whose pictures are seen closer and published", async () => {
      const page = await open(browser, server.url);
      const waiting = async () => (await api(server, "/v1/arena/exhibits?state=waiting")).total;
      try {
        const before = await waiting();
        await page.go("/arena");
        await page.$$eval("details", (all) => { for (const it of all) it.open = true; });
        await page.type("#ar-o", "a paper boat in a puddle");
        await follow(page, () => page.$eval('[action="/arena/prompts"] button', (it) => it.click()));
        assert.equal(await text(page, ".arena blockquote"), "a paper boat in a puddle");
        await ready(page);
        await follow(page, () => page.click('.ballot [value="as_good"]'));
        await page.$eval("details:has([data-closer])", (it) => { it.open = true; });
        await page.$eval("[data-edge]", (it) => { it.value = "30"; it.dispatchEvent(new Event("input")); });
        assert.equal(await page.$eval(".slide", (it) => it.style.getPropertyValue("--at")), "30%");
        await page.$eval("[data-zoomer]", (it) => { it.value = "3"; it.dispatchEvent(new Event("input")); });
        assert.ok(await page.$eval(".slide", (it) => it.classList.contains("near")));
        await follow(page, () => page.$eval('[action="/arena/published"] button', (it) => it.click()));
        assert.equal(await page.$('[action="/arena/published"]'), null, "it is offered once");
        assert.equal(await waiting(), before + 2);
        assert.deepEqual(page.faults, []);
      } finally {
        await page.done();
      }
    });

    test("works without scripts", async () => {
      const page = await open(browser, server.url, { scripts: false });
      try {
        await page.go("/arena");
        await follow(page, () => page.click('.ballot [value="both_bad"]'));
        assert.equal(await text(page, "h1"), "Your vote is in");
        assert.equal(await page.$(".won"), null, "neither is marked");
        await follow(page, () => page.click('[action="/arena/votes/taken-back"] button'));
        assert.equal(await text(page, "h1"), "Your vote is taken back");
        assert.deepEqual(page.faults, []);
      } finally {
        await page.done();
      }
    });

    for (const [name, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      test(`both pictures are whole in one view, and alike, ${name}`, async () => {
        const page = await open(browser, server.url, { viewport });
        try {
          await page.go("/arena");
          await ready(page);
          const boxes = await page.$$eval(".pair img", (images) => images.map((image) => image.getBoundingClientRect().toJSON()));
          const [left, right] = boxes;
          assert.deepEqual([left.width, left.height, left.top], [right.width, right.height, right.top]);
          assert.ok(left.top >= 0 && left.bottom <= viewport.height, JSON.stringify(left));
          assert.ok(left.width > 140, `large enough to judge: ${left.width}`);
          const ballot = await page.$eval(".ballot", (it) => it.getBoundingClientRect().bottom);
          assert.ok(ballot <= viewport.height, `the answers are in view: ${ballot}`);
          const sizes = await page.$$eval(".ballot button", (all) => all.map((it) => getComputedStyle(it).backgroundColor));
          assert.equal(new Set(sizes).size, 1, "no answer stands out");
        } finally {
          await page.done();
        }
      });

      test(`charts are readable, ${name}`, async () => {
        const page = await open(browser, server.url, { viewport });
        try {
          await page.go("/leaderboard");
          const small = await page.$$eval(".chart text", (all) =>
            all
              .filter((it) => it.getClientRects().length)
              .map((it) => [it.textContent, parseFloat(getComputedStyle(it).fontSize) * it.getScreenCTM().a])
              .filter(([, px]) => px < 10.9),
          );
          assert.deepEqual(small, []);
          assert.ok(await page.$$eval(".chart", (all) => all.some((it) => it.getClientRects().length)), "a chart is shown");
          const tables = await page.$$eval("[role=region] table", (all) => all.map((it) => it.parentElement.getAttribute("aria-label")));
          assert.ok(tables.includes("Ratings over time"), `figures stand behind the lines: ${tables}`);
        } finally {
          await page.done();
        }
      });
    }
  });
}
