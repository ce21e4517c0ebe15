// Zoom and pan of the picture: <div class="viewer" data-viewer tabindex="0"> with one or more <img>
// (picture and overlays move together) and buttons [data-zoom="in|out|reset"].
// Wheel, pinch, drag, double click; keys + - 0 and the arrows while it has the focus.

const LARGEST = 12;
const STEP = 1.3;

class Viewer {
  constructor(box) {
    this.box = box;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.pointers = new Map();
    box.addEventListener("wheel", (event) => this.turnWheel(event), { passive: false });
    box.addEventListener("pointerdown", (event) => this.press(event));
    box.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      box.addEventListener(name, (event) => this.release(event));
    }
    box.addEventListener("dblclick", (event) => this.doubleClick(event));
    box.addEventListener("keydown", (event) => this.pressKey(event));
    box.addEventListener("click", (event) => this.pressButton(event));
    new ResizeObserver(() => this.show()).observe(box);
  }

  place(event) {
    const bounds = this.box.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  }

  middle() {
    return { x: this.box.clientWidth / 2, y: this.box.clientHeight / 2 };
  }

  // Keeps the spot of the picture under `point` where it is.
  zoom(factor, point = this.middle()) {
    const scale = Math.min(Math.max(this.scale * factor, 1), LARGEST);
    const ratio = scale / this.scale;
    this.x = point.x - (point.x - this.x) * ratio;
    this.y = point.y - (point.y - this.y) * ratio;
    this.scale = scale;
    this.show();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.show();
  }

  reset() {
    this.scale = 1;
    this.show();
  }

  // The picture never leaves its box: at scale 1 it sits still.
  show() {
    const room = this.scale - 1;
    this.x = Math.min(0, Math.max(-this.box.clientWidth * room, this.x));
    this.y = Math.min(0, Math.max(-this.box.clientHeight * room, this.y));
    for (const image of this.box.querySelectorAll("img, .overlay-outline")) {
      image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    }
    this.box.classList.toggle("is-zoomed", this.scale > 1);
    const label = this.box.querySelector("[data-zoom-level]");
    if (label) label.textContent = `${Math.round(this.scale * 100)} %`;
  }

  turnWheel(event) {
    // A page must still scroll past a picture: the wheel zooms with Ctrl, once the picture was
    // pressed, or while it is zoomed already.
    const asked = event.ctrlKey || document.activeElement === this.box;
    if (this.scale === 1 && (!asked || event.deltaY > 0)) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * 0.0022), this.place(event));
  }

  press(event) {
    if (event.target.closest("button") || event.button !== 0) return;
    this.pointers.set(event.pointerId, this.place(event));
    this.box.setPointerCapture(event.pointerId);
    this.box.classList.add("is-moving");
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (other) {
      const spread = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
      const centre = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      this.zoom(spread(now) / spread(before), centre);
      this.move((now.x - before.x) / 2, (now.y - before.y) / 2);
    } else {
      this.move(now.x - before.x, now.y - before.y);
    }
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.box.classList.remove("is-moving");
  }

  doubleClick(event) {
    if (event.target.closest("button")) return;
    if (this.scale > 1) this.reset();
    else this.zoom(3, this.place(event));
  }

  pressKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const stride = 60;
    const actions = {
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.reset(),
      ArrowLeft: () => this.move(stride, 0),
      ArrowRight: () => this.move(-stride, 0),
      ArrowUp: () => this.move(0, stride),
      ArrowDown: () => this.move(0, -stride),
    };
    const action = actions[event.key];
    if (!action || (event.key.startsWith("Arrow") && this.scale === 1)) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  pressButton(event) {
    const button = event.target.closest("[data-zoom]");
    if (button?.dataset.zoom === "in") this.zoom(STEP);
    if (button?.dataset.zoom === "out") this.zoom(1 / STEP);
    if (button?.dataset.zoom === "reset") this.reset();
  }
}

const ready = new WeakMap();

// Also for a viewer that is ready: an overlay that has come takes the picture's place and scale.
function prepareViewers() {
  for (const box of document.querySelectorAll("[data-viewer]")) {
    if (ready.has(box)) ready.get(box).show();
    else ready.set(box, new Viewer(box));
  }
}

prepareViewers();
for (const name of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
  document.addEventListener(name, prepareViewers);
}

// The overlay (a heatmap, an outline) in the place with this id: a check box [data-overlay-toggle="ID ID"]
// shows or hides it, a slider [data-overlay-strength="ID"] says how much of the picture it covers.
function findOverlay(id) {
  return document.getElementById(id ?? "")?.querySelector("img, .overlay-outline");
}

document.addEventListener("change", (event) => {
  for (const id of event.target.dataset?.overlayToggle?.split(" ") ?? []) {
    // Not the property: a drawing has none.
    findOverlay(id)?.toggleAttribute("hidden", !event.target.checked);
  }
});

document.addEventListener("input", (event) => {
  const overlay = findOverlay(event.target.dataset?.overlayStrength);
  if (overlay) overlay.style.opacity = event.target.value / 100;
});
