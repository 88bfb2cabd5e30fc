// What an operator does at the desk: finds a request, reads it, makes a key, uses and revokes it, tops up, sees the books;
// and what is refused.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { open } from "./browser.mjs";
import { follow, press, text, walking } from "./walking.mjs";

/** Signs in with the first key. */
async function signIn(page, server) {
  await page.go("/app/sign-in");
  await page.type("#key", server.key);
  await follow(page, () => press(page, "form.signin button"));
}

/** Makes a picture as a program does. */
async function make(server, { key = server.key, headers = {}, ...fields } = {}) {
  const answer = await fetch(`${server.url}/openai/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "grok-imagine-image", prompt: "a red kite", size: "1600x900", seed: 7, response_format: "url", ...fields }),
  });
  return { status: answer.status, ...(await answer.json()) };
}

export function desk(browser, server) {
  const walk = walking(browser, server);

  describe("desk", { concurrency: 1 }, () => {
    walk("finds a request by one's own id, and reads its time line, plan and money", {}, async (page, scripts) => {
      const own = `order-${scripts}`;
      const made = await make(server, { user: "ann", headers: { "x-request-id": own } });
      await page.go("/app/requests");
      assert.equal(new URL(page.url()).pathname, "/app/sign-in");
      await page.type("#key", server.key);
      await follow(page, () => press(page, "form.signin button"));
      assert.equal(new URL(page.url()).pathname, "/app/requests");
      await page.type("#rq", own);
      await follow(page, () => page.keyboard.press("Enter"));
      assert.equal((await page.$$("[data-request]")).length, 1);
      await follow(page, () => press(page, "[data-request] th a"));
      assert.equal(new URL(page.url()).pathname, `/app/requests/${made.id}`);
      const told = await text(page, ".drawer");
      for (const part of ["Time line", "xAI", "put the offers in order", "Why in this order", "Held before", "Charged", "seed", "left out"]) {
        assert.ok(told.includes(part), `${part}: ${told}`);
      }
      assert.ok(await page.$eval(".drawer .plate img", (it) => it.complete && it.naturalWidth > 0), "its picture is there");
      assert.ok(!told.includes(server.key));
    });

    walk("filters by form, and sums up what fits", {}, async (page, scripts) => {
      await make(server, { model: "mock-image", size: "64x64" });
      await signIn(page, server);
      await page.go("/app/requests");
      await page.select("#af-m", "mock-image");
      await follow(page, () => press(page, ".a-filter button"));
      assert.equal(new URL(page.url()).searchParams.get("model"), "mock-image");
      const models = await page.$$eval("[data-request] td:nth-child(2)", (all) => all.map((it) => it.textContent));
      assert.ok(models.length > 0 && models.every((model) => model === "mock-image"), models.join());
      if (scripts) await page.waitForSelector(".sums .fig");
      else await follow(page, () => press(page, ".sums a"));
      assert.match(await text(page, ".sums"), /Requests\s+[\d,]+/);
    });

    walk("hears of a request that begins while one looks", { scripts: [true] }, async (page) => {
      await signIn(page, server);
      const listening = page.waitForResponse((answer) => answer.url().endsWith("/events"));
      await page.go("/app/requests");
      await listening;
      await make(server, { model: "mock-image", size: "64x64" });
      await page.waitForFunction(() => !document.querySelector("[data-live-log]").hidden);
      assert.match(await text(page, "[data-live-log]"), /\d new request/);
    });

    walk("makes a key, uses it, and revokes it", {}, async (page) => {
      await signIn(page, server);
      await page.go("/app/keys");
      await page.type("#nk-name", "robot");
      await page.type("#nk-day_usd", "1");
      await follow(page, () => press(page, 'form[action="/app/keys"] .btn.main'));
      const key = (await text(page, ".banner.ok code")).trim();
      assert.match(key, /^pk_/);
      assert.equal((await make(server, { key })).status, 200);
      await page.go("/app/keys");
      assert.ok(!(await page.content()).includes(key), "it is shown once");
      const id = key.slice(3).split(".")[0];
      await follow(page, () => press(page, `a[href="/app/keys/${id}"]`));
      assert.match(await text(page), /\$0\.020? of \$1\.00/);
      await follow(page, () => press(page, `form[action="/app/keys/${id}/revoke"] .btn`));
      assert.match(await text(page, ".facts"), /revoked/);
      assert.equal((await make(server, { key })).status, 401);
      await follow(page, () => press(page, `a[href="/app/audit?target=${id}"]`));
      assert.match(await text(page), /key revoke/);
    });

    walk("tops up an account, and sees that the books hold", {}, async (page, scripts) => {
      const id = `team-${scripts}`;
      await signIn(page, server);
      await page.go("/app/accounts");
      await page.type("#na-id", id);
      await follow(page, () => press(page, 'form[action="/app/accounts"] .btn.main'));
      await page.type("#po-amount_usd", "12.50");
      await follow(page, () => press(page, `form[action="/app/accounts/${id}/postings"] .btn.main`));
      assert.match(await text(page), /top up[\s\S]*\$12\.50/);
      await page.go("/app/books");
      await follow(page, () => press(page, "main form .btn.main"));
      assert.match(await text(page, ".banner"), /every rule holds/);
    });

    walk("puts another secret in the place of the one that signs webhooks", {}, async (page) => {
      await signIn(page, server);
      await page.go("/app/settings");
      await page.type("#sw-h", "1");
      await follow(page, () => press(page, 'form[action="/app/secrets/webhooks"] button'));
      const shown = (await text(page, ".banner.ok code")).trim();
      const { key, former } = await (await fetch(`${server.url}/v1/webhooks/secret`, { headers: { authorization: `Bearer ${server.key}` } })).json();
      assert.equal(shown, key);
      assert.ok(former.length > 0);
      await follow(page, () => press(page, 'form[action="/app/secrets/links"] button'));
      assert.match(await text(page, ".banner.ok"), /another secret/);
      await page.go("/app/audit?action=secret_rotate");
      assert.match(await text(page), /secret rotate[\s\S]*webhooks/);
    });

    walk("answers what waits in the arena", {}, async (page, scripts) => {
      const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
      const prompt = `a lantern, ${scripts}`;
      await fetch(`${server.url}/v1/arena/suggestions`, { method: "POST", headers, body: JSON.stringify({ prompt, voter: `walk-${scripts}` }) });
      await signIn(page, server);
      await page.go("/app/arena");
      assert.ok((await text(page)).includes(prompt));
      const row = await page.$$eval("tr", (all, wanted) => all.find((it) => it.innerText.includes(wanted)).querySelector("form").action, prompt);
      await follow(page, () => press(page, `form[action="${new URL(row).pathname}"] button`));
      assert.ok(!(await text(page)).includes(prompt));
    });

    walk("signs out", {}, async (page) => {
      await signIn(page, server);
      await follow(page, () => press(page, 'form[action="/app/sign-out"] button'));
      await page.go("/app");
      assert.equal(new URL(page.url()).pathname, "/app/sign-in");
    });

    test("refuses a forged origin, a stolen form and a foreign session", async () => {
      const thief = await open(browser, server.url), owner = await open(browser, server.url);
      for (const page of [thief, owner]) page.expectedStatus = () => true;
      try {
        await signIn(owner, server);
        const token = await owner.$eval("[name=form_token]", (it) => it.value);
        const cookies = await owner.browserContext().cookies();
        const session = cookies.find(({ name }) => name === "pictor_session");
        const send = (headers, body) =>
          fetch(`${server.url}/app/accounts`, { method: "POST", redirect: "manual", headers: { "content-type": "application/x-www-form-urlencoded", ...headers }, body: new URLSearchParams(body) });
        const order = { id: "stolen", billing_type: "postpaid" };
        const cookie = `pictor_session=${session.value}`;
        // The right session and the right form, from elsewhere.
        assert.equal((await send({ cookie, origin: "http://evil.example" }, { ...order, form_token: token })).status, 403);
        assert.equal((await send({ cookie, origin: "null" }, { ...order, form_token: token })).status, 403);
        // No form of a page, and a form of another session.
        assert.equal((await send({ cookie, origin: server.url }, order)).status, 403);
        await signIn(thief, server);
        const other = (await thief.browserContext().cookies()).find(({ name }) => name === "pictor_session");
        assert.equal((await send({ cookie: `pictor_session=${other.value}`, origin: server.url }, { ...order, form_token: token })).status, 403);
        // Without a session one is sent to where one signs in.
        assert.equal((await send({ origin: server.url }, { ...order, form_token: token })).status, 303);
        const accounts = await fetch(`${server.url}/v1/accounts/stolen`, { headers: { authorization: `Bearer ${server.key}` } });
        assert.equal(accounts.status, 404);
      } finally {
        await thief.done();
        await owner.done();
      }
    });
  });
}

/** Pages of the desk, for the checks of every page; a request and an account are there by then. */
export async function deskPages(server) {
  const request = await make(server, { user: "ann" });
  await make(server, { size: "sideways" });
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  await fetch(`${server.url}/v1/accounts`, { method: "POST", headers, body: JSON.stringify({ id: "shop", billing_type: "prepaid" }) });
  await fetch(`${server.url}/v1/accounts/shop/postings`, { method: "POST", headers, body: JSON.stringify({ kind: "top_up", amount_usd: 3 }) });
  const key = server.key.slice(3).split(".")[0];
  const paths = [
    "/app", "/app/requests", `/app/requests/${request.id}`, "/app/requests?status=cancelled", "/app/usage", "/app/keys", `/app/keys/${key}`,
    "/app/accounts", "/app/accounts/shop", "/app/providers", "/app/arena", "/app/usage?totals=1", "/app/media", "/app/catalog", "/app/books?check=1", "/app/audit", "/app/sessions", "/app/settings", `/app/requests/${request.id}?explain=1`,
  ];
  return paths.map((path) => ({ path, signedIn: true }));
}

/** The cookie of a session that signed in, for pages that are looked at without a form. */
export async function session(server) {
  const answer = await fetch(`${server.url}/app/sign-in`, {
    method: "POST", redirect: "manual",
    headers: { origin: server.url, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ key: server.key }),
  });
  return answer.headers.getSetCookie().map((it) => it.split(";")[0]).join("; ");
}
