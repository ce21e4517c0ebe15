// Runs before the first paint (a plain script in the head): marks that script works and lets the
// toggle cycle auto → light → dark. The choice is a cookie, so that the server renders it.
(() => {
  const root = document.documentElement;
  const choices = ["auto", "light", "dark"];
  root.classList.add("js");

  function showChoice(choice) {
    root.dataset.theme = choice;
    for (const name of document.querySelectorAll("[data-theme-name]")) {
      name.textContent = choice;
    }
  }

  function keepChoice(choice) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const age = choice === "auto" ? 0 : 31536000;
    document.cookie = `theme=${choice}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const choice = choices[(choices.indexOf(root.dataset.theme) + 1) % choices.length];
    showChoice(choice);
    keepChoice(choice);
  });
})();
