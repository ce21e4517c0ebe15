// Forms: press once, send on choice, keep what was typed across a fragment swap, warn before it is
// lost. These drafts live in this page's memory only.

const drafts = new Map();
const changed = new Set();

// What htmx itself keeps across a swap stands as it is: it may be newer than what was noted here.
function isNoted(field) {
  return field.name && !["hidden", "file", "submit", "password"].includes(field.type) && !field.closest("[hx-preserve]");
}

function namedFields(form) {
  return [...form.elements].filter(isNoted);
}

function keepDraft(form) {
  const values = namedFields(form).map((field) => {
    const ticked = field.type === "checkbox" || field.type === "radio";
    return [field.name, field.value, ticked ? field.checked : null];
  });
  drafts.set(form.dataset.draft, values);
}

function restoreDraft(form) {
  const places = new Map();
  for (const [name, value, checked] of drafts.get(form.dataset.draft) ?? []) {
    const same = namedFields(form).filter((field) => field.name === name);
    if (checked === null) {
      // Several fields of one name: the first takes the first value, and so on.
      const place = places.get(name) ?? 0;
      places.set(name, place + 1);
      if (same[place]) same[place].value = value;
    } else {
      for (const field of same) if (field.value === value) field.checked = checked;
    }
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.hasAttribute("data-draft")) return;
  keepDraft(form);
  changed.add(form.dataset.draft);
});

// A draft that lies on the device (new-case-draft.js) needs no warning, and one that was brought back
// from there or thrown away leaves nothing of before.
document.addEventListener("draft:kept", (event) => changed.delete(event.target.dataset.draft));
document.addEventListener("draft:replaced", (event) => {
  changed.delete(event.target.dataset.draft);
  drafts.delete(event.target.dataset.draft);
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.hasAttribute("data-auto-submit")) form.requestSubmit();
});

// A second press of a slow button must not send the case twice. The button is marked, not
// disabled, at once: a disabled button's own name would be left out of what is sent.
document.addEventListener("submit", (event) => {
  const form = event.target;
  // What htmx sends may fail and leave the form where it is: then a warning is still due.
  if (!form.hasAttribute("hx-post")) changed.delete(form.dataset.draft);
  if (!form.hasAttribute("data-submit-once")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter ?? form.querySelector("button");
  button?.setAttribute("aria-busy", "true");
  button?.setAttribute("aria-disabled", "true");
});

function releaseForm(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
  }
}

// Coming back with the back button, or an htmx answer that left the form in place.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach(releaseForm);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-sent]");
  if (form) releaseForm(form);
});

document.addEventListener("htmx:afterSwap", () => {
  document.querySelectorAll("form[data-draft]").forEach(restoreDraft);
  prepareForms();
});

window.addEventListener("beforeunload", (event) => {
  if (changed.size) event.preventDefault();
});

function prepareForms() {
  for (const button of document.querySelectorAll("[data-auto-submit-button]")) {
    button.hidden = true;
  }
}

prepareForms();

// After a refused form the first wrong field is where one wants to be.
document.querySelector("main [aria-invalid='true']")?.focus();
