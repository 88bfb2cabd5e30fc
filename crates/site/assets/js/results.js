// Results in the order of the models: what is on its way, what came, what it cost; and looking closely at several at once.
const $ = (s, r = document) => r.querySelector(s);

/** An element with attributes, children, and what is done when it is clicked. */
export function make(name, attributes, ...children) {
  const it = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
  for (const child of children) {
    if (typeof child === "function") it.addEventListener("click", child);
    else it.append(child);
  }
  return it;
}

/** An icon of the page's sprite. */
export function picture(name) {
  const ns = "http://www.w3.org/2000/svg", svg = document.createElementNS(ns, "svg"), use = document.createElementNS(ns, "use");
  use.setAttribute("href", `#${name}`); svg.classList.add("i"); svg.setAttribute("aria-hidden", "true"); svg.append(use);
  return svg;
}

export const dollars = (micros) => `$${(micros / 1e6).toFixed(6).replace(/(\.\d{2}\d*?)0+$/, "$1")}`;
const seconds = (ms) => (ms < 9_950 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000)));
const bytes = (n) => (n < 1 << 20 ? `${Math.ceil(n / 1024)} KB` : `${(n / (1 << 20)).toFixed(1)} MB`);
const blobOf = (b64, format) => new Blob([Uint8Array.from(atob(b64), (sign) => sign.charCodeAt(0))], { type: `image/${format}` });
const status = (kind, text) => make("span", { class: `st ${kind}` }, picture({ ok: "circle-check", warn: "triangle-alert", fail: "circle-x" }[kind]), text);

function money(it, micros, paid) {
  it.classList.toggle("paid", paid);
  it.replaceChildren(dollars(micros), make("span", { class: "sr" }, paid ? " charged" : " estimated"));
}

