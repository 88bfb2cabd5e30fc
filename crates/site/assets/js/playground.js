// The playground: the form asks the server what it would become, then each model is asked by the public API, in streams.
import * as ask from "./ask.js";
import * as inputs from "./inputs.js";
import { one } from "./asking.js";
import { code, filledIn } from "./code.js";
import * as payer from "./payer.js";
import { history, presets } from "./rail.js";
import { look, make } from "./results.js";

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
  timer = setTimeout(async () => {
    const turn = ++asked, url = path();
    const page = await fetched(url + varied()).catch(() => null);
    if (!page || turn !== asked) return;
    for (const part of $$("[data-live]")) {
      const fresh = $(`[data-live="${part.dataset.live}"]`, page);
      // What has the focus stays: its owner is at work on it.
      if (fresh && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(fresh));
    }
    window.history.replaceState(null, "", url);
    payer.show(); code(root, filled(), models(), mode(), inputs);
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

/** One parameter in several values. */
function variations() {
  const name = $("[data-vary]").value, values = $("[data-values]").value.split(",").map((text) => text.trim()).filter(Boolean);
  return name && values.length ? values.slice(0, 12).map((value) => ({ name, value })) : [null];
}
/** The same as the server is asked what it costs. */
function varied() {
  const many = variations();
  return many[0] ? `&${new URLSearchParams({ vary: many[0].name, values: many.map((it) => it.value).join(",") })}` : "";
}

async function run(event) {
  event.preventDefault();
  results.hidden = false;
  $("[data-beforeafter]").hidden = mode() === "generate";
  $("[data-empty]")?.remove();
  list.replaceChildren();
  // Asked for before the first request, so that several at once do not begin a session each.
  try { await ask.session(); } catch (error) { list.append(make("p", { class: "banner fail", role: "alert" }, error.message)); return; }
  const page = { mode: mode(), settings: path(), fields: filled(), list, go, say, quote, editing: () => path({ as: "edit" }) };
  await Promise.all(models().flatMap((model) => variations().map((it) => one(page, model, it))));
  await payer.refresh();
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
for (const it of $$("[data-vary], [data-values]")) it.addEventListener("input", quote);
for (const it of $$("[data-scripted], [data-history]")) it.hidden = false;
const field = $("[data-key]");
field.value = ask.key();
field.addEventListener("change", () => { ask.setKey(field.value.trim()); if (field.value) payer.refresh(); else { payer.forget(); quote(); } say(field.value ? "The key is used in this tab." : "The key is forgotten."); });
$("[data-link]").addEventListener("click", async () => { await navigator.clipboard.writeText(new URL(path(), location.href).href).catch(() => null); say("Copied. The link holds the settings, never a key."); });
presets($("[data-preset]"), () => path(), go);
history.show(go);
if (ask.key()) payer.refresh();
look(results, () => (mode() !== "generate" && inputs.images()[0] ? inputs.urlOf(inputs.images()[0]) : null));
wire();
code(root, filled(), models(), mode(), inputs);
