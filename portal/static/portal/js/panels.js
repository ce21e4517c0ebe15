// Dialogs and menus, all native elements that this only opens and closes.
//   data-dialog-open="ID"  opens <dialog id="ID">      data-dialog-close  closes the one around it
//   <details data-menu>    closes on Escape or a press elsewhere
//   data-print             prints the page

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    document.getElementById(opener.dataset.dialogOpen)?.showModal();
    return;
  }
  if (event.target.closest("[data-print]")) window.print();
  if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && pressedBackdrop(event)) event.target.close();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

function pressedBackdrop(event) {
  const box = event.target.getBoundingClientRect();
  const insideX = event.clientX >= box.left && event.clientX <= box.right;
  return !(insideX && event.clientY >= box.top && event.clientY <= box.bottom);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
