// Which kind each picked picture is: a choice under every thumbnail, from <template id="picture-kind">.
// The check proposes; what the person chose stands. The fields are sent in the order of the files.

import { fileKey } from "./picked-file.js";

const DERMOSCOPIC = "dermoscopic";

export class PictureKinds {
  constructor(form, input, changed) {
    this.form = form;
    this.input = input;
    this.changed = changed;
    this.chosen = new Set();
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

  // Before "dropzone:changed" is heard by anybody else: the fields belong to the files from the start.
  follow() {
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
      this.chosen.add(fileKey(file));
      this.show(part);
      this.changed();
    });
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
    const part = this.node(file)?.querySelector("[data-picture-kind]");
    if (!part || !kind || this.chosen.has(fileKey(file))) return;
    const field = this.fields(part).kind;
    if (![...field.options].some((option) => option.value === kind)) return;
    field.value = kind;
    part.querySelector("[data-proposed]").hidden = false;
    this.show(part);
  }

  // What a draft keeps of it, and how it comes back.
  describe(file) {
    const part = this.node(file)?.querySelector("[data-picture-kind]");
    if (!part) return {};
    const { kind, type } = this.fields(part);
    return { kind: kind.value, type: type.value, isChosen: this.chosen.has(fileKey(file)) };
  }

  restore(file, { kind, type, isChosen } = {}) {
    const part = this.node(file)?.querySelector("[data-picture-kind]");
    if (!part || !kind) return;
    const fields = this.fields(part);
    fields.kind.value = kind;
    fields.type.value = type ?? "";
    if (isChosen) this.chosen.add(fileKey(file));
    this.show(part);
  }
}
