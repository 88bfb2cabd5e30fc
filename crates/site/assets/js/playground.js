// The playground: the form asks the server what it would become, then each model is asked by the public API, in streams.
import * as ask from "./ask.js";
import * as inputs from "./inputs.js";
import { dollars, left, look, make, place } from "./results.js";
import { history, presets } from "./rail.js";
import { code, filledIn, typed } from "./code.js";
import { publish } from "./publish.js";

const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
const root = $("[data-playground]"), results = $("[data-results]"), list = $("[data-list]");
const form = () => $("[data-request]"), mode = () => root.dataset.mode;
const models = () => $$("[data-model]").map((it) => ({ id: it.dataset.model, name: it.dataset.name, cost: it.dataset.cost ? Number(it.dataset.cost) : null, usual: Number(it.dataset.usual) || null }));
let timer, asked = 0;

const filled = () => filledIn(form());
const say = (text) => { const toast = make("p", { class: "toast" }, text); $(".toasts").replaceChildren(toast); setTimeout(() => toast.remove(), 4_000); };

/** The page with these settings. */
function path({ ids = models().map((one) => one.id), as = mode() } = {}) {
  const query = new URLSearchParams({ models: ids.join(","), mode: as });
  for (const one of filled()) query.append(one.name, one.text);
  return `/playground?${query.toString().replaceAll("%2C", ",")}`;
}

