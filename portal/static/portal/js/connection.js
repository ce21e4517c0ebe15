// Says when the portal can't be reached while a page updates itself, and when it can again: a
// result that stopped arriving must never look like one that takes its time.

const NOTICE = "connection-notice";

function say(words) {
  let notice = document.getElementById(NOTICE);
  if (!notice) {
    notice = document.createElement("div");
    notice.id = NOTICE;
    notice.className = "notice notice-warning";
    notice.append(document.createElement("p"));
    document.getElementById("messages")?.append(notice);
  }
  notice.querySelector("p").textContent = words;
}

function sayNothing() {
  document.getElementById(NOTICE)?.remove();
}

document.addEventListener("htmx:sendError", () => {
  say("The portal can't be reached. This page is no longer up to date; it goes on by itself when the connection is back.");
});

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401 || status === 403) {
    say("You are no longer logged in, or your role has changed. Reload the page.");
  } else if (status === 404) {
    say("This is no longer there, or it belongs to another clinic. Reload the page.");
  } else {
    say("The portal could not update this page. Reload it to see where things stand.");
  }
});

document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status < 400) sayNothing();
});
