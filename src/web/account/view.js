/** Which view is shown, and what is said above it. */

import { Over } from "./auth.js";
import { byId } from "./dom.js";
import { Refusal } from "./http.js";

const VIEWS = ["loading", "failed", "login", "account", "users", "user"];

/** What is to be said when the next view is there. */
let next = "";

/** Shows one view; what was said about the last one goes. */
export function show(name, title) {
  for (const view of VIEWS) {
    byId(`${view}-view`).hidden = view !== name;
  }
  document.title = title;
  say(next);
  next = "";
  const pages = { "to-account": ["account"], "to-users": ["users", "user"] };
  for (const [link, views] of Object.entries(pages)) {
    if (views.includes(name)) {
      byId(link).setAttribute("aria-current", "page");
    } else {
      byId(link).removeAttribute("aria-current");
    }
  }
}

/** What this person can go to: nothing, unless they are logged in. */
export function navigation(me) {
  byId("nav").hidden = !me;
  byId("log-out").hidden = !me;
  byId("to-users").hidden = !me?.roles.includes("admin");
}

/** Says that something was done. */
export function say(text) {
  byId("status").textContent = text;
  byId("alert").textContent = "";
}

/** Says it when the next view is there. */
export function sayNext(text) {
  next = text;
}

/** Says that something went wrong. */
export function warn(text) {
  byId("status").textContent = "";
  byId("alert").textContent = text;
}

/** Why something failed, if anybody is still to be told; what is no refusal is a mistake of ours. */
export function reason(error) {
  if (error instanceof Over) {
    return "";
  }
  if (error instanceof Refusal) {
    return error.sentence;
  }
  throw error;
}

/** Does something that may be refused, and says so above the view. */
export async function attempt(work) {
  try {
    await work();
  } catch (error) {
    const text = reason(error);
    if (text) {
      warn(text);
    }
  }
}
