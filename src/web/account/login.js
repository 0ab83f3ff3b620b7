/** The form to log in with. */

import { login } from "./auth.js";
import { byId, complain, empty, onSubmit } from "./dom.js";
import { reason, say, show } from "./view.js";

/** Has the form log in, and calls `done` when it has. */
export function watchLogin(done) {
  const form = byId("login-form");
  onSubmit(form, async () => {
    const [username, password] = [byId("username"), byId("password")];
    byId("login-error").textContent = "";
    [username, password].forEach((field) => field.removeAttribute("aria-invalid"));
    say("");
    try {
      await login(username.value, password.value);
    } catch (error) {
      const isWrong = error.status === 400 && error.error === "invalid_grant";
      complain("login-error", password, isWrong ? "The user name or the password is wrong." : reason(error));
      if (!isWrong) {
        password.removeAttribute("aria-invalid");
      }
      return;
    }
    empty(form);
    await done();
  });
}

/** Shows the form, with a sentence about why. */
export function showLogin(sentence = "") {
  show("login", "Log in");
  empty(byId("login-form"));
  say(sentence);
  byId("username").focus();
}
