// The reading page: says how the chosen diagnosis stands to the model's answer, as the server works it
// out when it is signed; and "g" turns to the case's next image.

const form = document.querySelector("[data-review-form]");

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
    if (hint) hint.textContent = describeAgreement();
  };
  form.addEventListener("change", check);
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
