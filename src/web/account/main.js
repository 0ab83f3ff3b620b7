/** Begins, and goes from view to view as people log in, look around and log out. */

import { call, logout, moments, resume } from "./auth.js";
import { closeAll, watchDialogs } from "./dialog.js";
import { byId, onPress, watchPasswords } from "./dom.js";
import { clearHome, listSessions, showHome, watchHome } from "./home.js";
import { showLogin, watchLogin } from "./login.js";
import { watchPassword } from "./password.js";
import { clearUser, showUser, watchUser } from "./user.js";
import { clearUsers, showUsers, watchUsers } from "./users.js";
import { attempt, navigation, reason, show } from "./view.js";

/** Who is logged in, as the server says. */
let me;

/** Finds out who is logged in. */
async function begin() {
  leave();
  show("loading", "Account");
  try {
    if (await resume()) {
      await enter();
    } else {
      showLogin();
    }
  } catch (error) {
    fail(error);
  }
}

/** Shows whoever is logged in what they came for. */
async function enter() {
  try {
    me = await call("GET", "me");
    navigation(me);
    await go();
  } catch (error) {
    fail(error);
  }
}

/** Nothing can be shown now, and it can be tried again. */
function fail(error) {
  const text = reason(error);
  if (text) {
    show("failed", "Not now");
    byId("failed-text").textContent = text;
    byId("failed-title").focus();
  }
}

/** Shows the view that the URL names; what it does not name, or one may not see, is one's account. */
async function go() {
  const [place, id] = location.hash.slice(1).split("/");
  const isAdmin = me.roles.includes("admin");
  if (place === "users" && isAdmin && id) {
    await showUser(id, me);
    byId("user-title").focus();
  } else if (place === "users" && isAdmin) {
    await showUsers();
    byId("users-title").focus();
  } else {
    await showHome(me);
    byId("account-title").focus();
  }
}

/** Forgets whoever was logged in. */
function leave() {
  me = undefined;
  closeAll();
  clearHome();
  clearUsers();
  clearUser();
  navigation();
}

function out(sentence) {
  leave();
  history.replaceState(null, "", location.pathname);
  showLogin(sentence);
}

watchPasswords();
watchDialogs();
watchLogin(enter);
watchPassword(out);
watchHome();
watchUsers();
watchUser();

onPress("retry", begin);
onPress("log-out", () =>
  attempt(async () => {
    await logout();
    out("You are logged out.");
  }),
);

moments.addEventListener("ended", () => {
  leave();
  showLogin("Your session has ended. Log in again to go on.");
});
moments.addEventListener("out", () => out("You have logged out in another tab."));
moments.addEventListener("in", () => void begin());

addEventListener("hashchange", () => {
  if (me) {
    void go();
  }
});
// What was ended elsewhere shows as soon as somebody looks.
document.addEventListener("visibilitychange", () => {
  if (me && document.visibilityState === "visible") {
    // Where somebody is about to press a button, nothing moves.
    const isThere = byId("sessions").contains(document.activeElement);
    void (isThere ? call("GET", "sessions") : listSessions()).catch(() => {});
  }
});
// A page from the browser's memory may be of somebody who has logged out since.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    void begin();
  }
});

void begin();
