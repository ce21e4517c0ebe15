// The page of a new submission: parts that open one after the other, the bar that says what is
// missing, the server's verdict on each picked image, and an upload that can fail without loss.
// Without script the page is a plain form; nothing here decides what is accepted.

import { ImageChecks } from "./image-checks.js";
import { CaseDraft } from "./new-case-draft.js";
import { PictureKinds } from "./picture-kinds.js";
import { Sending, explainSilence, explainStatus, readSentence } from "./new-case-sending.js";

const PARTS = ["patient", "lesion", "images", "question"];

const DRAFT_WORDS = {
  empty: "",
  kept: "Kept on this device, encrypted, until you send it.",
  words: "This device has no room for the photos: a reload would lose them. What you typed is kept.",
  failed: "Nothing of this could be kept on this device: a reload would lose what you typed and the photos.",
  unable: "This browser can't keep a draft: a reload would lose what you typed and the photos.",
};

let checks = null;
let kinds = null;
// The try to send that is under way, what became of the last one, and whether there was one.
let sending = null;
let trouble = "";
let wasTried = false;

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
  if (!files.length || checks.countBad() || countOver() || kinds.findAsked().length) return "";
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
  const patient = checkedRadio("patient");
  if (!words.patient) missing.push(patient ? "record number" : "patient");
  if (patient?.value === "new" && !checkedRadio("consents_to_inference")) missing.push("consent, yes or no");
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
    part.open = name === "images" && kinds.findAsked().length > 0;
  }
}

function say(text, tone = "") {
  const bar = document.getElementById("still-missing");
  if (!bar || bar.textContent.trim() === text) return;
  const span = document.createElement("span");
  span.className = tone;
  span.textContent = text;
  bar.replaceChildren(span);
}

// What the server found wrong and nobody has touched since.
function findFault() {
  const open = [...form().querySelectorAll("[data-faults] a")].find((link) => !link.dataset.touched);
  return open?.textContent.trim() ?? "";
}

function touchFaults(field) {
  const part = { patient: "patient-fault", lesion: "lesion-fault", images: "image-faults" }[field.name];
  for (const link of form().querySelectorAll("[data-faults] a")) {
    const target = link.hash.slice(1);
    const holds = document.getElementById(target)?.contains(field);
    if (holds || target === part) link.dataset.touched = "yes";
  }
}

function showBar(missing) {
  const busy = checks.countPending();
  const over = countOver();
  const fault = findFault();
  const asked = describeAsked();
  const before = wasTried ? "Not sent yet. " : "";
  if (sending) return;
  if (trouble) say(trouble, "is-wrong");
  else if (fault) say(fault, "is-wrong");
  else if (over) say(`Too many images: remove ${over}.`);
  else if (missing.length) say(`${before}Still missing: ${[...missing, ...asked].join(", ")}`);
  else if (asked.length) say(`${before}Say ${asked[0]}.`);
  else sayReady(busy, describeUnjudged());
}

function sayReady(busy, unjudged) {
  let words = "Ready to send.";
  if (wasTried) words = "Not sent yet: press Submit.";
  else if (busy) words = `Checking ${busy === 1 ? "1 image" : `${busy} images`}. You can send already.`;
  say(`${words} ${unjudged}`.trim(), unjudged ? "is-doubtful" : "is-complete");
}

function showKinds() {
  checks.showAgain();
  showState();
  draft.saveSoon();
}

// The pictures whose kind a person has still to say: one item of what is missing, or none.
function describeAsked() {
  const numbers = kinds.findAsked();
  if (!numbers.length) return [];
  if (numbers.length === 1) return [`what picture ${numbers[0]} is`];
  return [`what pictures ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)} are`];
}

// What the model will not judge of a case that is ready to go.
function describeUnjudged() {
  const forModel = [...field("images").files].filter((file) => kinds.isDermoscopic(file)).length;
  if (!forModel) return "No dermoscopic picture: the model won't be asked, a dermatologist sees the case.";
  const refused = checks.countUnjudged();
  if (!refused) return "";
  if (refused === forModel) return "No picture will be judged by the model.";
  return refused === 1 ? "1 picture will not be judged." : `${refused} pictures will not be judged.`;
}

