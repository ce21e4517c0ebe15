// The reading page: the diagnosis suggests the agreement until the reader has chosen it, and "g"
// turns to the case's next image. The server makes the same suggestion when the field is left open.

const form = document.querySelector("[data-review-form]");

function suggest(group, outcome) {
  if (outcome !== "benign" && outcome !== "malignant") return "no_result";
  if (group !== "benign" && group !== "malignant") return "";
  return group === outcome ? "agrees" : "disagrees";
}

if (form) {
  let chosen = Boolean(form.querySelector("[name=agreement]:checked"));
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field.name === "agreement") chosen = true;
    if (field.name !== "diagnosis" || chosen) return;
    const value = suggest(field.dataset.group, form.dataset.outcome);
    for (const radio of form.querySelectorAll("[name=agreement]")) {
      radio.checked = radio.value === value;
    }
  });
}

function turnImage() {
  const links = [...document.querySelectorAll("#pictures [data-image]")];
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  links[(here + 1) % links.length]?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "g" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=radio]), textarea, select, dialog[open]")) return;
  turnImage();
});
