// On every page: erase the drafts that must not lie on this device any more. Those of somebody else,
// those older than a log-in may last, and all of them at log-out.

import { canKeep, eraseDrafts, eraseEverything, listDrafts } from "./sealed-store.js";

const LONGEST_MS = 12 * 3600 * 1000;
const LOG_OUT_WAIT_MS = 1000;

function person() {
  return document.getElementById("session-over")?.dataset.person;
}

export async function eraseForeign() {
  if (!canKeep()) return;
  const me = person();
  const drafts = await listDrafts();
  const isForeign = (row) => me !== undefined && row.person !== me;
  const isOld = (row) => Date.now() - row.savedAt > LONGEST_MS;
  await eraseDrafts(drafts.filter((row) => isForeign(row) || isOld(row)).map((row) => row.id));
}

// The server says Clear-Site-Data too; not every browser listens.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-log-out]") || !canKeep()) return;
  event.preventDefault();
  document.dispatchEvent(new CustomEvent("draft:stop"));
  const wait = new Promise((resolve) => setTimeout(resolve, LOG_OUT_WAIT_MS));
  Promise.race([eraseEverything().catch(() => {}), wait]).then(() => form.submit());
});

eraseForeign().catch(() => {});
