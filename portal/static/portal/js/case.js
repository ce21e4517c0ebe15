// The page of a case: when it asks for news. Polling is htmx's, zoom is viewer.js's, printing is that of panels.js.

// The answer that the poll brings counts as opened by who follows the case up: a page that nobody has in
// sight fetches none. The next poll after one looks at it again does.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.id === "standing") event.preventDefault();
});
