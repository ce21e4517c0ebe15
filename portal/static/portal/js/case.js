// The page of a case: the print button. Polling is htmx's, zoom is viewer.js's.

// The answer that the poll brings counts as opened by who follows the case up: a page that nobody has in
// sight fetches none. The next poll after one looks at it again does.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.id === "standing") event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
