// History and presets beside the form. What was on its way when the page was left is asked for again.
import * as past from "./past.js";
import { request } from "./ask.js";
import { dollars, make, picture } from "./results.js";

let reopen = () => {};
const list = document.querySelector("[data-past]");
const urls = new Map();

async function draw() {
  const all = await past.all();
  list.replaceChildren(...all.map((one) => {
    if (one.blob && !urls.has(one.id)) urls.set(one.id, URL.createObjectURL(one.blob));
    const shown = one.blob ? make("img", { src: urls.get(one.id), alt: "", width: 112, height: 112 }) : make("span", { class: "hint" }, one.pending ? "on its way" : "no picture");
    const text = make("span", {}, make("span", { class: "q" }, one.prompt || one.title), make("span", { class: "hint" }, one.title), make("span", { class: "hint num" }, `${new Date(one.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}${typeof one.cost === "number" ? `, ${dollars(one.cost * 1e6)}` : ""}`));
    return make("li", {}, make("button", { type: "button" }, shown, text, () => reopen(one.settings)));
  }));
  if (!all.length) list.replaceChildren(make("li", { class: "hint" }, "What you make is listed here, and nowhere else."));
}

/** What became of requests that nobody waited for. */
async function find() {
  for (const one of await past.all()) {
    if (!one.pending) continue;
    const told = await request(one.id).catch((error) => error);
    if (told.status === "processing" || told.status === "pending") continue;
    const url = told.result?.data?.[0]?.url;
    const answer = url && (await fetch(url).catch(() => null));
    await past.keep({ ...one, pending: false, blob: answer?.ok ? await answer.blob() : null, cost: told.cost });
  }
  await draw();
}

export const history = {
  async begin(one) { await past.keep({ ...one, pending: true }); await draw(); },
  async end(id, more) {
    const one = (await past.all()).find((it) => it.id === id);
    if (one && more) await past.keep({ ...one, ...more, pending: false }); else if (one) await past.forget(id);
    await draw();
  },
  show(go) {
    reopen = go;
    document.querySelector("[data-clear]").addEventListener("click", async () => { await past.clear(); await draw(); });
    draw().then(find);
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
