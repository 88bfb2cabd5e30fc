// The desk beyond HTML: totals that come after the list, and requests that are under way, as they change.

// Totals are a request of their own, so that no list waits for them.
for (const place of $$("[data-load]")) {
  fetch(place.dataset.load, { headers: { accept: "text/html" } }).then(async (answer) => {
    if (answer.ok) place.outerHTML = await answer.text();
  }).catch(() => {});
}

// What begins and ends is told by the server; nothing is asked again and again.
const list = $(".a-list tbody"), live = $("[data-live-log]");
if (live) {
  const events = new EventSource(live.dataset.liveLog), say = (n) => { live.hidden = !n; $("span", live).textContent = n === 1 ? "1 new request" : `${n} new requests`; };
  let fresh = 0;
  on(events, "began", () => { fresh += 1; say(fresh); });
  on(events, "ended", async (e) => {
    const { id } = JSON.parse(e.data), open = $("[data-under-way]");
    if (open && $(".dr-id", open).textContent === id) { location.reload(); return; }
    const row = list && $(`[data-request="${id}"]`, list);
    if (!row) return;
    const answer = await fetch(`/app/requests/${id}/row${location.search}`, { headers: { accept: "text/html" } });
    if (answer.ok) row.outerHTML = await answer.text();
  });
  // Too long a silence is the server's affair: the browser connects anew by itself.
  on(window, "pagehide", () => events.close());
}
