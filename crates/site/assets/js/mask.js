// The mask editor: painted at the picture's own pixels with one opacity, sent as a PNG that is transparent where it may change.
const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
const COLOR = "#ff3d8b", UNDO = 40, ZOOM_MAX = 8;
let wired = false, state;

/** Opens the editor over the first input image. */
export async function edit(box, inputs) {
  const image = inputs.images()[0];
  if (!box || !image) return;
  if (state?.box !== box) wired = false;
  if (state?.image !== image || state.box !== box) {
    const bitmap = await createImageBitmap(image), canvas = $("canvas", box);
    canvas.width = bitmap.width; canvas.height = bitmap.height;
    state = { box, image, inputs, canvas, g: canvas.getContext("2d", { willReadFrequently: true }), past: [], next: [], tool: "brush", zoom: 1, at: { x: canvas.width / 2, y: canvas.height / 2 } };
    const base = Object.assign(new Image(bitmap.width, bitmap.height), { src: inputs.urlOf(image), alt: "" });
    $("[data-sheet] img", box)?.remove(); canvas.before(base);
    const size = $("[data-size]", box);
    size.max = Math.max(40, Math.round(Math.max(bitmap.width, bitmap.height) / 3)); size.value = Math.round(size.max / 4);
    if (inputs.theMask()) await load(inputs.theMask());
  }
  if (!wired) wire();
  box.hidden = false;
  sized(); tell(); zoomed();
  state.canvas.focus();
}

const snap = () => state.g.getImageData(0, 0, state.canvas.width, state.canvas.height);
const keep = () => { state.past.push(snap()); if (state.past.length > UNDO) state.past.shift(); state.next = []; };
const brush = () => Number($("[data-size]", state.box).value);
const sized = () => { $("[data-sizeout]", state.box).textContent = `${brush()} px`; };
const at = (e) => { const box = state.canvas.getBoundingClientRect(); return { x: (e.clientX - box.left) * state.canvas.width / box.width, y: (e.clientY - box.top) * state.canvas.height / box.height }; };

function tell() {
  const { data } = snap();
  let painted = 0;
  for (let i = 3; i < data.length; i += 16) painted += data[i] > 127;
  const share = 100 * painted / (data.length / 16);
  $("[data-cover]", state.box).textContent = `${share > 0 && share < 1 ? "under 1" : Math.round(share)} % of the picture`;
  $("[data-do=undo]", state.box).disabled = !state.past.length;
  $("[data-do=redo]", state.box).disabled = !state.next.length;
}
function stroke(from, to) {
  const { g } = state;
  g.globalCompositeOperation = state.tool === "erase" ? "destination-out" : "source-over";
  g.strokeStyle = COLOR; g.lineCap = g.lineJoin = "round"; g.lineWidth = brush();
  g.beginPath(); g.moveTo(from.x, from.y); g.lineTo(to.x, to.y + 0.01); g.stroke();
}
function rect(x, y, width, height) {
  state.g.globalCompositeOperation = "source-over"; state.g.fillStyle = COLOR; state.g.fillRect(x, y, width, height);
}
function pick(tool) {
  state.tool = tool;
  for (const it of $$("[data-tool]", state.box)) it.setAttribute("aria-pressed", String(it.dataset.tool === tool));
}
function zoomed() { $("[data-sheet]", state.box).style.setProperty("--zoom", state.zoom); }

/** The mask as the API takes it. Soft edges of strokes are made hard: a pixel may change, or it may not. */
function png() {
  const { width, height } = state.canvas, out = new OffscreenCanvas(width, height), g = out.getContext("2d"), it = snap();
  for (let i = 0; i < it.data.length; i += 4) { const may = it.data[i + 3] > 127; it.data[i] = it.data[i + 1] = it.data[i + 2] = 0; it.data[i + 3] = may ? 0 : 255; }
  g.putImageData(it, 0, 0);
  return out.convertToBlob({ type: "image/png" });
}
async function load(file) {
  const bitmap = await createImageBitmap(file), { canvas, g } = state;
  const told = $("[data-cover]", state.box);
  if (bitmap.width !== canvas.width || bitmap.height !== canvas.height) { told.textContent = `This mask is ${bitmap.width} × ${bitmap.height}; the picture is ${canvas.width} × ${canvas.height}`; return false; }
  keep();
  g.globalCompositeOperation = "copy"; g.drawImage(bitmap, 0, 0);
  const it = snap();
  for (let i = 0; i < it.data.length; i += 4) { const may = it.data[i + 3] < 128; [it.data[i], it.data[i + 1], it.data[i + 2], it.data[i + 3]] = [255, 61, 139, may ? 255 : 0]; }
  g.putImageData(it, 0, 0);
  return true;
}

