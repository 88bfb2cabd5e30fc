// What became of a request of which nobody heard the end: it is asked for until it has one.
import { request } from "./ask.js";

const UNDER_WAY = ["pending", "processing"];
// So often a request is not known: then it never arrived, or is forgotten.
const MISSING_MAX = 3;
const PAUSE_MS = 600, PAUSE_MAX_MS = 15_000;

const pause = (ms, signal) => new Promise((done, failed) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); failed(signal.reason); }, { once: true });
});

/**
 * The request once it has ended, or null when there is none of this id. `waiting` is called once it has to be waited for.
 * Throws what the server says where it may not be asked for, and when `signal` ends the wait.
 */
export async function ending(id, signal, waiting = () => {}) {
  for (let tries = 0, missing = 0; ; tries += 1) {
    signal?.throwIfAborted();
    const told = await request(id).catch((error) => error);
    if (!(told instanceof Error)) {
      if (!UNDER_WAY.includes(told.status)) return told;
    } else if (told.status === 404) {
      missing += 1;
      if (missing === MISSING_MAX) return null;
    } else if (told.status === 401 || told.status === 403) throw told;
    if (!tries) waiting();
    await pause(Math.min(PAUSE_MS * 1.6 ** tries, PAUSE_MAX_MS), signal);
  }
}

/** The pictures of a request that has ended, in their order; null in the place of one that is not kept any more. */
export const pictures = (told) => Promise.all((told.result?.data ?? []).map(async ({ url }, at) => {
  const { pathname, search } = new URL(url, location.href), answer = await fetch(pathname + search), facts = told.result.metadata.images[at];
  return answer.ok ? { blob: await answer.blob(), size: facts.size, format: facts.output_format } : null;
}));
