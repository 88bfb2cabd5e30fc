// History and presets beside the form. What was on its way when the page was left is asked for again.
import * as past from "./past.js";
import { ending, pictures } from "./ending.js";
import { dollars, make, picture } from "./results.js";

let reopen = () => {};
const list = document.querySelector("[data-past]");
const urls = new Map();

const blobs = (one) => one.blobs ?? (one.blob ? [one.blob] : []);

async function draw() {
  const all = await past.all();
  list.replaceChildren(...all.map((one) => {
    const own = blobs(one);
    if (own.length && urls.get(one.id)?.length !== own.length) urls.set(one.id, own.map((blob) => URL.createObjectURL(blob)));
    const [first, ...more] = own.length ? urls.get(one.id) : [];
    const shown = first ? make("img", { src: first, alt: "", width: 112, height: 112 }) : make("span", { class: "hint" }, one.pending ? "on its way" : "no picture");
    const text = make("span", {}, make("span", { class: "q" }, one.prompt || one.title), make("span", { class: "hint" }, one.title), make("span", { class: "hint num" }, `${new Date(one.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}${typeof one.cost === "number" ? `, ${dollars(one.cost * 1e6)}` : ""}`));
    const item = make("li", {}, make("button", { type: "button" }, shown, text, () => reopen(one.settings)));
    // All of them can be had again, not only the one that stands for them.
    if (more.length) item.append(make("span", { class: "rest" }, ...[first, ...more].map((url, at) => make("a", { href: url, download: `image-${at + 1}.${own[at].type.split("/")[1] ?? "png"}` }, make("img", { src: url, alt: `Save image ${at + 1} of ${own.length}`, width: 48, height: 48 })))));
    return item;
  }));
  if (!all.length) list.replaceChildren(make("li", { class: "hint" }, "What you make is listed here, and nowhere else."));
}

const watched = new Set();

/** Waits for what became of a request that nobody waits for. What cannot be asked for now stays on its way. */
async function watch(id) {
  if (watched.has(id)) return;
  watched.add(id);
  try {
    const told = await ending(id);
    const kept = told ? (await pictures(told)).filter(Boolean) : [];
    await history.end(id, { blobs: kept.map((it) => it.blob), cost: told?.cost });
  } catch { /* It is asked for again when the page is opened the next time. */ }
  watched.delete(id);
}

export const history = {
  async begin(one) { await past.keep({ ...one, pending: true }); await draw(); },
  async end(id, more) {
    const one = (await past.all()).find((it) => it.id === id);
    if (one && more) await past.keep({ ...one, ...more, pending: false }); else if (one) await past.forget(id);
    await draw();
  },
  watch,
  async show(go) {
    reopen = go;
    document.querySelector("[data-clear]").addEventListener("click", async () => { await past.clear(); await draw(); });
    await draw();
    for (const one of await past.all()) if (one.pending) watch(one.id);
  },
};

/** Named settings, as links. */
export function presets(button, path, go) {
  const list = document.querySelector("[data-presets]");
  const draw = () => list.replaceChildren(...past.presets().map((one, index) => make("li", { class: "row between" }, make("button", { class: "btn sm bare", type: "button" }, one.name, () => go(one.path)), make("button", { class: "btn sm bare icon", type: "button", "aria-label": `Remove the preset ${one.name}` }, picture("x"), () => { past.setPresets(past.presets().toSpliced(index, 1)); draw(); }))));
  button.addEventListener("click", () => {
    const query = new URLSearchParams(path().split("?")[1]);
    const name = window.prompt("Name of the preset", (query.get("prompt") ?? query.get("models")).slice(0, 40));
    if (!name) return;
    past.setPresets([...past.presets().filter((one) => one.name !== name), { name, path: path() }]);
    draw();
  });
  draw();
}
