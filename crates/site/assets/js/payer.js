// Who pays, and what is left, beside the price.
import { balance, key, session } from "./ask.js";
import { dollars } from "./results.js";

let told = null;

/** Says it again where the server has put what it knows: of a key that was typed it knows nothing. */
export function show() {
  const it = document.querySelector("[data-payer]");
  if (!it || !told) return;
  const amount = told.left?.amount, left = typeof amount === "number" ? dollars(Math.round(amount * 1e6)) : null;
  if (told.kind === "visitor") { if (left) it.textContent = `; ${left} left for you today`; return; }
  it.textContent = `; paid by ${told.kind === "typed" ? "the key of this tab" : `the key “${told.key_name}”`}${left ? `, ${left} left` : ""}`;
}

/** Asks for it. */
export async function refresh() {
  told = key() ? { kind: "typed", ...(await balance().catch(() => null)) } : await session(true).catch(() => null);
  show();
}

/** Forgets it: nobody pays yet. */
export function forget() { told = null; }
