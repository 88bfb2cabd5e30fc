// axe-core over a page with everything on it opened: no violation of any severity.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { openDisclosures } from "./browser.mjs";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// What a theme can change.
const COLOR_RULES = ["color-contrast", "link-in-text-block"];

/** What is wrong on the page, one line a node. With `colors` alone only what a theme can change is looked at. */
export async function violations(page, { colors = false } = {}) {
  await openDisclosures(page);
  await page.evaluate(source);
  const found = await page.evaluate(
    (rules) => window.axe.run(document, rules ? { runOnly: { type: "rule", values: rules } } : {}).then((it) => it.violations),
    colors ? COLOR_RULES : null,
  );
  return found.flatMap((rule) =>
    rule.nodes.map((node) => {
      const why = node.failureSummary.split("\n").slice(1).join(" ").trim();
      return `${rule.id} (${rule.impact}) at ${node.target.join(" ")}: ${why} ${node.html.slice(0, 140)}`;
    }),
  );
}