async function fetched(url) {
  const response = await fetch(url + (mode() === "generate" ? "" : await inputs.told()));
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** What the form would become, as the server says it; the newest question counts. */
function quote() {
  clearTimeout(timer);
  grid();
  timer = setTimeout(async () => {
    const turn = ++asked, url = path();
    const page = await fetched(url).catch(() => null);
    if (!page || turn !== asked) return;
    for (const part of $$("[data-live]")) {
      const fresh = $(`[data-live="${part.dataset.live}"]`, page);
      // What has the focus stays: its owner is at work on it.
      if (fresh && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(fresh));
    }
    window.history.replaceState(null, "", url);
    grid(); code(root, filled(), models(), mode(), inputs);
  }, 250);
}

/** Other models or another mode: another form, with what was filled in and the images that were taken. */
async function go(url) {
  const page = await fetched(url);
  const [fresh, stage] = [$("[data-request]", page), $("[data-masker]", page)];
  form().replaceWith(document.adoptNode(fresh));
  const old = $("[data-masker]");
  if (old) old.remove();
  if (stage) results.before(document.adoptNode(stage));
  root.dataset.mode = $("[data-playground]", page).dataset.mode;
  window.history.replaceState(null, "", url);
  wire(); quote();
}

/** One parameter in several values: how many requests that makes, and what they cost. */
function variations() {
  const name = $("[data-vary]").value, values = $("[data-values]").value.split(",").map((text) => text.trim()).filter(Boolean);
  return name && values.length ? values.slice(0, 12).map((value) => ({ name, value })) : [null];
}
function grid() {
  const many = variations(), cost = models().reduce((sum, one) => sum + (one.cost ?? 0), 0) * many.length;
  $("[data-grid]").textContent = many[0] ? `${models().length} × ${many.length} requests, ${dollars(cost)} at most` : "";
}

function body(model, varied) {
  const own = filled().filter((one) => (!one.takers || one.takers.includes(model.id)) && one.name !== varied?.name);
  if (varied) own.push({ name: varied.name, text: varied.value, kind: /^(-?\d+(\.\d+)?|true|false)$/.test(varied.value) && !["size", "aspect_ratio", "resolution"].includes(varied.name) ? "json" : "text" });
  const partials = Number(own.find((one) => one.name === "partial_images")?.text ?? 0);
  const settings = typed(own.filter((one) => !["prompt", "n", "partial_images"].includes(one.name)));
  if (mode() === "generate") {
    return { partials, settings, url: "/openai/v1/images/generations", body: JSON.stringify({ model: model.id, stream: true, response_format: "url", ...typed(own) }) };
  }
  const data = new FormData();
  for (const [name, text] of [["model", model.id], ["stream", "true"], ["response_format", "url"], ...own.map((one) => [one.name, one.text])]) data.append(name, text);
  for (const image of inputs.images()) data.append("image[]", image, image.name || "image.png");
  if (inputs.theMask() && mode() === "edit" && takesMask(model)) data.append("mask", inputs.theMask(), "mask.png");
  return { partials, settings, url: "/openai/v1/images/edits", body: data };
}
const takesMask = (model) => !($("[data-inputs]")?.dataset.maskless ?? "").split(" ").includes(model.id);

/** One request of one model. Its places stand at once, so that results keep the models' order. */
async function one(model, varied) {
  const stop = new AbortController(), sent = body(model, varied), settings = path(), n = Number($("[name=n]")?.value || 1);
  const title = varied ? `${model.name}, ${varied.name} ${varied.value}` : model.name;
  const acts = {
    stop: () => stop.abort(),
    save: (own) => make("a", { href: URL.createObjectURL(own.blob), download: `${model.id.replaceAll("/", "-")}-${own.id ?? "image"}.${own.format}` }).click(),
    async use(own) { if (mode() === "generate") await go(path({ as: "edit" })); inputs.add([new File([own.blob], `${model.id}.${own.format}`, { type: own.blob.type })]); form().scrollIntoView(); },
    same: () => go(settings),
    seed(own) { const field = $("[name=seed]"), seed = new URLSearchParams(settings.split("?")[1]).get("seed") ?? own.seed(); if (!field) say("No chosen model takes a seed."); else if (seed === null) say("The provider told no seed: set one to have it again."); else { field.value = seed; quote(); } },
    request: (own) => own.onRecord(),
    code() { const more = $("[data-code]").closest("details"); more.open = true; more.scrollIntoView(); },
  };
  const places = Array.from({ length: n }, (_, index) => place(list, { title: n > 1 ? `${title}, ${index + 1}` : title, cost: model.cost === null ? null : model.cost / n, usual: model.usual, partials: sent.partials, acts: { ...acts, publish: async (own) => say(await publish(own, index, settings.split("?")[1], sent.settings)) } }));
  let id = null, done = 0;
  try {
    for await (const event of ask.events(sent.url, sent.body, stop.signal)) {
      if (event.type === "begun") { id = event.id; for (const it of places) it.id = id; await history.begin({ id, at: Date.now(), title, prompt: $("[name=prompt]")?.value ?? "", settings }); }
      else if (event.type === "pictor.attempt") for (const it of places) it.attempt(event);
      else if (event.type.endsWith(".partial_image")) places[Math.min(done, n - 1)].partial(event);
      else if (event.type.endsWith(".completed")) places[Math.min(done++, n - 1)].finished(event);
    }
    for (const it of places.slice(done)) it.failed(new Error("This image was not delivered, and is not charged."));
    const told = await ask.request(id).catch(() => null);
    for (const it of places.slice(0, done)) if (told) it.record(told, done);
    await history.end(id, { blob: places[0].blob, cost: told?.cost });
  } catch (error) {
    for (const it of places.slice(done)) it.failed(error);
    if (error.name !== "AbortError" && id) await history.end(id, null);
  }
  left(await ask.session(true).catch(() => null));
}

async function run(event) {
  event.preventDefault();
  results.hidden = false;
  $("[data-beforeafter]").hidden = mode() === "generate";
  $("[data-empty]")?.remove();
  list.replaceChildren();
  // Asked for before the first request, so that several at once do not begin a session each.
  try { await ask.session(); } catch (error) { list.append(make("p", { class: "banner fail", role: "alert" }, error.message)); return; }
  await Promise.all(models().flatMap((model) => variations().map((varied) => one(model, varied))));
}

function wire() {
  const it = form();
  it.addEventListener("submit", run);
  it.addEventListener("input", quote);
  it.addEventListener("keydown", (e) => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); it.requestSubmit(); } });
  inputs.wire(it, quote, async () => {
    const { edit } = await import("./mask.js");
    edit($("[data-masker]"), inputs);
  });
  const vary = $("[data-vary]"), names = new Set([...it.elements].map((field) => field.name).filter((name) => name && !["model", "response_format", "image", "mask", "n", "add", "models"].includes(name)));
  vary.replaceChildren(new Option("none", ""), ...[...names].map((name) => new Option(name, name)));
}

root.addEventListener("click", (e) => {
  const link = e.target.closest("a[data-go]");
  if (!link || e.metaKey || e.ctrlKey) return;
  e.preventDefault();
  const to = new URL(link.href).searchParams;
  go(path({ ids: to.get("models").split(","), as: to.get("mode") }));
});
root.addEventListener("click", (e) => {
  if (!e.target.closest("[data-add]")) return;
  e.preventDefault();
  go(path({ ids: [...models().map((one) => one.id), $("#pg-more").value] }));
});
for (const it of $$("[data-vary], [data-values]")) it.addEventListener("input", grid);
for (const it of $$("[data-scripted], [data-history]")) it.hidden = false;
const field = $("[data-key]");
field.value = ask.key();
field.addEventListener("change", () => { ask.setKey(field.value.trim()); say(field.value ? "The key is used in this tab." : "The key is forgotten."); });
$("[data-link]").addEventListener("click", async () => { await navigator.clipboard.writeText(new URL(path(), location.href).href).catch(() => null); say("Copied. The link holds the settings, never a key."); });
presets($("[data-preset]"), () => path(), go);
history.show(go);
look(results, () => (mode() !== "generate" && inputs.images()[0] ? inputs.urlOf(inputs.images()[0]) : null));
wire();
code(root, filled(), models(), mode(), inputs);
