// The session of this page. The server alone decides when it ends; this warns a minute before,
// tells the server of somebody who types without sending, and, once it is over, covers the page
// until the same person is logged in again. Nothing typed is lost, and nothing of it is stored.

const over = document.getElementById("session-over");
const warning = document.getElementById("session-warning");
const HEARTBEAT = 60;

// Where idleness ends nothing, this is the absolute limit.
const idle = Number(over?.dataset.idleSeconds) * 1000;
const WARN = Math.min(60, idle / 3000);

let touched = false;
let lastHeard = Date.now();
let secondsLeft = Infinity;
let timer;

function later(seconds) {
  clearTimeout(timer);
  timer = setTimeout(tick, Math.max(1, seconds) * 1000);
}

function readToken() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

// A log-in in another tab makes the forms of this page's tokens worthless.
function renewTokens(token) {
  if (!token) return;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  if (document.body.hasAttribute("hx-headers")) {
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  }
}

function send(address, method, body) {
  return fetch(address, { method, body, headers: { "X-CSRFToken": readToken() } });
}

async function switchBack() {
  const form = new FormData();
  form.append("clinic", over.dataset.clinic);
  await send(over.dataset.sessionSwitch, "POST", form);
}

function cover(words) {
  if (words) over.querySelector("[data-session-words]").textContent = words;
  if (warning.open) warning.close();
  over.dataset.locked = "yes";
  if (!over.open) over.showModal();
}

async function uncover(answer) {
  if (answer.clinic !== (over.dataset.clinic || null) && over.dataset.clinic) await switchBack();
  delete over.dataset.locked;
  over.close();
  document.dispatchEvent(new CustomEvent("session:back"));
}

// True while the person of this page is logged in.
async function ask(method = "GET") {
  let answer;
  try {
    let response = await send(over.dataset.sessionStatus, method);
    // The token of this page is from before a log-in in another tab: looking tells the new one.
    if (response.status === 403 && method === "POST") response = await send(over.dataset.sessionStatus, "GET");
    if (!response.ok) return true;
    answer = await response.json();
  } catch {
    return true; // no network: connection.js speaks of that
  }
  lastHeard = Date.now();
  secondsLeft = answer.seconds_left;
  if (answer.person === null) {
    cover();
    return false;
  }
  if (answer.person !== over.dataset.person) {
    over.querySelector("[data-session-leave]").hidden = false;
    cover("Somebody else is logged in here now. This page belonged to another person.");
    return false;
  }
  renewTokens(answer.csrf_token);
  if (over.dataset.locked) await uncover(answer);
  return true;
}

async function tick() {
  const method = touched && !over.dataset.locked ? "POST" : "GET";
  touched = false;
  if (!(await ask(method))) return later(3);
  if (secondsLeft <= WARN) {
    if (!warning.open) warning.showModal();
    return later(secondsLeft + 1);
  }
  if (warning.open) warning.close();
  return later(Math.min(HEARTBEAT, secondsLeft - WARN));
}

function touch() {
  touched = true;
}

if (over) {
  for (const kind of ["keydown", "pointerdown", "input", "wheel"]) {
    document.addEventListener(kind, touch, { passive: true, capture: true });
  }
  warning.addEventListener("close", () => !over.dataset.locked && ask("POST").then(() => later(5)));
  warning.querySelector("[data-session-stay]").addEventListener("click", () => warning.close());
  over.addEventListener("cancel", (event) => event.preventDefault());
  over.addEventListener("close", () => over.dataset.locked && over.showModal());
  // Back from sleep or another tab: clocks may have stood still.
  for (const kind of ["focus", "pageshow"]) window.addEventListener(kind, () => tick());
  document.addEventListener("visibilitychange", () => !document.hidden && tick());
  // Refused or unanswered: it may be that the log-in is over, or that another one made this page's token old.
  document.addEventListener("htmx:responseError", (event) => [401, 403].includes(event.detail.xhr.status) && tick());
  document.addEventListener("htmx:sendError", () => tick());
  document.addEventListener("session:ask", () => tick());
  // A form that would reach a session that has ended goes to nobody: ask first.
  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target;
      if (Date.now() - lastHeard < idle - 5000 || form.method !== "post") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const { submitter } = event;
      if (await ask("POST")) form.requestSubmit(submitter);
    },
    { capture: true },
  );
  later(Math.min(HEARTBEAT, Math.max(1, idle / 1000 - WARN)));
}
