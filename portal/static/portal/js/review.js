// The reading page: nothing is signed before every picture of the case was on the screen; says how the
// chosen diagnosis stands to the model's answer; leaving gives the case free for others; "g" turns to
// the case's next image.

const form = document.querySelector("[data-review-form]");

// --- The diagnosis beside the model's answer, as the server works it out when it is signed -------
function describeAgreement() {
  const { group } = form.querySelector("[name=diagnosis]:checked")?.dataset ?? {};
  const { outcome } = form.dataset;
  if (!group || (outcome !== "benign" && outcome !== "malignant")) return "";
  if (group !== "benign" && group !== "malignant") return "";
  return group === outcome
    ? `This agrees with the model's answer, ${outcome}.`
    : `This differs from the model's answer, ${outcome}.`;
}

if (form) {
  const hint = form.querySelector("[data-agreement-hint]");
  const check = () => {
    if (!hint) return;
    hint.textContent = describeAgreement();
    hint.classList.toggle("is-differing", hint.textContent.startsWith("This differs"));
  };
  form.addEventListener("change", check);
  check();
}

// --- Pictures -----------------------------------------------------------------------------------
function findLinks() {
  return [...document.querySelectorAll("#pictures [data-image]")];
}

function turnImage() {
  const links = findLinks();
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  links[(here + 1) % links.length]?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "g" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog[open]")) return;
  turnImage();
});

// --- What was seen ------------------------------------------------------------------------------
// A picture counts as seen once it was loaded, decoded and at least half in sight; one that is higher than
// the window, once it fills half of that. The form names each that was: its field is enabled.
const LOADING_MILLISECONDS = 20_000;
const HALF = 0.5;
const STEPS = Array.from({ length: 51 }, (_, step) => step / 100);
const failed = new Set();
const fields = [...(form?.querySelectorAll("input[name=seen]") ?? [])];
const needsAll = form?.hasAttribute("data-needs-seen");
const words = form?.querySelector("[data-sign-words]");
const signWords = words?.textContent;
const reasonBox = form?.querySelector("[data-unseen]");
const reason = reasonBox?.querySelector("textarea");

function nameImages(some) {
  const numbers = some.map((field) => field.dataset.position);
  if (numbers.length === 1) return `image ${numbers[0]}`;
  return `images ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}

function findMissing() {
  return fields.filter((field) => field.disabled);
}

// The first thing that keeps the case from being signed: a picture to look at, or a reason to give.
function findObstacle() {
  const missing = findMissing();
  const unseen = missing.find((field) => !failed.has(field.value));
  if (unseen) return { field: unseen, says: `Look at image ${unseen.dataset.position} first` };
  if (missing.length && !reason.value.trim()) return { says: "Say why you sign without it" };
  return null;
}

function showObstacle() {
  if (!needsAll) return;
  const obstacle = findObstacle();
  words.textContent = obstacle?.says ?? signWords;
  form.classList.toggle("is-not-ready", Boolean(obstacle));
  const lost = findMissing().filter((field) => failed.has(field.value));
  const notice = reasonBox.querySelector("[data-unseen-notice]");
  notice.hidden = !lost.length;
  reasonBox.querySelector("[data-picture-again]").hidden = !lost.length;
  if (!lost.length) return;
  reasonBox.hidden = false;
  const told = `${nameImages(lost)} could not be loaded. Load it again, or say why you sign without it.`;
  const place = notice.querySelector("[data-unseen-words]");
  if (place.textContent !== told) place.textContent = told[0].toUpperCase() + told.slice(1);
}

function note(id, state) {
  const field = fields.find((one) => one.value === id);
  if (!field || !field.disabled) return;
  if (state === "seen") {
    field.disabled = false;
    failed.delete(id);
  } else failed.add(id);
  showObstacle();
}

async function judge(image, id) {
  try {
    await image.decode();
    note(id, image.naturalWidth > 0 ? "seen" : "failed");
  } catch {
    // Taken out of the page while it was decoded: nothing is known of it.
    if (image.isConnected) note(id, "failed");
  }
}

function isInSight({ isIntersecting, intersectionRatio, intersectionRect, rootBounds }) {
  const filled = rootBounds ? intersectionRect.height / rootBounds.height : 0;
  return isIntersecting && (intersectionRatio >= HALF || filled >= HALF);
}

const inSight = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!isInSight(entry)) continue;
      const { target } = entry;
      inSight.unobserve(target);
      judge(target.querySelector("img"), target.closest("[data-picture]").dataset.picture);
    }
  },
  // Of a high picture the half is never in sight at once: it is asked about at many a step.
  { threshold: STEPS },
);

function watchPicture() {
  const figure = document.querySelector("#pictures [data-picture]");
  const viewer = figure?.querySelector(".viewer");
  const image = viewer?.querySelector("img");
  if (!image || viewer.dataset.watched) return;
  viewer.dataset.watched = "yes";
  const id = figure.dataset.picture;
  const timer = setTimeout(() => image.isConnected && note(id, "failed"), LOADING_MILLISECONDS);
  const loaded = () => {
    clearTimeout(timer);
    inSight.observe(viewer);
  };
  const broken = () => {
    clearTimeout(timer);
    note(id, "failed");
  };
  if (image.complete) {
    if (image.naturalWidth > 0) loaded();
    else broken();
    return;
  }
  image.addEventListener("load", loaded, { once: true });
  image.addEventListener("error", broken, { once: true });
}

function goTo(id) {
  const link = findLinks().find((one) => one.dataset.image === id);
  if (link && !link.hasAttribute("aria-current")) link.click();
  else document.querySelector("#pictures .viewer")?.scrollIntoView({ block: "center" });
}

function stopUnseen(event) {
  const obstacle = findObstacle();
  if (!obstacle) return;
  event.preventDefault();
  event.stopPropagation();
  if (obstacle.field) goTo(obstacle.field.value);
  else reason.focus();
}

if (needsAll) {
  // By the press, before the browser asks for fields that are not filled in yet: looking comes first.
  for (const button of form.querySelectorAll(".decision-actions button")) {
    button.addEventListener("click", stopUnseen);
  }
  form.addEventListener("submit", stopUnseen);
  reason.addEventListener("input", showObstacle);
  reasonBox.querySelector("[data-picture-again]").addEventListener("click", () => {
    const id = findMissing().find((field) => failed.has(field.value))?.value;
    failed.delete(id);
    showObstacle();
    const figure = document.querySelector("#pictures [data-picture]");
    if (figure?.dataset.picture !== id) {
      goTo(id);
      return;
    }
    const image = figure.querySelector(".viewer img");
    delete figure.querySelector(".viewer").dataset.watched;
    image.src = `${image.src.split("?")[0]}?again=${Date.now()}`;
    watchPicture();
  });
}
if (form) {
  watchPicture();
  showObstacle();
  document.addEventListener("htmx:afterSwap", watchPicture);
}

// --- The claim ----------------------------------------------------------------------------------
// Leaving the page releases the case at once. Not by its own form: what was sent may come back refused.
let isSending = false;
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-review-form], [data-claim-form]") && !event.defaultPrevented) isSending = true;
});

window.addEventListener("pagehide", () => {
  const claim = document.querySelector("[data-claim]");
  if (!claim || isSending) return;
  const body = new FormData(claim.querySelector("form"));
  body.append("quiet", "yes");
  body.append("claimed_at", claim.dataset.claimedAt);
  navigator.sendBeacon(claim.dataset.claim, body);
});

window.addEventListener("pageshow", (event) => {
  isSending = false;
  if (event.persisted) window.htmx?.trigger("#claim", "renew");
});
