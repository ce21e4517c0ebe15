// Asks the server about each picked image, one at a time, and writes its answer beside the thumbnail
// that dropzone.js drew: the same gates with the same numbers as the worker's, on a reduced copy. A
// refused picture may be sent; it is kept and shown, and the model doesn't judge it.

import { fileKey } from "./picked-file.js";
import { drawReduced, hashFile } from "./reduced-copy.js";

const TONES = { good: "is-good", doubtful: "is-doubtful", unjudged: "is-doubtful", bad: "is-bad" };
const ANSWER_MS = 20_000;
const UNCHECKED = "Not checked: no answer came. You can send it; the model checks it again.";

export class ImageChecks {
  constructor(form, kinds, changed) {
    this.form = form;
    this.kinds = kinds;
    this.input = form.elements.images;
    this.changed = changed;
    this.verdicts = new Map();
    this.isBusy = false;
    this.input.addEventListener("dropzone:changed", () => this.follow());
  }

  belongsTo(input) {
    return this.input === input;
  }

  verdict(file) {
    return this.verdicts.get(fileKey(file));
  }

  // Such a file can't be sent at all.
  isBad(file) {
    return this.verdict(file)?.tone === "bad" || this.isRefusedHere(file);
  }

  countBad() {
    return this.files().filter((file) => this.isBad(file)).length;
  }

  // Of the dermoscopic ones: the others are not for the model anyway.
  countUnjudged() {
    const isRefused = (file) => this.verdict(file)?.tone === "unjudged" && this.kinds.isDermoscopic(file);
    return this.files().filter(isRefused).length;
  }

  countPending() {
    return this.files().filter((file) => !this.verdict(file)).length;
  }

  files() {
    return [...this.input.files];
  }

  node(file) {
    return this.kinds.node(file);
  }

  isRefusedHere(file) {
    return Boolean(this.node(file)?.querySelector(".verdict.is-bad"));
  }

  follow() {
    const here = new Set(this.files().map(fileKey));
    for (const key of this.verdicts.keys()) if (!here.has(key)) this.verdicts.delete(key);
    this.changed();
    this.work();
  }

  // Another kind, another question: a close-up needs no gate.
  showAgain() {
    for (const file of this.files()) if (this.verdict(file)) this.show(file);
  }

  async work() {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let file = this.next(); file; file = this.next()) {
      const verdict = await this.ask(file);
      this.verdicts.set(fileKey(file), verdict);
      this.kinds.propose(file, verdict.kind);
      this.show(file);
      this.changed();
    }
    this.isBusy = false;
  }

  next() {
    return this.files().find((file) => !this.verdict(file));
  }

  async ask(file) {
    if (this.isRefusedHere(file)) return { tone: "bad", lines: [] };
    this.say(file, "", ["Checking…"]);
    try {
      return await this.send(await this.describe(file));
    } catch {
      return { tone: "", lines: [UNCHECKED] };
    }
  }

  async describe(file) {
    const body = new FormData();
    body.append("clinic", this.form.elements.clinic.value);
    const copy = await drawReduced(file);
    if (!copy) {
      body.append("image", file);
      return body;
    }
    body.append("image", copy.blob, copy.blob === file ? file.name : "copy.jpg");
    if (copy.blob === file) return body;
    body.append("width", copy.width);
    body.append("height", copy.height);
    body.append("bytes", file.size);
    body.append("sha256", await hashFile(file));
    return body;
  }

  async send(body) {
    // The token at this moment: a log-in in another tab renews that of the page.
    const token = document.querySelector("#new-case [name=csrfmiddlewaretoken]").value;
    const answer = await fetch(this.form.dataset.checkUrl, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": token },
      signal: AbortSignal.timeout?.(ANSWER_MS),
    });
    if (answer.redirected || answer.status === 403) document.dispatchEvent(new CustomEvent("session:ask"));
    return answer.json();
  }

  show(file) {
    const verdict = this.verdict(file);
    const isForModel = this.kinds.isDermoscopic(file) || verdict.tone === "bad";
    const lines = isForModel ? verdict.lines : verdict.other_lines;
    this.say(file, isForModel ? (TONES[verdict.tone] ?? "") : "", lines ?? [], isForModel ? verdict.figures : []);
    const picture = this.node(file)?.querySelector(".thumb");
    if (verdict.thumbnail && !picture?.dataset.drawn) picture?.replaceWith(drawThumbnail(verdict.thumbnail));
  }

  say(file, tone, lines, figures = []) {
    const kind = this.node(file)?.querySelector("[data-picture-kind]");
    const place = this.node(file)?.querySelector(".name")?.parentElement;
    if (!place) return;
    place.querySelectorAll(".server-verdict").forEach((line) => line.remove());
    const parts = lines.map((words) => drawLine(words, tone));
    if (figures?.length) parts.push(drawFigures(figures));
    if (kind) kind.before(...parts);
    else place.append(...parts);
  }
}

function drawLine(words, tone) {
  const line = document.createElement("p");
  line.className = `server-verdict small ${tone}`;
  line.textContent = words;
  return line;
}

// The numbers, one click away.
function drawFigures(figures) {
  const box = document.createElement("details");
  box.className = "server-verdict small";
  const title = document.createElement("summary");
  title.textContent = "Numbers";
  const list = document.createElement("ul");
  list.className = "check-figures";
  for (const { label, value, limit } of figures) {
    const item = document.createElement("li");
    item.textContent = limit ? `${label} ${value}, ${limit}` : `${label} ${value}`;
    list.append(item);
  }
  box.append(title, list);
  return box;
}

function drawThumbnail(encoded) {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const image = document.createElement("img");
  image.className = "thumb";
  image.alt = "";
  image.dataset.drawn = "yes";
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  return image;
}
