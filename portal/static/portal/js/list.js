// Keyboard in lists: <ul data-list> with .row items. j and k move, Enter opens, x selects.
// The current row is the one whose link has the focus, so a screen reader follows.

const TYPING = "input:not([type=checkbox]), select, textarea, [contenteditable]";

function listRows() {
  return [...document.querySelectorAll("[data-list] .row")];
}

function rowInFocus() {
  return document.activeElement?.closest("[data-list] .row") ?? null;
}

function moveFocus(step) {
  const rows = listRows();
  if (!rows.length) return;
  const here = rows.indexOf(rowInFocus());
  const there = here === -1 ? (step > 0 ? 0 : rows.length - 1) : here + step;
  const row = rows[Math.min(Math.max(there, 0), rows.length - 1)];
  row.querySelector(".row-title a")?.focus();
  row.scrollIntoView({ block: "nearest" });
}

function toggleRow(row) {
  const box = row.querySelector(".row-pick input");
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
  const row = rowInFocus();
  if (event.key === "j") moveFocus(1);
  else if (event.key === "k") moveFocus(-1);
  else if (event.key === "x" && row) toggleRow(row);
  else if (event.key === "Enter" && row && event.target.type === "checkbox") {
    row.querySelector(".row-title a")?.click();
  } else return;
  event.preventDefault();
}

function showCurrentRow() {
  const current = rowInFocus();
  for (const row of listRows()) row.classList.toggle("is-current", row === current);
}

function showSelection(list) {
  const count = list.querySelectorAll(".row-pick :checked").length;
  for (const place of document.querySelectorAll("[data-selected-count]")) {
    place.textContent = String(count);
  }
  for (const bar of document.querySelectorAll("[data-needs-selection]")) {
    bar.hidden = count === 0;
  }
}

document.addEventListener("keydown", pressKey);
document.addEventListener("focusin", showCurrentRow);
document.addEventListener("change", (event) => {
  const list = event.target.closest("[data-list]");
  if (list) showSelection(list);
});
