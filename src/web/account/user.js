/** One user, for an admin: roles, sessions, and whether they get in at all. */

import { call } from "./auth.js";
import { confirmed, tell } from "./dialog.js";
import { busy, byId, complain, onPress, onSubmit } from "./dom.js";
import { fill } from "./sessions.js";
import { attempt, reason, say, sayNext, show, warn } from "./view.js";
import { dayOf, device, wordsOf } from "./words.js";

let user;

const path = (rest = "") => `admin/users/${encodeURIComponent(user.id)}${rest}`;

/** What its buttons do. */
export function watchUser() {
  onSubmit(byId("roles-form"), saveRoles);
  onPress("end-user-sessions", () =>
    attempt(async () => {
      if (await confirmed(`Log ${user.username} out everywhere?`, "All their sessions end at once.", "End all")) {
        await call("DELETE", path("/sessions"));
        await listSessions();
        say(`${user.username} is logged out everywhere.`);
        byId("user-sessions-title").focus();
      }
    }),
  );
  onPress("disable-user", () =>
    attempt(async () => {
      const text = "They are logged out everywhere at once, and cannot log in until they are enabled again.";
      if (await confirmed(`Disable ${user.username}?`, text, "Disable")) {
        await change({ disabled: true });
        await listSessions();
        say(`${user.username} is disabled.`);
        byId("user-title").focus();
      }
    }),
  );
  onPress("enable-user", () =>
    attempt(async () => {
      await change({ disabled: false });
      say(`${user.username} can log in again.`);
      byId("user-title").focus();
    }),
  );
  onPress("reset-password", () =>
    attempt(async () => {
      const text = "The present one is no good any more, and they are logged out everywhere at once.";
      if (await confirmed(`Give ${user.username} a new password?`, text, "Make a new one")) {
        const { password } = await call("POST", path("/password"), {});
        await tell(`The new password of ${user.username}`, password);
        await listSessions();
        byId("user-title").focus();
      }
    }),
  );
  onPress("delete-user", () =>
    attempt(async () => {
      const text = "The account is gone for good, and somebody else can have the name.";
      if (await confirmed(`Delete ${user.username}?`, text, "Delete")) {
        const name = user.username;
        await call("DELETE", path());
        sayNext(`${name} is deleted.`);
        location.hash = "#users";
      }
    }),
  );
}

/** Shows a user, who may be whoever looks. */
export async function showUser(id, me) {
  clearUser();
  show("user", "User");
  user = { id };
  await attempt(async () => {
    try {
      const [shown, { sessions }] = await Promise.all([call("GET", path()), call("GET", path("/sessions"))]);
      if (user?.id === id) {
        fillIn(shown, me.id === id);
        fillSessions(sessions);
      }
    } catch (error) {
      if (error.status !== 404) {
        throw error;
      }
      byId("user-name").textContent = "Nobody";
      byId("user-actions").hidden = true;
      warn("There is no such user any more.");
    }
  });
}

function fillIn(shown, isMe = byId("user-actions").hidden) {
  user = shown;
  document.title = user.username;
  byId("user-name").textContent = user.username;
  byId("user-since").textContent = dayOf(user.created_at);
  byId("user-state").hidden = !user.disabled;
  byId("user-roles").value = user.roles.join(" ");
  byId("disable-user").hidden = user.disabled;
  byId("enable-user").hidden = !user.disabled;
  byId("user-actions").hidden = isMe;
  byId("user-is-you").hidden = !isMe;
}

async function change(what) {
  fillIn(await call("PATCH", path(), what));
}

async function saveRoles() {
  const field = byId("user-roles");
  byId("roles-error").textContent = "";
  field.removeAttribute("aria-invalid");
  say("");
  try {
    await change({ roles: wordsOf(field.value) });
    say("The roles are saved.");
  } catch (error) {
    complain("roles-error", field, reason(error));
  }
}

async function listSessions() {
  fillSessions((await call("GET", path("/sessions"))).sessions);
}

function fillSessions(sessions) {
  fill(byId("user-sessions"), sessions, endOne);
  byId("end-user-sessions").hidden = sessions.length === 0;
  byId("no-user-sessions").hidden = sessions.length > 0;
}

function endOne(session, button) {
  return busy(button, () =>
    attempt(async () => {
      await call("DELETE", path(`/sessions/${encodeURIComponent(session.id)}`)).catch((error) => {
        if (error.status !== 404) {
          throw error;
        }
      });
      await listSessions();
      say(`${device(session)} is logged out.`);
      byId("user-sessions-title").focus();
    }),
  );
}

/** Leaves nothing of it for whoever comes next. */
export function clearUser() {
  user = undefined;
  for (const id of ["user-name", "user-since", "user-sessions", "roles-error"]) {
    byId(id).replaceChildren();
  }
  byId("user-roles").value = "";
  byId("user-state").hidden = true;
}
