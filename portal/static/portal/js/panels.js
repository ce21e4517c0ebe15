// Dialogs, menus and toasts, all native elements that this only opens and closes.
//   data-dialog-open="ID"  opens <dialog id="ID">      data-dialog-close  closes the one around it
//   <details data-menu>    closes on Escape or a press elsewhere
//   data-print             prints the page
//   .toast[data-timeout]   goes after so many seconds, never while the pointer or focus is on it

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    document.getElementById(opener.dataset.dialogOpen)?.showModal();
    return;
  }
  if (event.target.closest("[data-print]")) window.print();
  if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && pressedBackdrop(event)) event.target.close();
  event.target.closest("[data-toast-close]")?.closest(".toast")?.remove();
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

function dismissLater(toast) {
  const seconds = Number(toast.dataset.timeout);
  if (!seconds) return;
  const timer = setInterval(() => {
    if (toast.matches(":hover, :focus-within")) return;
    clearInterval(timer);
    toast.remove();
  }, seconds * 1000);
}

const toasts = document.getElementById("toasts");
if (toasts) {
  const watchArrivals = new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      if (node instanceof HTMLElement) dismissLater(node);
    }
  });
  watchArrivals.observe(toasts, { childList: true });
  for (const toast of toasts.children) dismissLater(toast);
}
