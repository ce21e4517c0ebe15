// Lists with check boxes: let list.js count once at the start, also after the back button, so that
// "export selected" shows only when something is selected.

function countSelection() {
  const box = document.querySelector("[data-list] .row-pick input");
  box?.dispatchEvent(new Event("change", { bubbles: true }));
}

window.addEventListener("pageshow", countSelection);
