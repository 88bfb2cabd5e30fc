// Asks the API: with a typed key, or with the session of this site, which begins when it is first needed.
const NAME = "pictor-key";
let begun;

export const key = () => sessionStorage.getItem(NAME) ?? "";
export function setKey(text) {
  if (text) sessionStorage.setItem(NAME, text); else sessionStorage.removeItem(NAME);
}

/** Who one is here and what is left, or null with a typed key. Throws what the server says where one may not ask. */
export async function session(again = false) {
  if (key()) return null;
  if (again) begun = undefined;
  begun ??= fetch("/session", { method: "POST" }).then(answer);
  try { return await begun; } catch (error) { begun = undefined; throw error; }
}

async function answer(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const { code, message } = body.error ?? {};
  // Without a code it may have been something on the way that answered: then nobody knows what became of it.
  throw Object.assign(new Error(message ?? `HTTP ${response.status}`), { status: response.status, code, isFinal: Boolean(code) || response.status < 500 });
}

const headers = (more = {}) => (key() ? { ...more, authorization: `Bearer ${key()}` } : more);

/** A request that was made, with all that is known of it. */
export const request = async (id) => answer(await fetch(`/v1/requests/${id}`, { headers: headers() }));

/** What the typed key may spend. */
export const balance = async () => answer(await fetch("/v1/balance", { headers: headers() }));

/** An id of this page's own, by which a request is found whatever becomes of the connection. */
export const newId = () => `playground-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;

/** Hangs a picture of a request in the gallery. */
export const publish = async (id, position, prompt, settings) => answer(await fetch("/v1/arena/exhibits", { method: "POST", headers: headers({ "content-type": "application/json" }), body: JSON.stringify({ request_id: id, position, prompt, settings }) }));

/** The events of a request with this page's own id, the first of which tells Pictor's. */
export async function* events(path, body, own, signal) {
  await session();
  const more = { "x-pictor-events": "attempts", "x-request-id": own, accept: "text/event-stream" };
  if (typeof body === "string") more["content-type"] = "application/json";
  const response = await fetch(path, { method: "POST", headers: headers(more), body, signal });
  const id = response.headers.get("x-request-id");
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) await answer(response);
  yield { type: "begun", id };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pieces = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    pieces.push(value);
    // Events with a picture come in many pieces: they are put together once their end is there.
    if (!value.includes("\n\n") && !(value.startsWith("\n") && pieces.at(-2)?.endsWith("\n"))) continue;
    const parts = pieces.join("").split("\n\n");
    pieces = [parts.pop()];
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (!data) continue;
      const event = JSON.parse(data);
      if (event.error) throw Object.assign(new Error(event.error.message), { code: event.error.code, isFinal: true });
      yield event;
    }
  }
}
