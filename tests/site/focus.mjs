// Walks through a page with the Tab key: focus is seen at every stop, and nothing hides the stop.

// Pages have fewer stops; a page that never comes back to its beginning is a trap.
const STOPS_MAX = 1_500;

/** Stops where the focus cannot be seen. */
export async function faults(page) {
  await page.evaluate(() => {
    window.scrollTo(0, 0);
    document.activeElement?.blur();
  });
  const found = [];
  const seen = new Set();
  for (let count = 0; count < STOPS_MAX; count += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(look);
    if (stop === null) break;
    // A radio group is one stop; anything that comes twice is the next round.
    if (seen.has(stop.place)) break;
    seen.add(stop.place);
    if (stop.fault) found.push(`${stop.name}: ${stop.fault}`);
  }
  if (seen.size === 0) found.push("nothing takes the focus");
  if (seen.size >= STOPS_MAX) found.push(`no end after ${STOPS_MAX} stops`);
  return found;
}

/** Runs in the page: where the focus is, and what is wrong with how it shows. */
function look() {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return null;
  const path = [];
  for (let it = element; it.parentElement; it = it.parentElement) path.unshift([...it.parentElement.children].indexOf(it));
  const text = (element.getAttribute("aria-label") || element.textContent || element.name || "").trim().slice(0, 40);
  const name = `${element.tagName.toLowerCase()}${element.className ? `.${element.className}` : ""} "${text}"`;
  const rings = (it) => {
    if (!it) return false;
    const style = getComputedStyle(it);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const seen = !/rgba\(.*, 0\)|transparent/.test(style.outlineColor);
    return (outlined && seen) || (style.boxShadow !== "none" && !/ 0px 0px 0px 0px/.test(style.boxShadow));
  };
  // A control that is hidden for the eye shows its focus on what stands for it.
  const stands = [element, element.parentElement, element.parentElement?.parentElement, element.nextElementSibling];
  stands.push(...(element.labels ?? []));
  let fault = null;
  if (!stands.some(rings)) fault = "its focus does not show";
  // A picture or heading inside a link that wraps lines has several boxes: the first that is on the screen counts.
  const boxes = [...element.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  const hidden = boxes.length === 0 || boxes.every((box) => box.width <= 1 || box.height <= 1);
  if (!fault && !hidden) {
    const inside = (box) => box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    if (!boxes.some(inside)) fault = "it is outside the window";
    else {
      const points = boxes.filter(inside).flatMap((box) => {
        const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
        const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
        return [0.1, 0.5, 0.9].map((part) => [left + (right - left) * 0.5, top + (bottom - top) * part]);
      });
      const shows = ([x, y]) => {
        const top = document.elementFromPoint(x, y);
        return top && (element.contains(top) || top.contains(element) || [...(element.labels ?? [])].some((it) => it.contains(top)));
      };
      if (!points.some(shows)) fault = "something covers it";
    }
  }
  return { place: path.join("."), name, fault };
}
