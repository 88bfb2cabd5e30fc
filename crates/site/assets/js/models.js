// The list of models: what is typed filters at once what is on the page, and up to four models are gathered for comparing.
(() => {
  const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const q = $("[data-filter] [name=q]"), form = $("[data-filter]");
  q?.addEventListener("input", () => {
    const words = q.value.toLowerCase().split(/\s+/).filter(Boolean), all = $$("[data-text]"); let n = 0;
    for (const el of all) { const hit = words.every((w) => el.dataset.text.includes(w)); el.hidden = !hit; n += hit; }
    $("[data-count]").textContent = `${n} of ${all.length}`;
  });
  $("#f-sort")?.addEventListener("change", () => form.requestSubmit());

  const tray = $("[data-tray]");
  if (!tray) return;
  const ul = $("ul", tray), go = $(".btn", tray), boxes = $$("input[name=compare]"), name = (b) => b.dataset.name;
  const chip = (b) => {
    const li = document.createElement("li"), x = document.createElement("button"), use = document.createElementNS("http://www.w3.org/2000/svg", "use"), svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    use.setAttribute("href", "#x"); svg.classList.add("i"); svg.setAttribute("aria-hidden", "true"); svg.append(use);
    li.className = "tag"; x.type = "button"; x.className = "x"; x.setAttribute("aria-label", `Remove ${name(b)}`); x.append(svg);
    x.addEventListener("click", () => { b.checked = false; sync(); b.focus(); });
    li.append(name(b), x); return li;
  };
  const sync = () => {
    const chosen = boxes.filter((b) => b.checked);
    for (const b of boxes) b.disabled = !b.checked && chosen.length >= 4;
    ul.replaceChildren(...chosen.map(chip));
    go.textContent = chosen.length > 1 ? `Compare ${chosen.length}` : "Compare";
  };
  for (const b of boxes) b.addEventListener("change", sync);
  sync();
})();
