// Keys of the page. An element names its own key, so the sheet, the hint and the action agree:
//   <a data-key="n" href="…">   <button data-key="a">   <textarea data-key="c">
// "?" opens the sheet, "/" goes to the search field, Escape leaves a text so that the keys hold again.

const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";

function actOn(element) {
  if (element.matches("input[type=radio], input[type=checkbox]")) {
    element.focus();
    element.click();
  } else if (element.matches("input, select, textarea")) element.focus();
  else element.click();
}

function isShown(element) {
  return element.checkVisibility() && !element.disabled;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && event.target.matches("textarea")) event.target.blur();
  if (event.target.closest(TYPING)) return;
  if (event.key === "?") {
    document.getElementById("shortcuts")?.showModal();
  } else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    search.focus();
    search.select();
  } else {
    const key = CSS.escape(event.key.toLowerCase());
    const target = [...document.querySelectorAll(`[data-key="${key}"]`)].find(isShown);
    if (!target || event.repeat) return;
    actOn(target);
  }
  event.preventDefault();
});
