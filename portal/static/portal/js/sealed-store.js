// What a browser keeps of a case that was not sent yet, encrypted with AES-GCM in IndexedDB. The key
// comes from the server, for the logged-in person alone, and is never stored (classifier/pages/new_submission.py).
//   drafts  {id, person, clinic, ticket, savedAt, sealed}   id: the request key of the form
//   files   {id, draft, sealed}

const NAME = "dermaport-drafts";
const STORES = ["drafts", "files"];

// Plain HTTP has neither; a browser in private mode may lack the second.
export function canKeep() {
  return Boolean(window.isSecureContext && window.crypto?.subtle && window.indexedDB);
}

function settle(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let opening;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const name of STORES) request.result.createObjectStore(name, { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  opening.catch(() => (opening = undefined));
  return opening;
}

// The promise waits for the whole transaction: a quota is often only met at its end.
async function change(work) {
  const transaction = (await open()).transaction(STORES, "readwrite");
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  const stores = STORES.map((name) => transaction.objectStore(name));
  work(...stores);
  await done;
}

async function readAll(name) {
  const transaction = (await open()).transaction(STORES, "readonly");
  return settle(transaction.objectStore(name).getAll());
}

export function listDrafts() {
  return readAll("drafts");
}

export async function readFiles(draft) {
  return (await readAll("files")).filter((row) => row.draft === draft);
}

export function putDraft(row) {
  return change((drafts) => drafts.put(row));
}

export function putFile(row) {
  return change((drafts, files) => files.put(row));
}

export function eraseFiles(ids) {
  return ids.length ? change((drafts, files) => ids.forEach((id) => files.delete(id))) : null;
}

export async function eraseDrafts(ids) {
  if (!ids.length) return;
  const rows = (await readAll("files")).filter((row) => ids.includes(row.draft));
  await change((drafts, files) => {
    for (const id of ids) drafts.delete(id);
    for (const row of rows) files.delete(row.id);
  });
}

export function eraseEverything() {
  return change((drafts, files) => {
    drafts.clear();
    files.clear();
  });
}

export function importKey(encoded) {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

// `id` is bound to the content: rows that were swapped don't open.
function bind(iv, id) {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(id) };
}

export async function seal(key, id, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, data: await crypto.subtle.encrypt(bind(iv, id), key, bytes) };
}

export function unseal(key, id, { iv, data }) {
  return crypto.subtle.decrypt(bind(iv, id), key, data);
}
