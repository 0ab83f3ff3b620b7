/** The form to change one's password with. */

import { Over, call, login } from "./auth.js";
import { byId, complain, empty, onSubmit } from "./dom.js";
import { listSessions } from "./home.js";
import { reason, say } from "./view.js";

/**
 * A change ends all sessions, this one too, so the new password logs in again; if it cannot just now, `lost`
 * is called with a sentence.
 */
export function watchPassword(lost) {
  const form = byId("password-form");
  onSubmit(form, async () => {
    const [username, present, chosen] = [byId("password-for"), byId("current-password"), byId("new-password")];
    byId("password-error").textContent = "";
    [present, chosen].forEach((field) => field.removeAttribute("aria-invalid"));
    say("");
    const password = chosen.value;
    try {
      await call("POST", "me/password", { current_password: present.value, new_password: password });
    } catch (error) {
      refused(error, present, chosen);
      return;
    }
    empty(form);
    try {
      await login(username.value, password);
      await listSessions();
    } catch (error) {
      if (!(error instanceof Over)) {
        lost("Your password is changed. Log in with the new one.");
      }
      return;
    }
    say("Your password is changed, and all your other devices are logged out.");
    byId("account-title").focus();
  });
}

function refused(error, present, chosen) {
  if (error.error === "wrong_password") {
    complain("password-error", present, "The present password is wrong.");
  } else if (error.status === 400) {
    complain("password-error", chosen, `${error.description.replace(/^new_password/, "The new password")}.`);
  } else {
    byId("password-error").textContent = reason(error);
  }
}
