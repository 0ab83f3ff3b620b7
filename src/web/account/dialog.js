/** What is asked before something is taken away, and what is told once. */

import { byId, onPress } from "./dom.js";

/** Closed by Escape or a button; the browser gives the focus back to whoever had it. */
export function watchDialogs() {
  byId("confirm-no").addEventListener("click", () => byId("confirm").close());
  byId("confirm-yes").addEventListener("click", () => byId("confirm").close("yes"));
  byId("made-done").addEventListener("click", () => byId("made").close());
  onPress("made-copy", async () => {
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(byId("made-password").value);
      isCopied = true;
    } catch {
      // Not allowed: then it is selected and copied by hand.
    }
    byId("made-copied").textContent = isCopied ? "Copied." : "Your browser does not allow that; select it and copy it.";
  });
}

function closed(dialog) {
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

/** Asks whether to do it. */
export async function confirmed(title, text, action) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = action;
  dialog.returnValue = "";
  dialog.showModal();
  await closed(dialog);
  byId("confirm-title").textContent = "";
  byId("confirm-text").textContent = "";
  return dialog.returnValue === "yes";
}

/** Shows a password that was made, until it is put away. */
export async function tell(title, password) {
  const dialog = byId("made");
  byId("made-title").textContent = title;
  byId("made-password").value = password;
  byId("made-copied").textContent = "";
  dialog.showModal();
  await closed(dialog);
  byId("made-title").textContent = "";
  byId("made-password").value = "";
}

/** Closes all of them, when the page goes on to something else. */
export function closeAll() {
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
}
