// What every page does beyond HTML. Every page works without it. No library, no inline handlers.
const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
const on = (t, e, f, o) => t && t.addEventListener(e, f, o);

// Theme: system, light, dark. The server sets data-theme from a cookie; here it is turned and remembered.
const themes = ["system", "light", "dark"];
on($("[data-theme-toggle]"), "click", (e) => {
  const root = document.documentElement, now = root.dataset.theme || "system", next = themes[(themes.indexOf(now) + 1) % 3];
  if (next === "system") delete root.dataset.theme; else root.dataset.theme = next;
  document.cookie = `theme=${next}; Path=/; SameSite=Lax; Max-Age=${next === "system" ? 0 : 31536000}`;
  e.currentTarget.setAttribute("aria-label", `Color theme: ${next === "system" ? "as the system" : next}`);
});

// "/" goes to the search field, unless one is writing.
on(document, "keydown", (e) => {
  if (e.key === "/" && !e.ctrlKey && !e.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) { e.preventDefault(); $("[data-find]")?.focus(); }
});

// Copy: a block of code, or the given text. The word changes, and is spoken.
for (const b of $$("[data-copy]")) on(b, "click", async () => {
  const text = b.dataset.copy || $("pre", b.closest(".code")).textContent, word = $("span:last-child", b);
  try { await navigator.clipboard.writeText(text); } catch { return; }
  const before = word.textContent; word.textContent = "Copied"; word.setAttribute("role", "status"); setTimeout(() => { word.textContent = before; }, 1600);
});

// The language of samples is chosen once for all.
for (const r of $$(".tabs input")) on(r, "change", () => { for (const o of $$(`.tabs input[value="${r.value}"]`)) o.checked = true; });

// The section in view is marked in the list of contents.
const links = $$(".toc a");
if (links.length) {
  const see = new IntersectionObserver((es) => { for (const e of es) if (e.isIntersecting) for (const a of links) if (a.hash === "#" + e.target.id) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current"); }, { rootMargin: "-20% 0px -70% 0px" });
  for (const a of links) { const s = $(a.hash); if (s) see.observe(s); }
}

// On small screens long lists of choices begin folded.
if (matchMedia("(max-width: 59.99rem)").matches) for (const f of $$("details.fold")) f.open = false;
