// Which kind each picked picture is: a choice under every thumbnail, from <template id="picture-kind">.
// The check proposes; what the person chose stands. The fields are sent in the order of the files.
//
// The check is wrong about a few dermoscopic pictures in a hundred, and the model judges no other kind: so a
// picture leaves its judgement only when a person has said so. Until then it stays dermoscopic and is asked about.

import { fileKey } from "./picked-file.js";

const DERMOSCOPIC = "dermoscopic";
const NAMED = { clinical: "a close-up", overview: "an overview" };

export class PictureKinds {
  constructor(form, input, changed) {
    this.form = form;
    this.input = input;
    this.changed = changed;
    this.chosen = new Set();
    this.asked = new Map();
    input.addEventListener("dropzone:changed", () => this.follow());
    this.follow();
  }

  files() {
    return [...this.input.files];
  }

  node(file) {
    const keys = this.files().map(fileKey);
    return document.getElementById("picked-images")?.children[keys.indexOf(fileKey(file))];
  }

  part(file) {
    return this.node(file)?.querySelector("[data-picture-kind]");
  }

  // Before "dropzone:changed" is heard by anybody else: the fields belong to the files from the start.
  follow() {
    const here = new Set(this.files().map(fileKey));
    for (const key of this.chosen) if (!here.has(key)) this.chosen.delete(key);
    for (const key of this.asked.keys()) if (!here.has(key)) this.asked.delete(key);
    for (const file of this.files()) {
      const node = this.node(file);
      if (node && !node.querySelector("[data-kind]")) this.draw(file, node);
    }
  }

  draw(file, node) {
    const part = document.getElementById("picture-kind").content.firstElementChild.cloneNode(true);
    const { kind, type } = this.fields(part);
    kind.value = this.form().elements.capture_kind.value;
    kind.setAttribute("aria-label", `${kind.dataset.label} ${file.name}`);
    type.setAttribute("aria-label", `${type.dataset.label} ${file.name}`);
    kind.addEventListener("change", () => {
      this.settle(file, part);
      this.changed();
    });
    for (const button of part.querySelectorAll("[data-answer]")) {
      button.addEventListener("click", () => this.answer(file, part, button.dataset.answer));
    }
    part.querySelector("[data-question-file]").textContent = file.name;
    node.querySelector(".name").parentElement.append(part);
    this.show(part);
  }

  fields(part) {
    return { kind: part.querySelector("[data-kind]"), type: part.querySelector("[data-type]") };
  }

  show(part) {
    const { kind, type } = this.fields(part);
    const isDermoscopic = kind.value === DERMOSCOPIC;
    type.hidden = !isDermoscopic;
    if (!isDermoscopic) type.value = "";
    part.querySelector("[data-kept-only]").hidden = isDermoscopic;
  }

  kindOf(file) {
    return this.node(file)?.querySelector("[data-kind]")?.value ?? "";
  }

  isDermoscopic(file) {
    return this.kindOf(file) === DERMOSCOPIC;
  }

  propose(file, kind) {
    const part = this.part(file);
    if (!part || !kind || this.chosen.has(fileKey(file))) return;
    const field = this.fields(part).kind;
    if (![...field.options].some((option) => option.value === kind)) return;
    if (kind !== DERMOSCOPIC) {
      this.ask(file, part, kind);
      return;
    }
    field.value = kind;
    part.querySelector("[data-proposed]").hidden = false;
    this.show(part);
  }

  ask(file, part, kind) {
    this.asked.set(fileKey(file), kind);
    for (const place of part.querySelectorAll("[data-question-kind]")) place.textContent = NAMED[kind];
    part.querySelector("[data-question]").hidden = false;
    // A question must be seen, also in a form whose parts came back closed.
    part.closest("details").open = true;
    this.changed();
  }

  answer(file, part, answer) {
    const { kind } = this.fields(part);
    kind.value = answer === "yes" ? this.asked.get(fileKey(file)) : DERMOSCOPIC;
    // The pressed button is gone after this: the answer itself is the next thing to stand at.
    kind.focus();
    kind.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // A person has said which kind it is, to the question or in the field.
  settle(file, part) {
    this.chosen.add(fileKey(file));
    this.asked.delete(fileKey(file));
    part.querySelector("[data-question]").hidden = true;
    part.querySelector("[data-proposed]").hidden = true;
    this.show(part);
  }

  // Numbers of the pictures that a person has still to say the kind of, as they stand on the page.
  findAsked() {
    return this.files().flatMap((file, index) => (this.asked.has(fileKey(file)) ? [index + 1] : []));
  }

  // To the question and not to a button of it: a second press of Enter must answer nothing.
  goToQuestion() {
    const [first] = this.findAsked();
    const question = this.part(this.files()[first - 1])?.querySelector("[data-question]");
    question?.scrollIntoView({ block: "center" });
    question?.focus({ preventScroll: true });
  }

  // What a draft keeps of it, and how it comes back.
  describe(file) {
    const part = this.part(file);
    if (!part) return {};
    const { kind, type } = this.fields(part);
    return { kind: kind.value, type: type.value, isChosen: this.chosen.has(fileKey(file)), asked: this.asked.get(fileKey(file)) };
  }

  restore(file, { kind, type, isChosen, asked } = {}) {
    const part = this.part(file);
    if (!part || !kind) return;
    const fields = this.fields(part);
    fields.kind.value = kind;
    fields.type.value = type ?? "";
    this.show(part);
    if (isChosen) this.settle(file, part);
    else if (asked) this.ask(file, part, asked);
  }
}