/** A place for one request's pictures. `acts` are done by its buttons. */
export function place(list, { title, cost, usual, partials, acts }) {
  const figure = $("[data-result]").content.firstElementChild.cloneNode(true), part = (name) => $(`[data-${name}]`, figure);
  const began = performance.now();
  let note = "", seen = 0, isLost = false;
  part("title").textContent = title;
  if (cost !== null) money(part("money"), cost, false);
  const tell = () => {
    const ms = performance.now() - began, slow = ms > 3_000 && usual ? `; half of its calls take longer than ${seconds(usual)} s` : "";
    part("facts").textContent = `${isLost ? "The connection was lost; asking what became of it. " : ""}${seen ? `Partial ${seen} of ${partials}, ` : ""}${seconds(ms)} s so far${slow}`;
  };
  tell();
  const clock = setInterval(tell, 1_000);
  for (const button of figure.querySelectorAll("[data-act]")) button.addEventListener("click", () => acts[button.dataset.act](own));
  list.append(figure);
  const img = (blob, alt, width, height) => {
    const it = make("img", { alt, width, height, src: URL.createObjectURL(blob) });
    const button = make("button", { type: "button", "aria-label": `Look closer: ${alt}` }, it, () => { const zoom = $("[data-zoom]"); zoom.value = zoom.value > 1 ? 1 : 3; zoom.dispatchEvent(new Event("input")); });
    part("picture").replaceChildren(button); part("picture").classList.remove("ph");
  };
  const stop = () => { clearInterval(clock); figure.removeAttribute("aria-busy"); figure.classList.remove("partial"); part("bar").remove(); part("waiting").hidden = true; };
  const own = {
    figure, blob: null, id: null, facts: null,
    partial(event) {
      seen = Math.max(seen, event.partial_image_index + 1);
      $("rect", part("bar")).setAttribute("width", String(100 * seen / (partials + 1)));
      const [width, height] = event.size.split("x");
      img(blobOf(event.b64_json, event.output_format), `Unfinished picture of ${title}, partial ${seen}`, width, height);
      tell();
    },
    attempt(event) {
      const said = { rate_limited: "refused for now (429)", overloaded: "is overloaded", timeout: "took too long" }[event.code] ?? `failed${event.code ? ` (${event.code})` : ""}`;
      if (event.outcome === "failed") note = `${event.provider_name ?? event.provider} ${said}`;
      else if (note) part("note").replaceChildren(status("warn", `${note}, now ${event.provider_name ?? event.provider}`));
    },
    finished: (event) => own.arrived({ blob: blobOf(event.b64_json, event.output_format), size: event.size, format: event.output_format }),
    /** Its picture is there. */
    arrived({ blob, size, format }) {
      const [width, height] = size.split("x"), isFirst = own.blob === null;
      own.blob = blob; own.size = size; own.format = format;
      own.ms ??= performance.now() - began;
      img(blob, `Picture of ${title}`, width, height);
      part("facts").textContent = `${width} × ${height}, ${format}, ${bytes(blob.size)}. ${seconds(own.ms)} s`;
      if (isFirst) { stop(); part("done").hidden = false; }
    },
    /** Nobody is heard any more: what became of it is asked for. */
    lost() { isLost = true; tell(); },
    /** What the record says of it: provider, attempts, adjustments, charge. */
    record(told, share) {
      own.facts = told;
      const calls = (told.attempts ?? []).filter((one) => one.outcome !== "running"), changed = told.adjustments ?? [];
      const by = calls.findLast((one) => one.outcome === "succeeded")?.provider ?? told.provider ?? "";
      part("facts").append(` by ${by}, ${calls.length > 1 ? `attempt ${calls.length}` : "first attempt"}`);
      if (typeof told.cost === "number") money(part("money"), Math.round(told.cost * 1e6 / share), true);
      part("note").replaceChildren(changed.length ? status("warn", changed.map((one) => `${one.parameter} ${one.requested}: ${one.used ?? "left out"}`).join("; ")) : status("ok", "nothing adjusted"));
      part("request-id").textContent = told.id;
    },
    /** It ended without a picture. `paid`: micros that were charged; null where nobody knows. */
    failed(error, paid = 0) {
      stop();
      const title = { BUDGET_EXCEEDED: "The budget is spent. ", INSUFFICIENT_BALANCE: "The balance is spent. " }[error.code] ?? "";
      part("facts").textContent = `${title}${error.message}`;
      part("note").replaceChildren(status("fail", error.code ?? "failed"));
      if (paid) money(part("money"), paid, true); else part("money").textContent = paid === null ? "charge not known" : "nothing charged";
    },
    /** It is not waited for any more. */
    left(why) { stop(); part("facts").textContent = why; part("note").replaceChildren(); },
    seed() { return own.facts?.seed ?? null; },
    /** Opens or closes what is on record of it. */
    onRecord() {
      const it = part("record");
      $("code", it).textContent = JSON.stringify(own.facts, null, 2);
      it.hidden = false; it.open = !it.open;
    },
  };
  return own;
}

/** Layout and zoom of what is there. `before` tells the input image of an edit, if there is one. */
export function look(section, before) {
  const zoom = $("[data-zoom]", section), slide = $("[data-slide]", section), at = $("[data-slideat]", section), edge = $("input", at), list = $("[data-list]", section);
  zoom.addEventListener("input", () => { section.style.setProperty("--zoom", zoom.value); section.classList.toggle("zoomed", zoom.value > 1); });
  list.addEventListener("pointermove", (e) => {
    const box = e.target.closest("[data-picture]")?.getBoundingClientRect();
    if (!box) return;
    section.style.setProperty("--x", `${100 * (e.clientX - box.left) / box.width}%`);
    section.style.setProperty("--y", `${100 * (e.clientY - box.top) / box.height}%`);
  });
  edge.addEventListener("input", () => slide.style.setProperty("--at", `${edge.value}%`));
  for (const radio of section.querySelectorAll("[name=lay]")) radio.addEventListener("change", () => {
    const made = [...list.querySelectorAll("figure:not([aria-busy]) img")], input = before();
    const was = input && Object.assign(new Image(), { src: input, alt: "The picture before" });
    // The first lies over the second, and is seen left of the edge.
    const two = (radio.value === "before" && was ? [was, made[0]] : made.slice(0, 2)).filter(Boolean).reverse(), on = radio.value !== "side" && two.length === 2;
    slide.hidden = at.hidden = !on; list.hidden = on;
    slide.replaceChildren(...(on ? two.map((it, index) => { const copy = it.cloneNode(); copy.alt = it.alt; if (index) copy.className = "top-img"; return copy; }) : []));
  });
}
