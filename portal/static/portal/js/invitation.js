// The code of an invitation stands behind the # of its link, so that no server and no log sees it.
// It leaves the address bar at once and goes by POST.

const form = document.querySelector("[data-code-form]");
const code = decodeURIComponent(window.location.hash.slice(1));

if (form && code) {
  window.history.replaceState(null, "", window.location.pathname);
  form.elements.code.value = code;
  form.requestSubmit();
}