const acts = {
  undo() { if (state.past.length) { state.next.push(snap()); state.g.putImageData(state.past.pop(), 0, 0); } },
  redo() { if (state.next.length) { state.past.push(snap()); state.g.putImageData(state.next.pop(), 0, 0); } },
  clear() { keep(); state.g.clearRect(0, 0, state.canvas.width, state.canvas.height); },
  invert() { keep(); const it = snap(); for (let i = 0; i < it.data.length; i += 4) [it.data[i], it.data[i + 1], it.data[i + 2], it.data[i + 3]] = [255, 61, 139, it.data[i + 3] > 127 ? 0 : 255]; state.g.putImageData(it, 0, 0); },
  in() { state.zoom = Math.min(ZOOM_MAX, state.zoom * 1.5); zoomed(); },
  out() { state.zoom = Math.max(1, state.zoom / 1.5); zoomed(); },
  fit() { state.zoom = 1; zoomed(); },
  async save() { const a = document.createElement("a"); a.href = URL.createObjectURL(await png()); a.download = "mask.png"; a.click(); },
  async done() { const empty = !snap().data.some((value, index) => index % 4 === 3 && value > 127); state.inputs.setMask(empty ? null : await png()); state.box.hidden = true; document.querySelector("[data-maskbutton]")?.focus(); },
  drop() { state.inputs.setMask(null); acts.clear(); state.box.hidden = true; document.querySelector("[data-maskbutton]")?.focus(); },
};

function pointer(canvas) {
  let last = null, from = null, grip = null;
  const view = $("[data-view]", state.box), fingers = new Map();
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId); fingers.set(e.pointerId, e);
    if (e.button === 1 || fingers.size === 2) { if (last) acts.undo(); last = null; grip = { x: e.clientX, y: e.clientY }; e.preventDefault(); return; }
    if (e.button) return;
    keep(); last = from = at(e); state.at = last;
    if (state.tool !== "rect") stroke(last, last);
  });
  canvas.addEventListener("pointermove", (e) => {
    if (grip) { view.scrollBy(grip.x - e.clientX, grip.y - e.clientY); grip = { x: e.clientX, y: e.clientY }; return; }
    if (!last) return;
    const to = at(e);
    if (state.tool === "rect") { state.g.putImageData(state.past.at(-1), 0, 0); rect(from.x, from.y, to.x - from.x, to.y - from.y); } else stroke(last, to);
    last = state.at = to;
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (e) => { fingers.delete(e.pointerId); if (!fingers.size) grip = null; if (last) { last = null; tell(); } });
  view.addEventListener("wheel", (e) => { if (e.ctrlKey) { e.preventDefault(); acts[e.deltaY < 0 ? "in" : "out"](); } }, { passive: false });
}

function keys(e) {
  const { canvas } = state, on = e.target === canvas;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
  const far = e.shiftKey ? 40 : 10, way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[e.key], size = $("[data-size]", state.box);
  if (way && on) {
    const to = { x: Math.min(canvas.width, Math.max(0, state.at.x + way[0])), y: Math.min(canvas.height, Math.max(0, state.at.y + way[1])) };
    if (e.ctrlKey) { keep(); stroke(state.at, to); }
    state.at = to;
    $("[data-cover]", state.box).textContent = `at ${Math.round(to.x)}, ${Math.round(to.y)}`;
    e.preventDefault();
    if (!e.ctrlKey) return;
  } else if (e.key === " " && on) { keep(); stroke(state.at, state.at); e.preventDefault(); }
  else if (e.key === "[" || e.key === "]") { size.value = Number(size.value) + (e.key === "]" ? 16 : -16); sized(); }
  else if (e.key.toLowerCase() === "z" && (e.ctrlKey || e.metaKey)) { acts[e.shiftKey ? "redo" : "undo"](); e.preventDefault(); }
  else if (e.key === "+" || e.key === "-") acts[e.key === "+" ? "in" : "out"]();
  else if ({ b: 1, e: 1, r: 1 }[e.key] && !e.ctrlKey && !e.metaKey) pick({ b: "brush", e: "erase", r: "rect" }[e.key]);
  else return;
  tell();
}

function wire() {
  wired = true;
  const { box, canvas } = state;
  pointer(canvas);
  box.addEventListener("keydown", keys);
  for (const it of $$("[data-do]", box)) it.addEventListener("click", async () => { await acts[it.dataset.do](); if (!box.hidden) tell(); });
  for (const it of $$("[data-tool]", box)) it.addEventListener("click", () => pick(it.dataset.tool));
  $("[data-size]", box).addEventListener("input", sized);
  $("[data-load]", box).addEventListener("change", async (e) => { if (e.target.files[0] && (await load(e.target.files[0]))) tell(); e.target.value = ""; });
  $("[data-rect]", box).addEventListener("submit", (e) => { e.preventDefault(); const v = Object.fromEntries(new FormData(e.target)); keep(); rect(Number(v.x), Number(v.y), Number(v.width), Number(v.height)); tell(); });
}
