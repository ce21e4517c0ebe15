// Images for a file field: <div class="dropzone" data-dropzone> around <input type="file" multiple>,
// with buttons [data-pick] and [data-camera], and <ul class="picked" data-picked> for thumbnails.
// Limits come from the server as data attributes; the checks here only save a trip, the server's
// verdict is the one that counts. Leaving script out leaves a plain file field.

import { fileKey } from "./picked-file.js";

const MEGABYTE = 1048576;
const READABLE = /^(image\/(jpeg|png|webp|tiff|heic|heif)|application\/dicom)$/;
const READABLE_NAME = /\.(jpe?g|png|webp|tiff?|heic|heif|dcm|dicom)$/i;

function readLimits(zone) {
  const figure = (name) => Number(zone.dataset[name]) || Infinity;
  return {
    bytes: figure("maxBytes"),
    count: figure("maxImages"),
    side: Number(zone.dataset.minSide) || 0,
    pixels: figure("maxPixels"),
  };
}

function formatBytes(bytes) {
  return bytes < MEGABYTE ? `${Math.ceil(bytes / 1024)} KB` : `${Number((bytes / MEGABYTE).toFixed(1))} MB`;
}

function judgeFile(file, limits) {
  if (file.size === 0) return bad("This file is empty. Choose another.");
  if (!READABLE.test(file.type) && !READABLE_NAME.test(file.name)) {
    return bad("Not an image the portal reads: JPEG, PNG, WebP, TIFF, HEIC or DICOM.");
  }
  if (file.size > limits.bytes) {
    return bad(`${formatBytes(file.size)}; the limit is ${formatBytes(limits.bytes)}.`);
  }
  return { tone: "", words: formatBytes(file.size) };
}

function judgeSize(image, file, limits) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const size = `${width}×${height} pixels`;
  if (Math.min(width, height) < limits.side) {
    return bad(`${size}; at least ${limits.side}×${limits.side} is needed. Move closer and take it again.`);
  }
  if (width * height > limits.pixels) {
    const most = Math.floor(limits.pixels / 1e6);
    return bad(`${size} is more than the limit of ${most} million pixels.`);
  }
  return { tone: "", words: `${size}, ${formatBytes(file.size)}` };
}

function bad(words) {
  return { tone: "is-bad", words };
}

class Dropzone {
  constructor(zone) {
    this.zone = zone;
    this.input = zone.querySelector("input[type=file]");
    this.list = document.getElementById(zone.dataset.picked) ?? zone.querySelector("[data-picked]");
    this.limits = readLimits(zone);
    this.files = [];
    this.nodes = new Map();
    this.input.addEventListener("change", () => this.takeChosen());
    zone.addEventListener("dragover", (event) => this.hover(event, true));
    zone.addEventListener("dragleave", (event) => this.hover(event, false));
    zone.addEventListener("drop", (event) => this.drop(event));
    zone.addEventListener("click", (event) => this.press(event));
  }

  hover(event, over) {
    event.preventDefault();
    this.zone.classList.toggle("is-over", over);
  }

  drop(event) {
    this.hover(event, false);
    this.add([...event.dataTransfer.files]);
  }

  press(event) {
    const button = event.target.closest("[data-pick], [data-camera]");
    if (!button) return;
    if (button.hasAttribute("data-camera")) this.input.setAttribute("capture", "environment");
    else this.input.removeAttribute("capture");
    this.input.click();
  }

  takeChosen() {
    this.add([...this.input.files]);
  }

  add(arrivals) {
    const known = new Set(this.files.map(fileKey));
    this.files.push(...arrivals.filter((file) => !known.has(fileKey(file))));
    if (!this.input.multiple) this.files = this.files.slice(-1);
    this.store();
  }

  remove(file) {
    this.files = this.files.filter((other) => other !== file);
    this.store();
    this.input.focus();
  }

  // The field itself carries the files, so that a plain form post sends them.
  store() {
    const transfer = new DataTransfer();
    for (const file of this.files) transfer.items.add(file);
    this.input.files = transfer.files;
    this.show();
    this.input.dispatchEvent(new CustomEvent("dropzone:changed", { bubbles: true }));
  }

  show() {
    for (const [file, node] of this.nodes) {
      if (this.files.includes(file)) continue;
      URL.revokeObjectURL(node.dataset.url);
      node.remove();
      this.nodes.delete(file);
    }
    for (const file of this.files) {
      if (!this.nodes.has(file)) this.nodes.set(file, this.list.appendChild(this.draw(file)));
    }
    this.showCount();
  }

  showCount() {
    const place = this.zone.querySelector("[data-count]");
    if (!place) return;
    const { count } = this.limits;
    const number = this.files.length;
    const over = number > count;
    place.classList.toggle("is-bad", over);
    const chosen = `${number} ${number === 1 ? "image" : "images"} chosen`;
    place.textContent = over ? `${chosen}; the limit is ${count}. Remove ${number - count}.` : chosen;
  }

  draw(file) {
    const node = document.createElement("li");
    node.className = "picked-file";
    node.append(this.drawThumbnail(file, node), drawWords(file), this.drawRemove(file));
    showVerdict(node, judgeFile(file, this.limits));
    return node;
  }

  drawThumbnail(file, node) {
    const image = document.createElement("img");
    image.className = "thumb";
    image.alt = "";
    node.dataset.url = URL.createObjectURL(file);
    image.addEventListener("load", () => {
      const verdict = judgeFile(file, this.limits);
      showVerdict(node, verdict.tone ? verdict : judgeSize(image, file, this.limits));
    });
    // TIFF, HEIC and DICOM have no preview in most browsers; the server reads them all the same.
    image.addEventListener("error", () => image.replaceWith(drawBlank()), { once: true });
    image.src = node.dataset.url;
    return image;
  }

  drawRemove(file) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-quiet button-small";
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${file.name}`);
    button.addEventListener("click", () => this.remove(file));
    return button;
  }
}

function drawBlank() {
  const blank = document.createElement("span");
  blank.className = "thumb";
  return blank;
}

function drawWords(file) {
  const words = document.createElement("div");
  const name = document.createElement("div");
  name.className = "name";
  name.textContent = file.name;
  const verdict = document.createElement("p");
  verdict.className = "verdict";
  words.append(name, verdict);
  return words;
}

function showVerdict(node, { tone, words }) {
  const place = node.querySelector(".verdict");
  place.className = `verdict ${tone}`;
  place.textContent = words;
}

const ready = new WeakSet();

function prepareDropzones() {
  for (const zone of document.querySelectorAll("[data-dropzone]")) {
    if (ready.has(zone)) continue;
    ready.add(zone);
    new Dropzone(zone);
  }
}

prepareDropzones();
document.addEventListener("htmx:afterSwap", prepareDropzones);
