// Hanging a picture in the gallery, with its prompt and settings.
import * as ask from "./ask.js";

/** Publishes one picture of a request, and gives what there is to say of it. */
export async function publish(own, position, query, settings) {
  const prompt = new URLSearchParams(query).get("prompt");
  if (!prompt) return "A picture hangs with its prompt: this one has none.";
  try {
    const hung = await ask.publish(own.id, position, prompt, settings);
    return hung.state === "waiting" ? "It waits for the operator." : "It hangs in the gallery.";
  } catch (error) { return error.message; }
}