function begin() {
  if (!form()) return;
  if (!checks?.belongsTo(field("images"))) {
    kinds = new PictureKinds(form, field("images"), showKinds);
    checks = new ImageChecks(form(), kinds, showState);
  }
  // A page that comes back with errors shows all of itself.
  if (!form().querySelector("[role=alert]")) closeLaterParts();
  checks.follow();
  showDraftState(draft.state);
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

function noteChange(element) {
  trouble = "";
  touchFaults(element);
  draft.touch();
  showState();
}

document.addEventListener("input", (event) => {
  if (event.target.form === form()) noteChange(event.target);
});

document.addEventListener("change", (event) => {
  if (event.target.form !== form()) return;
  if (event.target.name === "patient") followPatient(event.target);
  noteChange(event.target);
});

document.addEventListener("dropzone:changed", (event) => {
  if (event.target.form === form()) noteChange(event.target);
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

// --- Sending ---------------------------------------------------------------------------------
// Before anybody else hears of it: a picture whose kind is an open question isn't sent, the press leads there.
document.addEventListener("submit", (event) => {
  const isToSend = event.target === form() && event.submitter?.name !== "action";
  if (!isToSend || !kinds.findAsked().length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  trouble = "";
  wasTried = true;
  form().querySelector('[data-part="images"]').open = true;
  showState();
  kinds.goToQuestion();
}, true);

// The form that sent it may have been swapped away by now: then the event stands elsewhere.
function isSending(event) {
  return (event.detail.requestConfig?.elt ?? event.detail.elt)?.id === "new-case";
}

function fail(words) {
  trouble = words;
  showState();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isSending(event)) return;
  trouble = "";
  wasTried = true;
  // Lost in the middle, the tab comes back with all of it.
  draft.saveSoon(0);
  const place = document.getElementById("form-trouble");
  if (!place.querySelector("[data-faults]")) place.replaceChildren();
  sending = new Sending((words) => say(words), () => window.htmx.trigger(form(), "htmx:abort"));
});

document.addEventListener("htmx:xhr:progress", (event) => {
  if (event.target.id === "new-case") sending?.progress(event.detail);
});

// The server has the case, and says where. The draft goes first: it must not come back as "not sent".
document.addEventListener("htmx:beforeOnLoad", async (event) => {
  const address = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (!isSending(event) || !address || event.detail.xhr.status >= 400) return;
  event.preventDefault();
  say("Sent. Opening the case…", "is-complete");
  form().dispatchEvent(new CustomEvent("draft:replaced", { bubbles: true }));
  await draft.erase().catch(() => {});
  window.location.assign(address);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isSending(event)) return;
  const { xhr } = event.detail;
  const sentence = readSentence(xhr);
  const isForm = [200, 422].includes(xhr.status) && xhr.responseText.includes('id="new-case"');
  event.detail.shouldSwap = isForm || Boolean(sentence);
  event.detail.isError = !event.detail.shouldSwap;
  // A proxy's page, or that of a log-in, must not stand where the form was.
  if (!isForm) trouble = sentence || explainStatus(xhr.status);
});

for (const name of ["htmx:sendError", "htmx:sendAbort", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (isSending(event)) fail(explainSilence());
  });
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isSending(event)) return;
  sending?.end();
  const { xhr } = event.detail;
  const arrived = xhr.status && xhr.status < 400 && xhr.getResponseHeader("HX-Redirect");
  if (arrived) return;
  sending = null;
  showState();
});

document.addEventListener("session:back", () => {
  if (!form()) return;
  wasTried = true;
  fail("");
});

