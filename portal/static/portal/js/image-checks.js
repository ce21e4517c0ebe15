// Asks the server about each picked image, one at a time, and writes its verdict beside the
// thumbnail that dropzone.js drew. Nothing is kept there: the images are sent again with the form.

const TONES = { good: "is-good", doubtful: "is-doubtful", bad: "is-bad" };

export class ImageChecks {
  constructor(form, changed) {
    this.form = form;
    this.input = form.elements.images;
    this.changed = changed;
    this.verdicts = new Map();
    this.isBusy = false;
    this.input.addEventListener("dropzone:changed", () => this.follow());
  }

  belongsTo(input) {
    return this.input === input;
  }

  countBad() {
    return this.files().filter((file) => this.verdicts.get(file)?.tone === "bad" || this.isRefusedHere(file)).length;
  }

  countPending() {
    return this.files().filter((file) => !this.verdicts.has(file)).length;
  }

  files() {
    return [...this.input.files];
  }

  // dropzone.js draws one item a file, in the order of the field.
  node(file) {
    const list = document.getElementById("picked-images");
    return list?.children[this.files().indexOf(file)];
  }

  isRefusedHere(file) {
    return Boolean(this.node(file)?.querySelector(".verdict.is-bad"));
  }

  follow() {
    const files = new Set(this.files());
    for (const file of this.verdicts.keys()) if (!files.has(file)) this.verdicts.delete(file);
    this.changed();
    this.work();
  }

  async work() {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let file = this.next(); file; file = this.next()) {
      this.verdicts.set(file, await this.ask(file));
      this.show(file);
      this.changed();
    }
    this.isBusy = false;
  }

  next() {
    return this.files().find((file) => !this.verdicts.has(file));
  }

  async ask(file) {
    if (this.isRefusedHere(file)) return { tone: "bad", lines: [] };
    this.say(file, "", ["Checking…"]);
    const body = new FormData();
    body.append("clinic", this.form.elements.clinic.value);
    body.append("image", file);
    const token = this.form.elements.csrfmiddlewaretoken.value;
    try {
      const answer = await fetch(this.form.dataset.checkUrl, {
        method: "POST",
        body,
        headers: { "X-CSRFToken": token },
      });
      return await answer.json();
    } catch {
      return { tone: "", lines: ["Not checked yet: it is checked when you send it."] };
    }
  }

  show(file) {
    const verdict = this.verdicts.get(file);
    this.say(file, TONES[verdict.tone] ?? "", verdict.lines ?? []);
    const picture = this.node(file)?.querySelector(".thumb");
    if (verdict.thumbnail) picture?.replaceWith(drawThumbnail(verdict.thumbnail));
  }

  say(file, tone, lines) {
    const place = this.node(file)?.querySelector(".name")?.parentElement;
    if (!place) return;
    place.querySelectorAll(".server-verdict").forEach((line) => line.remove());
    for (const words of lines) {
      const line = document.createElement("p");
      line.className = `server-verdict small ${tone}`;
      line.textContent = words;
      place.append(line);
    }
  }
}

function drawThumbnail(encoded) {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const image = document.createElement("img");
  image.className = "thumb";
  image.alt = "";
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  return image;
}
