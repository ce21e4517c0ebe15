// The page of a case: the print button. Polling is htmx's, zoom is viewer.js's.

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
