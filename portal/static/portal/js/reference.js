// Redoc draws its styles itself. Each style element it makes gets the nonce of this page, so that the
// page's content security policy can stay as strict as everywhere else. It also wants its maker's logo
// from a foreign site, and has no option against it: an image here takes no foreign source.
"use strict";

const { nonce } = document.currentScript;
const create = document.createElement.bind(document);

// React sets a source as an attribute, and once more as a property.
function refuseForeignSource(image) {
  const set = image.setAttribute.bind(image);
  const setSource = (value) => {
    image.hidden = new URL(value, document.baseURI).origin !== window.location.origin;
    if (!image.hidden) {
      set("src", value);
    }
  };
  image.setAttribute = (name, value) => (name === "src" ? setSource(value) : set(name, value));
  Object.defineProperty(image, "src", { get: () => image.getAttribute("src"), set: setSource });
}

document.createElement = (name, ...rest) => {
  const element = create(name, ...rest);
  const kind = String(name).toLowerCase();
  if (kind === "style") {
    element.nonce = nonce;
  } else if (kind === "img") {
    refuseForeignSource(element);
  }
  return element;
};

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("redoc");
  // Search would need a worker made from a blob.
  window.Redoc.init(place.dataset.schema, { disableSearch: true, nativeScrollbars: true }, place);
});
