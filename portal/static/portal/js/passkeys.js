// Passkeys: asks the browser's authenticator and sends what it answers.
//   <form data-passkey="create|get">  with a hidden field "credential" or [data-passkey-credential];
//   the options stand in the page as JSON (#passkey-options), or come from the form's own address (data-passkey-fetch).

const TROUBLE = {
  NotAllowedError: "That was stopped or took too long. Try again.",
  InvalidStateError: "This device is among your passkeys already.",
  SecurityError: "This address can't use passkeys. They need https and the site's own name.",
  NotSupportedError: "This device has no passkey that the portal can use.",
};

function say(form, words) {
  const place = form.querySelector("[data-passkey-trouble]");
  if (!place) return;
  place.textContent = words;
  place.hidden = !words;
}

async function readOptions(form) {
  if (!form.hasAttribute("data-passkey-fetch")) {
    return JSON.parse(document.getElementById("passkey-options").textContent);
  }
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()).request_options;
}

async function ask(form) {
  const options = await readOptions(form);
  if (form.dataset.passkey === "get") return window.webauthnJSON.get(options);
  const alone = form.elements.passwordless?.checked ?? false;
  const selection = options.publicKey.authenticatorSelection;
  selection.residentKey = alone ? "required" : "discouraged";
  selection.requireResidentKey = alone;
  if (alone) selection.userVerification = "required";
  return window.webauthnJSON.create(options);
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(form, "");
    if (!window.PublicKeyCredential) {
      say(form, TROUBLE.NotSupportedError);
      return;
    }
    try {
      const field = form.querySelector("[data-passkey-credential]") ?? form.elements.credential;
      field.value = JSON.stringify(await ask(form));
    } catch (error) {
      say(form, TROUBLE[error.name] ?? "The passkey did not work. Try again, or use a code.");
      return;
    }
    form.submit();
  });
}
