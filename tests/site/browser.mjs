// One Chromium for the whole run, and pages that note whatever must not happen on them.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  // Several pages are open at once, and none of them may wait for being looked at.
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--disable-background-timer-throttling",
  // No scroll bar that takes room: what is measured as overflow is the page's own.
  "--hide-scrollbars",
  "--force-color-profile=srgb",
];

// A browser that does not answer for so long will not.
const PATIENCE_MS = 45_000;

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };

/** A browser with a profile of its own, which goes when it is closed. */
export async function launch() {
  const executablePath = process.env.SITE_TESTS_CHROMIUM ?? CHROMIUM.find((path) => existsSync(path));
  if (!executablePath) throw new Error(`no Chromium at ${CHROMIUM.join(", ")}; name one by SITE_TESTS_CHROMIUM`);
  const profile = await mkdtemp(join(tmpdir(), "site-tests-"));
  const browser = await puppeteer.launch({ executablePath, args: FLAGS, userDataDir: profile, headless: true, protocolTimeout: PATIENCE_MS });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * A new page below `origin`. Errors on its console, requests to other hosts and answers that fail are collected in
 * `page.faults`.
 */
export async function open(browser, origin, { viewport = DESKTOP, theme = "light", scripts = true } = {}) {
  // A context for each page: one page's cookies and storage are not another's.
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const faults = [];
  page.faults = faults;
  page.origin = origin;
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== origin) faults.push(`other host: ${url.href}`);
  });
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // A page that is left before its pictures have come cancels them.
    if (why !== "net::ERR_ABORTED") faults.push(`failed: ${request.url()}: ${why}`);
  });
  page.on("response", (response) => {
    const expected = page.expectedStatus?.(response) ?? response.status() < 400;
    if (!expected) faults.push(`status ${response.status()}: ${response.url()}`);
  });
  await page.setViewport(viewport);
  // Every page believes to have the focus, or the Tab key would reach the one in front only.
  const devtools = await page.createCDPSession();
  await devtools.send("Emulation.setFocusEmulationEnabled", { enabled: true });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  if (!scripts) await page.setJavaScriptEnabled(false);
  page.go = (path) => page.goto(new URL(path, `${origin}/`).href, { waitUntil: "load" });
  page.done = () => context.close();
  return page;
}

/** Opens every disclosure, so that nothing on the page goes unseen. */
export function openDisclosures(page) {
  return page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
}
