// One request of one model: from the fields to its pictures, whatever becomes of the connection.
import * as ask from "./ask.js";
import { typed } from "./code.js";
import { ending, pictures } from "./ending.js";
import * as inputs from "./inputs.js";
import { publish } from "./publish.js";
import { history } from "./rail.js";
import { make, place } from "./results.js";

const $ = (s, r = document) => r.querySelector(s);
const takesMask = (model) => !($("[data-inputs]")?.dataset.maskless ?? "").split(" ").includes(model.id);

/** What is sent for a model: where, what, and how many partial images come. */
function body({ mode, fields }, model, varied) {
  const own = fields.filter((one) => (!one.takers || one.takers.includes(model.id)) && one.name !== varied?.name);
  if (varied) own.push({ name: varied.name, text: varied.value, kind: /^(-?\d+(\.\d+)?|true|false)$/.test(varied.value) && !["size", "aspect_ratio", "resolution"].includes(varied.name) ? "json" : "text" });
  const number = (name, usual) => Number(own.find((one) => one.name === name)?.text ?? usual);
  const partials = number("partial_images", 0), n = number("n", 1);
  const settings = typed(own.filter((one) => !["prompt", "n", "partial_images"].includes(one.name)));
  if (mode === "generate") {
    return { partials, n, settings, url: "/openai/v1/images/generations", body: JSON.stringify({ model: model.id, stream: true, response_format: "url", ...typed(own) }) };
  }
  const data = new FormData();
  for (const [name, text] of [["model", model.id], ["stream", "true"], ["response_format", "url"], ...own.map((one) => [one.name, one.text])]) data.append(name, text);
  for (const image of inputs.images()) data.append("image[]", image, image.name || "image.png");
  if (inputs.theMask() && mode === "edit" && takesMask(model)) data.append("mask", inputs.theMask(), "mask.png");
  return { partials, n, settings, url: "/openai/v1/images/edits", body: data };
}

/** What the buttons of a result do. */
function acts(page, model, sent, stop) {
  return {
    stop: () => stop.abort(),
    save: (own) => make("a", { href: URL.createObjectURL(own.blob), download: `${model.id.replaceAll("/", "-")}-${own.id ?? "image"}.${own.format}` }).click(),
    async use(own) { if (page.mode === "generate") await page.go(page.editing()); inputs.add([new File([own.blob], `${model.id}.${own.format}`, { type: own.blob.type })]); $("[data-request]").scrollIntoView(); },
    same: () => page.go(page.settings),
    seed(own) {
      const field = $("[name=seed]"), seed = new URLSearchParams(page.settings.split("?")[1]).get("seed") ?? own.seed();
      if (!field) page.say("No chosen model takes a seed.");
      else if (seed === null) page.say("The provider told no seed: set one to have it again.");
      else { field.value = seed; page.quote(); }
    },
    request: (own) => own.onRecord(),
    code() { const more = $("[data-code]").closest("details"); more.open = true; more.scrollIntoView(); },
    publish: async (own) => page.say(await publish(own, own.position, page.settings.split("?")[1], sent.settings)),
  };
}

/** Hears the events of a request. Gives how many pictures came, and why it heard no more, if that was no end. */
async function heard(sent, id, places, stop) {
  let done = 0;
  const at = (count) => places[Math.min(count, places.length - 1)];
  try {
    for await (const event of ask.events(sent.url, sent.body, id, stop.signal)) {
      if (event.type === "begun") for (const it of places) it.id = event.id;
      else if (event.type === "pictor.attempt") for (const it of places) it.attempt(event);
      else if (event.type.endsWith(".partial_image")) at(done).partial(event);
      else if (event.type.endsWith(".completed")) at(done++).finished(event);
    }
  } catch (error) {
    // Whatever else ends a connection says nothing of the work, which goes on and is kept.
    if (error.name === "AbortError" || error.isFinal) return { done, error };
  }
  return { done };
}

/** One request. Its places stand at once, so that results keep the models' order. */
export async function one(page, model, varied) {
  const stop = new AbortController(), sent = body(page, model, varied), id = ask.newId(), n = sent.n;
  const title = varied ? `${model.name}, ${varied.name} ${varied.value}` : model.name, buttons = acts(page, model, sent, stop);
  const places = Array.from({ length: n }, (_, position) => Object.assign(place(page.list, { title: n > 1 ? `${title}, ${position + 1}` : title, cost: model.cost === null ? null : model.cost / n, usual: model.usual, partials: sent.partials, acts: buttons }), { position }));
  await history.begin({ id, at: Date.now(), title, prompt: $("[name=prompt]")?.value ?? "", settings: page.settings });
  const { done, error } = await heard(sent, id, places, stop);
  const rest = places.slice(done);
  try {
    if (error) throw error;
    const told = await ending(id, stop.signal, () => { for (const it of rest) it.lost(); });
    await finished(id, places, done, told);
  } catch (why) {
    if (why.name === "AbortError") { for (const it of rest) it.left("Not waited for any more. It goes on and is kept; the history finds it."); history.watch(id); }
    else if (why.isFinal && error) { for (const it of rest) it.failed(why); await history.end(id, done ? { blobs: places.slice(0, done).map((it) => it.blob) } : null); }
    // What became of it cannot be asked for: the key may not, or its pictures cannot be had now.
    else { for (const it of rest) it.failed(why, null); if (done) await history.end(id, { blobs: places.slice(0, done).map((it) => it.blob) }); }
  }
}

/** What is on record of a request, put in its places: pictures of which nobody heard among it. */
async function finished(id, places, done, told) {
  if (!told && !done) {
    for (const it of places) it.failed(new Error("The request did not arrive: the connection was lost before."));
    return history.end(id, null);
  }
  const kept = told?.result?.data?.length ?? 0;
  if (kept > done) for (const [at, own] of (await pictures(told)).entries()) if (own && places[at]) places[at].arrived(own);
  const came = places.filter((it) => it.blob), paid = Math.round((told?.cost ?? 0) * 1e6);
  const why = told?.error_message ? Object.assign(new Error(told.error_message), { code: told.error_code }) : new Error("This image was not delivered, and is not charged.");
  for (const it of places) { if (told) it.id = told.id; if (it.blob && told) it.record(told, came.length); else if (!it.blob) it.failed(why, came.length ? 0 : paid); }
  return history.end(id, came.length ? { blobs: came.map((it) => it.blob), cost: told?.cost } : null);
}
