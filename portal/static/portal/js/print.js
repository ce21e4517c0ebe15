// The head of a printed sheet says when it was printed, not when the page was loaded.
const words = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

window.addEventListener("beforeprint", () => {
  const now = new Date();
  const parts = Object.fromEntries(words.formatToParts(now).map(({ type, value }) => [type, value]));
  for (const time of document.querySelectorAll("[data-print-time]")) {
    time.dateTime = now.toISOString();
    time.textContent = `${parts.day} ${parts.month} ${parts.year}, ${parts.hour}:${parts.minute}`;
  }
});
