// Redoc draws its styles itself. Each style element it makes gets the nonce of this page, so that the
// page's content security policy can stay as strict as everywhere else.
"use strict";

const { nonce } = document.currentScript;
const create = document.createElement.bind(document);

document.createElement = (name, ...rest) => {
  const element = create(name, ...rest);
  if (String(name).toLowerCase() === "style") {
    element.nonce = nonce;
  }
  return element;
};

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("redoc");
  // Search would need a worker made from a blob.
  window.Redoc.init(place.dataset.schema, { disableSearch: true, nativeScrollbars: true }, place);
});
