// The reading page: the diagnosis suggests the agreement until the reader has chosen it, says so where
// the two don't fit, and "g" turns to the case's next image. The server makes the same suggestion when
// the field is left open.

const form = document.querySelector("[data-review-form]");

function suggest(group, outcome) {
  if (outcome !== "benign" && outcome !== "malignant") return "no_result";
  if (group !== "benign" && group !== "malignant") return "";
  return group === outcome ? "agrees" : "disagrees";
}

function describeMisfit() {
  const diagnosis = form.querySelector("[name=diagnosis]:checked");
  const agreement = form.querySelector("[name=agreement]:checked");
  const outcome = form.dataset.outcome;
  const value = diagnosis ? suggest(diagnosis.dataset.group, outcome) : "";
  const opposite = { agrees: "disagrees", disagrees: "agrees" }[value];
  if (!opposite || agreement?.value !== opposite) return "";
  const stands = value === "agrees" ? "agrees with" : "differs from";
  return `Your diagnosis ${stands} the model's answer, ${outcome}. Sign it so only if you mean it.`;
}

if (form) {
  const hint = form.querySelector("[data-agreement-hint]");
  const check = () => {
    hint.textContent = describeMisfit();
  };
  let chosen = Boolean(form.querySelector("[name=agreement]:checked"));
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field.name === "agreement") chosen = true;
    if (field.name === "diagnosis" && !chosen) {
      const value = suggest(field.dataset.group, form.dataset.outcome);
      for (const radio of form.querySelectorAll("[name=agreement]")) {
        radio.checked = radio.value === value;
      }
    }
    check();
  });
  check();
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
