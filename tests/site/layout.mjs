// Nothing is wider than the window, from 320 pixels on.

import { openDisclosures } from "./browser.mjs";

export const WIDTHS = [320, 360, 390, 480, 768, 1024, 1440];

/** Elements that make the page wider than the window, by width. */
export async function overflows(page, widths = WIDTHS) {
  const found = [];
  for (const width of widths) {
    await page.setViewport({ width, height: 900 });
    await openDisclosures(page);
    const wide = await page.evaluate(() => {
      const room = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= room) return [];
      const inScroller = (element) => {
        for (let it = element.parentElement; it && it !== document.body; it = it.parentElement) {
          if (getComputedStyle(it).overflowX !== "visible") return true;
        }
        return false;
      };
      const culprits = [...document.body.querySelectorAll("*")].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && box.right > room + 0.5 && !inScroller(element);
      });
      const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join(".")}`;
      const named = culprits.slice(0, 4).map((element) => `${name(element)} to ${element.getBoundingClientRect().right}`);
      return named.length ? named : [`the page is ${document.documentElement.scrollWidth} wide`];
    });
    found.push(...wide.map((what) => `at ${width} px: ${what}`));
  }
  return found;
}
