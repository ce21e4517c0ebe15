// What is said while a new case is sent, and when that fails. "Sent" is said once the server has answered
// that it has the case. Every failure says what happened and what to do; the form keeps everything.

const STALL_MS = 60_000;
const ANSWER_MS = 150_000;
const LOOK_MS = 5_000;

const AGAIN = "Press Submit again: a case is never stored twice.";
const WORDS = {
  401: "Not sent: you were logged out. Log in again in a new tab, then press Submit here.",
  403: "Not sent: the portal didn't accept this page. Press Submit once more; if that fails, your role may have changed: ask your administrator.",
  404: "Not sent: you are not in this page's clinic any more. Ask your administrator.",
  413: "Not sent: the images are too large together. Remove one, or send smaller copies.",
  429: "Not sent: too much was sent in a short time. Wait a minute and press Submit again.",
};

// After a fault or a broken connection nobody here knows whether it arrived; the request key of the form makes
// a second try safe.
export function explainStatus(status) {
  if (WORDS[status]) return WORDS[status];
  if (status < 400) return `Not sent, as far as this page knows: something between this device and the portal answered in its place. Look whether the network asks you to log in. Everything is still here. ${AGAIN}`;
  if (status >= 500) return `Not sent, as far as this page knows: the portal has a fault (${status}). Everything is still here. ${AGAIN}`;
  return `Not sent: the portal refused it (${status}). Everything is still here; press Submit again.`;
}

export function explainSilence() {
  if (!navigator.onLine) return "Not sent: this device has no connection. Everything is still here; press Submit when it is back.";
  return `Not sent, as far as this page knows: the connection broke before the portal answered. Everything is still here. ${AGAIN}`;
}

// The sentence of our own server in a fragment; nothing of a proxy's page in between.
export function readSentence(xhr) {
  if (!xhr.getResponseHeader("HX-Retarget")) return "";
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const words = page.querySelector("p")?.textContent.trim();
  return words ? `Not sent: ${words}` : "";
}

// One try to send. `say` writes into the bar; `giveUp` breaks a request that stands still.
export class Sending {
  constructor(say, giveUp) {
    this.say = say;
    this.move();
    this.watch = setInterval(() => {
      if (Date.now() - this.moved > (this.isOut ? ANSWER_MS : STALL_MS)) giveUp();
    }, LOOK_MS);
    say("Sending…");
  }

  move() {
    this.moved = Date.now();
  }

  progress({ loaded, total, lengthComputable }) {
    if (this.isOut || !lengthComputable || !total) return;
    this.move();
    this.isOut = loaded >= total;
    this.say(this.isOut ? "Waiting for the portal to confirm…" : `Sending, ${Math.round((loaded / total) * 100)} %`);
  }

  end() {
    clearInterval(this.watch);
  }
}
