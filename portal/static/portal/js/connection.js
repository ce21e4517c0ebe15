// Says when the portal can't be reached while a page updates itself, and when it can again: a
// result that stopped arriving must never look like one that takes its time.

const NOTICE = "connection-notice";

function say(words, isOfChange = false) {
  let notice = document.getElementById(NOTICE);
  if (!notice) {
    notice = document.createElement("div");
    notice.id = NOTICE;
    notice.className = "notice notice-warning";
    notice.append(document.createElement("p"));
    document.getElementById("messages")?.append(notice);
  }
  notice.dataset.of = isOfChange ? "change" : "look";
  notice.querySelector("p").textContent = words;
}

// A form that says itself what became of it: <form data-says-failures>.
function speaksForItself(event) {
  return event.detail.elt?.matches("[data-says-failures]");
}

// What only looks is asked again by the page; what changes something is lost until somebody presses again.
function isChange(event) {
  return event.detail.requestConfig?.verb !== "get";
}

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (speaksForItself(event)) return;
    if (isChange(event)) say("Not done: the portal can't be reached. Try it again when the connection is back.", true);
    else say("The portal can't be reached. This page is no longer up to date; it goes on by itself when the connection is back.");
  });
}

document.addEventListener("htmx:responseError", (event) => {
  if (speaksForItself(event)) return;
  const { status } = event.detail.xhr;
  if (status === 403 && isChange(event)) {
    say("Not done: the portal didn't accept it. Try once more; if that fails, reload the page.", true);
  } else if (status === 401 || status === 403) {
    say("You are no longer logged in, or your role has changed. Reload the page.");
  } else if (status === 404) {
    say("This is no longer there, or it belongs to another clinic. Reload the page.");
  } else if (isChange(event)) {
    say(`Not done: the portal refused it or has a fault (${status}). Try it again, or reload the page.`, true);
  } else {
    say("The portal could not update this page. Reload it to see where things stand.");
  }
});

// A page that is asked for anew says nothing about what somebody pressed.
document.addEventListener("htmx:afterOnLoad", (event) => {
  const notice = document.getElementById(NOTICE);
  if (event.detail.xhr.status < 400 && (isChange(event) || notice?.dataset.of !== "change")) notice?.remove();
});
