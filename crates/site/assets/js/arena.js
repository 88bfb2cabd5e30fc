// The arena: both pictures appear together, votes go by keys and by a swipe too, and how long one looked is noted.
// Without this script the form works as it stands.
(() => {
  const form = document.querySelector("[data-votes]"), next = document.querySelector("[data-next]");
  const writes = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  for (const b of document.querySelectorAll("[data-busy]")) b.form.addEventListener("submit", () => { setTimeout(() => { b.disabled = true; b.textContent = b.dataset.busy; }); });
  if (next) addEventListener("keydown", (e) => { if (e.key === "Enter" && document.activeElement === document.body) next.click(); });
  if (!form) return;
  const pair = form.querySelector(".pair"), images = [...pair.querySelectorAll("img")], buttons = [...form.querySelectorAll("[name=vote]")];
  let shownAt = 0, done = false;
  pair.classList.add("hold");
  for (const b of buttons) b.disabled = true;
  Promise.all(images.map((image) => image.decode().catch(() => {}))).then(() => {
    if (images.some((image) => !image.naturalWidth)) return;
    pair.classList.remove("hold");
    for (const b of buttons) b.disabled = false;
    shownAt = performance.now();
  });
  const say = (value) => { const b = buttons.find((b) => b.value === value); if (b && !b.disabled) b.click(); };
  form.addEventListener("submit", (e) => {
    if (done || !shownAt) { e.preventDefault(); return; }
    done = true;
    form.elements.decided_ms.value = Math.round(performance.now() - shownAt);
    // The button that was pressed must still be sent.
    setTimeout(() => { for (const b of buttons) b.disabled = true; });
  });
  const keys = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "both_bad", t: "as_good", T: "as_good" };
  addEventListener("keydown", (e) => {
    if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey || writes()) return;
    e.preventDefault(); say(keys[e.key]);
  });
  let from = null;
  pair.addEventListener("touchstart", (e) => { from = e.touches.length === 1 ? e.touches[0] : null; }, { passive: true });
  pair.addEventListener("touchend", (e) => {
    const to = e.changedTouches[0], x = from && to.clientX - from.clientX, y = from && to.clientY - from.clientY;
    if (from && Math.abs(x) > 80 && Math.abs(x) > 2 * Math.abs(y)) say(x < 0 ? "left" : "right");
    from = null;
  });
})();
