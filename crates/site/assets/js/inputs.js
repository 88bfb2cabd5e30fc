// Input images: several in one drop, pasted, chosen, dropped on one to replace it, put in order by buttons; and their mask.
import { make, picture } from "./results.js";

let files = [], mask = null, box, changed = () => {}, openMask = () => {};
const urls = new Map();

export const images = () => files;
export const theMask = () => mask;
export function setMask(blob) { mask = blob; show(); changed(); }
export const urlOf = (blob) => { if (!urls.has(blob)) urls.set(blob, URL.createObjectURL(blob)); return urls.get(blob); };

/** What prices depend on, as part of a query: how many, how large the first is, whether there is a mask. */
export async function told() {
  const bitmap = files.length ? await createImageBitmap(files[0]).catch(() => null) : null;
  return bitmap ? `&inputs=${files.length}&input_size=${bitmap.width}x${bitmap.height}${mask ? "&masked=1" : ""}` : "";
}

/** Adds images, or puts them in the place of one. */
export function add(list, at = null) {
  const pictures = [...list].filter((file) => file.type.startsWith("image/"));
  if (!pictures.length || !box) return;
  if (at === null) files.push(...pictures); else files.splice(at, 1, ...pictures);
  if (at === 0) mask = null;
  files = files.slice(0, Number(box.dataset.most));
  show(); changed();
}

function move(from, to) {
  const [one] = files.splice(from, 1);
  files.splice(to, 0, one);
  if (from === 0 || to === 0) mask = null;
  show(); changed();
  box.querySelectorAll("[data-move]")[to]?.focus();
}

function show() {
  if (!box) return;
  const list = box.querySelector(".inputs"), drop = list.querySelector(".drop"), most = Number(box.dataset.most);
  for (const old of list.querySelectorAll("li:not(.drop)")) old.remove();
  files.forEach((file, index) => {
    const n = index + 1;
    const button = (label, glyph, act, more = {}) => make("button", { class: "btn sm icon", type: "button", "aria-label": label, ...more }, picture(glyph), act);
    const acts = [];
    if (index === 0 && "masked" in box.dataset) acts.push(make("button", { class: "btn sm", type: "button", "aria-pressed": String(mask !== null), "data-maskbutton": "" }, picture("brush"), "Mask", () => openMask()));
    if (files.length > 1) acts.push(button(`Move image ${n} ${index ? "forward" : "back"}`, index ? "undo-2" : "redo-2", () => move(index, index ? index - 1 : 1), { "data-move": "" }));
    acts.push(button(`Remove image ${n}`, "trash-2", () => { files.splice(index, 1); if (!index) mask = null; show(); changed(); }));
    const item = make("li", {}, make("img", { src: urlOf(file), alt: `Input ${n}: ${file.name || "picture"}`, width: 128, height: 85 }), make("span", { class: "n" }, String(n)), make("span", { class: "acts" }, ...acts));
    catches(item, index);
    list.insertBefore(item, drop);
  });
  drop.hidden = files.length >= most;
  drop.querySelector("input").required = files.length === 0;
  box.querySelector("[data-count]").textContent = files.length ? `${files.length} of ${most}, in order${mask ? "; with a mask" : ""}` : `up to ${most}, in order`;
}

/** What is dropped there is taken. */
function catches(element, at) {
  element.addEventListener("dragover", (e) => { e.preventDefault(); element.classList.add("over"); });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (e) => { e.preventDefault(); e.stopPropagation(); element.classList.remove("over"); add(e.dataTransfer.files, at); });
}

/** Wires the part of a form that takes images; what was taken before stays. */
export function wire(form, whenChanged, whenMasked) {
  box = form.querySelector("[data-inputs]"); changed = whenChanged; openMask = whenMasked;
  if (!box) return;
  const input = box.querySelector(".drop input"), maskfile = box.querySelector("[data-maskfile]");
  input.addEventListener("change", () => { add(input.files); input.value = ""; });
  catches(box.querySelector(".drop"), null);
  if (maskfile) maskfile.remove();
  show();
}

// What is pasted takes the place of the picture under the cursor, if there is one.
const under = () => { const at = box ? [...box.querySelectorAll(".inputs li:not(.drop)")].findIndex((it) => it.matches(":hover")) : -1; return at < 0 ? null : at; };
document.addEventListener("paste", (e) => { if (box && e.clipboardData?.files.length) { e.preventDefault(); add(e.clipboardData.files, under()); } });
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (e) => { if (box && e.dataTransfer?.types.includes("Files")) { e.preventDefault(); if (kind === "drop") add(e.dataTransfer.files); } });
