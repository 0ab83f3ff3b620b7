/** All users, for an admin: found by part of a name, page by page. */

import { call } from "./auth.js";
import { tell } from "./dialog.js";
import { byId, complain, empty, make, onPress, onSubmit } from "./dom.js";
import { attempt, reason, show } from "./view.js";
import { dayOf, wordsOf } from "./words.js";

/** How long somebody has to have stopped typing, in milliseconds. */
const PAUSE = 250;
const PAGE = 50;

let next = null;
let timer;
/** Which search is the last one; answers to others come too late. */
let asked = 0;

/** What its fields and buttons do. */
export function watchUsers() {
  const now = () => {
    clearTimeout(timer);
    void attempt(() => list());
  };
  byId("search").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE);
  });
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    now();
  });
  onPress("more-users", () =>
    attempt(async () => {
      const first = await list(next);
      first?.querySelector("a").focus();
    }),
  );
  const dialog = byId("add-dialog");
  byId("add-user").addEventListener("click", () => dialog.showModal());
  byId("add-no").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => empty(byId("add-form")));
  onSubmit(byId("add-form"), add);
}

/** Shows them, those that were searched for. */
export async function showUsers() {
  show("users", "Users");
  await attempt(() => list());
}

/** Shows the first page, or adds the one after `after`; returns its first row. */
async function list(after = null) {
  asked += 1;
  const mine = asked;
  const query = new URLSearchParams({ limit: PAGE });
  const part = byId("search").value.trim();
  if (part) {
    query.set("search", part);
  }
  if (after !== null) {
    query.set("after", after);
  }
  const page = await call("GET", `admin/users?${query}`);
  if (mine !== asked) {
    return undefined;
  }
  const rows = page.users.map(row);
  const body = byId("users-rows");
  if (after === null) {
    body.replaceChildren(...rows);
  } else {
    body.append(...rows);
  }
  next = page.next;
  byId("more-users").hidden = next === null;
  byId("users").hidden = body.children.length === 0;
  byId("users-found").textContent = found(body.children.length, part);
  return rows[0];
}

function found(count, part) {
  if (count === 0) {
    return "Nobody has that in their name.";
  }
  const users = count === 1 ? "1 user" : `${count} users`;
  const which = next === null ? users : `The first ${users}`;
  return part ? `${which} with “${part}” in the name` : which;
}

function row({ id, username, roles, disabled, created_at: created }) {
  const name = make("a", { href: `#users/${id}` }, username);
  const state = disabled ? make("span", { class: "badge bad" }, "Disabled") : "Enabled";
  return make(
    "tr",
    { "data-user": id },
    make("th", { scope: "row" }, name),
    make("td", {}, roles.join(", ") || "–"),
    make("td", {}, state),
    make("td", { class: "wide" }, dayOf(created)),
  );
}

async function add() {
  const name = byId("new-username");
  byId("add-error").textContent = "";
  let added;
  try {
    const body = { username: name.value.trim(), roles: wordsOf(byId("new-roles").value) };
    added = await call("POST", "admin/users", body);
  } catch (error) {
    const isRoles = error.description?.startsWith("roles");
    complain("add-error", isRoles ? byId("new-roles") : name, reason(error));
    return;
  }
  byId("add-dialog").close();
  await tell(`The password of ${added.username}`, added.password);
  location.hash = `#users/${added.id}`;
}

/** Leaves nothing of it for whoever comes next. */
export function clearUsers() {
  clearTimeout(timer);
  asked += 1;
  next = null;
  byId("search").value = "";
  byId("users-rows").replaceChildren();
  byId("users-found").textContent = "";
}