// --- A form that came back ------------------------------------------------------------------------
function goToFault() {
  const link = form().querySelector("[data-faults] a");
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target) return;
  const part = target.closest("details");
  if (part) part.open = true;
  const around = target.closest(".field") ?? target;
  around.scrollIntoView({ block: "start" });
  const inside = target.matches("input, select, textarea, [tabindex]") ? target : target.querySelector("input, select, textarea");
  inside?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-faults] a");
  if (!link) return;
  const target = document.getElementById(link.hash.slice(1));
  target?.querySelector("input, select, textarea")?.focus({ preventScroll: true });
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (!form()) return;
  if (event.target.id === "patient-choices") offerNewPatient();
  if (event.target.id === "new-case") {
    begin();
    goToFault();
  } else showState();
});

// --- The draft of before ---------------------------------------------------------------------------
function showDraftState(state) {
  const place = document.getElementById("draft-state");
  if (place) place.textContent = DRAFT_WORDS[state];
}

function nameTime(moment) {
  const time = new Date(moment);
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  const isToday = time.toDateString() === new Date().toDateString();
  return isToday ? clock : `${time.toLocaleDateString([], { day: "numeric", month: "long" })}, ${clock}`;
}

function sayOfDraft(words, ...actions) {
  const notice = document.createElement("div");
  notice.className = "notice notice-warning draft-notice";
  const text = document.createElement("p");
  text.textContent = words;
  const row = document.createElement("div");
  row.className = "form-actions";
  row.append(...actions);
  notice.append(text, row);
  document.getElementById("draft-notice").replaceChildren(notice);
}

function drawButton(words, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = words;
  button.addEventListener("click", press);
  return button;
}

async function discard(id) {
  draft.stop();
  form().dispatchEvent(new CustomEvent("draft:replaced", { bubbles: true }));
  await draft.discard(id);
  window.location.reload();
}

function groupFields(fields) {
  const values = {};
  for (const [name, value] of fields) (values[name] ??= []).push(value);
  return values;
}

function waitForForm(id) {
  return new Promise((resolve, reject) => {
    const end = Date.now() + 4000;
    const look = () => {
      if (draft.id === id) resolve();
      else if (Date.now() > end) reject(new Error("the form did not come back"));
      else setTimeout(look, 30);
    };
    look();
  });
}

function putFiles(files) {
  const input = field("images");
  const transfer = new DataTransfer();
  for (const { file } of files) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// The server draws the form with what was typed, as it does for its buttons without script.
async function restore(found) {
  form().dispatchEvent(new CustomEvent("draft:replaced", { bubbles: true }));
  const values = { ...groupFields(found.fields), action: ["choose"] };
  window.htmx.ajax("POST", form().getAttribute("action"), { target: "#new-case", swap: "outerHTML", values });
  await waitForForm(found.row.id);
  draft.adopt(found);
  wasTried = true;
  if (found.files.length) putFiles(found.files);
  for (const { file, more } of found.files) kinds.restore(file, more);
  const patient = describePatient();
  sayOfDraft(
    `Your draft from ${nameTime(found.row.savedAt)}${patient ? ` (patient ${patient})` : ""} was kept on this device. Not sent yet.`,
    drawButton("Discard", () => discard(found.row.id)),
  );
  showState();
}

function offer(found) {
  sayOfDraft(
    `A draft from ${nameTime(found.row.savedAt)} is kept on this device. It was not sent yet.`,
    drawButton("Go on with it", () => restore(found).catch(() => sayOfDraft("The draft could not be opened. Reload the page to try again."))),
    drawButton("Discard", () => discard(found.row.id)),
  );
}

function sayArrived(address) {
  const link = document.createElement("a");
  link.className = "button button-small";
  link.href = address;
  link.textContent = "Open the case";
  sayOfDraft("The case that you wrote here before was sent: the portal has it.", link);
}

async function lookForDraft() {
  const found = await draft.find();
  if (!found) return;
  if (found.sent) return sayArrived(found.sent);
  const isHere = found.address === location.pathname + location.search;
  const isUntouched = !draft.isTouched && !form().querySelector("[data-faults]");
  if (isHere && isUntouched) await restore(found);
  else offer(found);
}

const draft = new CaseDraft({ form, describe: (file) => kinds.describe(file), stateChanged: showDraftState });
begin();
goToFault();
lookForDraft().catch(() => {});
