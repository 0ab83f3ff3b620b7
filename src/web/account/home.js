/** One's own account: who one is, and where one is logged in. */

import { call } from "./auth.js";
import { confirmed } from "./dialog.js";
import { busy, byId, onPress } from "./dom.js";
import { fill } from "./sessions.js";
import { attempt, say, show } from "./view.js";
import { device } from "./words.js";

/** What its buttons do. */
export function watchHome() {
  onPress("end-others", () =>
    attempt(async () => {
      const text = "Everything but this device is logged out at once.";
      if (await confirmed("Log out all others?", text, "Log out all others")) {
        const { ended } = await call("DELETE", "sessions?except=current");
        await listSessions();
        say(ended === 1 ? "One other device is logged out." : `${ended} other devices are logged out.`);
        byId("sessions-title").focus();
      }
    }),
  );
}

/** Shows the account of whoever is logged in. */
export async function showHome(me) {
  show("account", "Account");
  byId("who").textContent = me.username;
  byId("roles").textContent = me.roles.join(", ") || "none";
  // As what the form begins with: emptying the form must not take it away.
  byId("password-for").defaultValue = me.username;
  await attempt(listSessions);
}

/** Reads the sessions anew. */
export async function listSessions() {
  const { sessions } = await call("GET", "sessions");
  fill(byId("sessions"), sessions, endOne);
  byId("end-others").hidden = sessions.length < 2;
}

function endOne(session, button) {
  return busy(button, () =>
    attempt(async () => {
      // Somebody else may have ended it meanwhile.
      await call("DELETE", `sessions/${encodeURIComponent(session.id)}`).catch((error) => {
        if (error.status !== 404) {
          throw error;
        }
      });
      await listSessions();
      say(`${device(session)} is logged out.`);
      byId("sessions-title").focus();
    }),
  );
}

/** Leaves nothing of it for whoever comes next. */
export function clearHome() {
  for (const id of ["who", "roles", "sessions"]) {
    byId(id).replaceChildren();
  }
  byId("password-for").defaultValue = "";
}
