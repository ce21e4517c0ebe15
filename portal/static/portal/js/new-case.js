// The page of a new submission: parts that open one after the other, the bar that says what is
// missing, the server's verdict on each picked image, and an upload that can fail without loss.
// Without script the page is a plain form; nothing here decides what is accepted.

import { ImageChecks } from "./image-checks.js";

const PARTS = ["patient", "lesion", "images", "question"];

let checks = null;

function form() {
  return document.getElementById("new-case");
}

function field(name) {
  return form()?.elements[name];
}

function checkedRadio(name) {
  return form()?.querySelector(`input[name="${name}"]:checked, input[type=hidden][name="${name}"]`);
}

function describePatient() {
  const chosen = checkedRadio("patient");
  if (!chosen) return "";
  return chosen.value === "new" ? field("mrn").value.trim() : chosen.dataset.summary;
}

function describeLesion() {
  const chosen = checkedRadio("lesion");
  if (!chosen) return "";
  if (chosen.value !== "new") return chosen.dataset.summary;
  const site = field("body_site");
  return site.value ? site.selectedOptions[0].text.trim() : "";
}

function describeImages() {
  const { files } = field("images");
  if (!files.length || checks.countBad() || countOver()) return "";
  return files.length === 1 ? "1 image" : `${files.length} images`;
}

// One submission takes so many images and no more; the server refuses the rest.
function countOver() {
  const input = field("images");
  const most = Number(input.closest("[data-dropzone]").dataset.maxImages) || Infinity;
  return Math.max(input.files.length - most, 0);
}

function describeQuestion() {
  return field("clinical_question").value.trim() || field("clinical_history").value.trim();
}

function findMissing(words) {
  const missing = [];
  if (!words.patient) missing.push(checkedRadio("patient") ? "record number" : "patient");
  if (!words.lesion) missing.push(checkedRadio("lesion") ? "body site" : "lesion");
  const bad = checks.countBad();
  if (!field("images").files.length) missing.push("images");
  else if (bad) missing.push(bad === 1 ? "another image instead of the refused one" : `other images instead of ${bad} refused ones`);
  return missing;
}

function showState() {
  if (!form() || !checks) return;
  const words = {
    patient: describePatient(),
    lesion: describeLesion(),
    images: describeImages(),
    question: describeQuestion(),
  };
  for (const name of PARTS) {
    const part = form().querySelector(`[data-part="${name}"]`);
    part.toggleAttribute("data-complete", Boolean(words[name]));
    part.querySelector(".part-summary").textContent = part.open ? "" : words[name];
  }
  openNextPart(words);
  showBar(findMissing(words));
}

// A part opens when the one before it is complete; what a person opened stays open.
function openNextPart(words) {
  for (const [index, name] of PARTS.entries()) {
    const part = form().querySelector(`[data-part="${name}"]`);
    const before = index === 0 || words[PARTS[index - 1]];
    if (before && !part.dataset.opened) {
      part.open = true;
      part.dataset.opened = "yes";
    }
  }
}

function closeLaterParts() {
  for (const name of PARTS.slice(1)) {
    const part = form().querySelector(`[data-part="${name}"]`);
    part.open = false;
  }
}

function showBar(missing) {
  const bar = document.getElementById("still-missing");
  const busy = checks.countPending();
  const over = countOver();
  let text = "Ready to send.";
  if (over) text = `Too many images: remove ${over}.`;
  else if (missing.length) text = `Still missing: ${missing.join(", ")}`;
  else if (busy) text = `Checking ${busy === 1 ? "1 image" : `${busy} images`}. You can send already.`;
  if (bar.textContent.trim() === text) return;
  const span = document.createElement("span");
  span.className = missing.length || over ? "" : "is-complete";
  span.textContent = text;
  bar.replaceChildren(span);
}

function begin() {
  if (!form()) return;
  if (!checks?.belongsTo(field("images"))) checks = new ImageChecks(form(), showState);
  // A page that comes back with errors shows all of itself.
  if (!form().querySelector("[role=alert]")) closeLaterParts();
  checks.follow();
}

// A patient who is new has no lesions yet; one who was found may not fit a typed record number.
function followPatient(radio) {
  if (radio.value !== "new") return;
  document.querySelectorAll("#lesion-choices .picks").forEach((list) => list.remove());
  const other = form().querySelector('#lesion-choices input[name="lesion"][value="new"]');
  if (other) other.checked = true;
  field("mrn").focus();
}

function offerNewPatient() {
  const none = document.getElementById("patient-choices")?.dataset.foundNone;
  if (!none) return;
  const radio = form().querySelector('input[name="patient"][value="new"]');
  radio.checked = true;
  if (!field("mrn").value) field("mrn").value = none;
}

document.addEventListener("input", (event) => {
  if (event.target.form === form()) showState();
});

document.addEventListener("change", (event) => {
  if (event.target.form !== form()) return;
  if (event.target.name === "patient") followPatient(event.target);
  showState();
});

document.addEventListener("toggle", (event) => {
  if (event.target.matches("[data-part]")) {
    event.target.dataset.opened ||= event.target.open ? "yes" : "";
    showState();
  }
}, true);

// Enter in a text field would press the first button of the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("#new-case input:not([type=checkbox], [type=radio])")) {
    event.preventDefault();
  }
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { status } = event.detail.xhr;
  if (!event.target.closest?.("#new-case") || ![400, 413, 422, 503].includes(status)) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "patient-choices") offerNewPatient();
  if (event.target.id === "new-case") {
    begin();
    form().querySelector("[role=alert]")?.scrollIntoView({ block: "center" });
    form().querySelector("[aria-invalid=true]")?.focus({ preventScroll: true });
  } else showState();
});

function showProgress(words) {
  const bar = document.getElementById("still-missing");
  if (bar) bar.textContent = words;
}

document.addEventListener("htmx:xhr:progress", (event) => {
  const { loaded, total } = event.detail;
  if (event.target.id !== "new-case" || !total) return;
  showProgress(loaded < total ? `Sending, ${Math.round((loaded / total) * 100)} %` : "Sent. The portal checks the images.");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (event.target.id !== "new-case") return;
    showProgress("Not sent: the connection broke. Everything is still here; press Submit again.");
  });
}

begin();
