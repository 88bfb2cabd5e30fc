// What was made on this device: pictures and settings in IndexedDB, presets beside them. Never the key.
const open = () => new Promise((done, failed) => {
  const asked = indexedDB.open("pictor-playground", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("past", { keyPath: "id" });
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => failed(asked.error);
});
const KEPT = 60;

async function within(mode, act) {
  const db = await open();
  try {
    const store = db.transaction("past", mode).objectStore("past"), asked = act(store);
    return await new Promise((done, failed) => { asked.onsuccess = () => done(asked.result); asked.onerror = () => failed(asked.error); });
  } finally { db.close(); }
}

/** Keeps a request, or what became of it. Where nothing can be kept, as in a private window, nothing is. */
export const keep = (one) => within("readwrite", (store) => store.put(one)).catch(() => null);
export const forget = (id) => within("readwrite", (store) => store.delete(id)).catch(() => null);
export const clear = () => within("readwrite", (store) => store.clear()).catch(() => null);
export async function all() {
  const found = (await within("readonly", (store) => store.getAll()).catch(() => [])).sort((a, b) => b.at - a.at);
  for (const old of found.slice(KEPT)) await forget(old.id);
  return found.slice(0, KEPT);
}

const NAME = "pictor-presets";
export const presets = () => { try { return JSON.parse(localStorage.getItem(NAME)) ?? []; } catch { return []; } };
export function setPresets(list) { localStorage.setItem(NAME, JSON.stringify(list)); }
