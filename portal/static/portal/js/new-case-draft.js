// Keeps a new case on this device while it is written: words, choices and photos, encrypted. A reload,
// the back button or a tab that the phone dropped brings them back; sending, Discard and log-out erase
// them. Where the browser can't keep them the page says so.

import { fileKey } from "./picked-file.js";
import { canKeep, eraseDrafts, eraseFiles, importKey, listDrafts, putDraft, putFile } from "./sealed-store.js";
import { readFiles, seal, unseal } from "./sealed-store.js";

const WAIT_MS = 300;
const LOCK_TRIES = 5;

function lockName(id) {
  return `dermaport-draft-${id}`;
}

// Two tabs write two cases: a draft whose page still lives is not another page's to open.
async function isHeld(id) {
  const { held } = (await navigator.locks?.query()) ?? { held: [] };
  return held.some((lock) => lock.name === lockName(id));
}

function hold(id) {
  navigator.locks?.request(lockName(id), { ifAvailable: true }, (lock) => lock && new Promise(() => {}));
}

function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function encode(value) {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

async function ask(form, values) {
  const body = new FormData();
  body.append("clinic", form.elements.clinic.value);
  for (const [name, value] of Object.entries(values)) body.append(name, value);
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  const answer = await fetch(form.dataset.draftUrl, { method: "POST", body, headers });
  if (answer.status === 410) return null;
  if (!answer.ok || answer.redirected) throw new Error(`draft key: ${answer.status}`);
  return answer.json();
}

export class CaseDraft {
  // `form` and `describe` are functions: the form of the page is another one after each swap.
  // describe(file) gives what the page knows of a file besides its bytes.
  constructor({ form, describe = () => ({}), stateChanged }) {
    this.form = form;
    this.describe = describe;
    this.stateChanged = stateChanged;
    this.state = canKeep() ? "empty" : "unable";
    this.kept = new Map();
    this.work = Promise.resolve();
    document.addEventListener("draft:stop", () => this.stop());
    document.addEventListener("visibilitychange", () => document.hidden && this.saveSoon(0));
  }

  get id() {
    return this.form().elements.request_key.value;
  }

  stop() {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  saveSoon(ms = WAIT_MS) {
    if (this.isOver || this.state === "unable" || !this.isTouched) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), ms);
  }

  touch() {
    this.isTouched = true;
    this.saveSoon();
  }

  save() {
    clearTimeout(this.timer);
    this.work = this.work.then(() => this.isOver || this.write()).catch(() => this.setState("failed"));
    return this.work;
  }

  setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.stateChanged(state);
  }

  async needKey() {
    if (this.key) return;
    const { ticket, key } = await ask(this.form(), {});
    this.ticket = ticket;
    this.key = await importKey(key);
    hold(this.id);
  }

  async write() {
    await this.needKey();
    const files = [...this.form().elements.images.files];
    await this.forgetFiles(files);
    await this.writeWords(files);
    let lost = 0;
    for (const file of files) {
      if (this.kept.has(fileKey(file))) continue;
      if (await this.writeFile(file)) await this.writeWords(files);
      else lost += 1;
    }
    this.setState(lost ? "words" : "kept");
    // With a photo that lies nowhere but in this page, leaving still asks.
    if (!lost) this.form().dispatchEvent(new CustomEvent("draft:kept", { bubbles: true }));
  }

  // False where there is no room, or where the file is gone from its folder.
  async writeFile(file) {
    const id = `${this.id}/${crypto.randomUUID()}`;
    try {
      await putFile({ id, draft: this.id, sealed: await seal(this.key, id, await file.arrayBuffer()) });
    } catch {
      return false;
    }
    this.kept.set(fileKey(file), id);
    return true;
  }

  async forgetFiles(files) {
    const here = new Set(files.map(fileKey));
    const gone = [...this.kept].filter(([key]) => !here.has(key));
    for (const [key] of gone) this.kept.delete(key);
    await eraseFiles(gone.map(([, id]) => id));
  }

  async writeWords(files) {
    const form = this.form();
    const fields = [...new FormData(form)].filter(
      ([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken",
    );
    const pictures = files.filter((file) => this.kept.has(fileKey(file))).map((file) => {
      const { name, type, lastModified } = file;
      return { id: this.kept.get(fileKey(file)), name, type, lastModified, more: this.describe(file) };
    });
    const content = encode({ fields, files: pictures, address: location.pathname + location.search });
    await putDraft({
      id: this.id,
      person: document.getElementById("session-over").dataset.person,
      clinic: form.elements.clinic.value,
      ticket: this.ticket,
      savedAt: Date.now(),
      sealed: await seal(this.key, this.id, content),
    });
  }

  erase() {
    return this.discard(this.id);
  }

  async discard(id) {
    this.stop();
    await this.work;
    if (canKeep()) await eraseDrafts([id]);
  }

  // The newest draft of this person and clinic that no living page writes: {row, fields, files, address},
  // {sent} where its case arrived after all, or null.
  async find() {
    if (!canKeep()) return null;
    const { person } = document.getElementById("session-over").dataset;
    const clinic = this.form().elements.clinic.value;
    const rows = (await listDrafts()).filter((row) => row.person === person && row.clinic === clinic);
    rows.sort((a, b) => b.savedAt - a.savedAt);
    for (const row of rows) {
      if (await this.isFree(row)) return this.open(row);
    }
    return null;
  }

  // The page before a reload may hold its lock for a moment longer.
  async isFree(row) {
    for (let count = 0; count < LOCK_TRIES; count += 1) {
      if (!(await isHeld(row.id))) return true;
      await later(60);
    }
    return false;
  }

  async open(row) {
    const answer = await ask(this.form(), { ticket: row.ticket, request_key: row.id });
    if (answer?.key) {
      try {
        return await this.unsealAll(row, await importKey(answer.key));
      } catch {
        // The key of the site was changed, or the row is torn: it opens for nobody any more.
      }
    }
    await eraseDrafts([row.id]);
    return answer?.sent ? { sent: answer.sent } : null;
  }

  async unsealAll(row, key) {
    const { fields, files, address } = decode(await unseal(key, row.id, row.sealed));
    const sealed = new Map((await readFiles(row.id)).map((file) => [file.id, file.sealed]));
    const pictures = [];
    for (const { id, name, type, lastModified, more } of files) {
      if (!sealed.has(id)) continue;
      const bytes = await unseal(key, id, sealed.get(id));
      pictures.push({ id, more, file: new File([bytes], name, { type, lastModified }) });
    }
    return { row, key, fields, files: pictures, address };
  }

  // From now on this page writes that draft.
  adopt({ row, key, files }) {
    this.key = key;
    this.ticket = row.ticket;
    this.isTouched = true;
    this.kept = new Map(files.map(({ id, file }) => [fileKey(file), id]));
    hold(row.id);
    this.setState("kept");
  }
}
