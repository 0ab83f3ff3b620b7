/** A list of sessions, one's own or somebody else's. */

import { make } from "./dom.js";
import { ago, device, exactly } from "./words.js";

/** Fills a list; `end` is called with the session whose button is pressed. The current one has none. */
export function fill(list, sessions, end) {
  const sorted = [...sessions].sort((one, other) => other.current - one.current || other.last_used_at - one.last_used_at);
  list.replaceChildren(...sorted.map((session) => row(session, end)));
}

function row(session, end) {
  const name = device(session);
  const what = make("div", { class: "what" }, make("p", {}, make("strong", {}, name)), details(session));
  if (session.current) {
    what.firstChild.append(" ", make("span", { class: "badge" }, "This device"));
    return make("li", { "data-session": session.id, "data-current": "" }, what);
  }
  const label = `Log out ${name}, last used ${ago(session.last_used_at)}`;
  const button = make("button", { class: "plain", type: "button", "aria-label": label }, "Log out");
  button.addEventListener("click", () => end(session, button));
  return make("li", { "data-session": session.id }, what, button);
}

function details({ address, last_used_at: used, created_at: created }) {
  const time = (seconds, text) =>
    make("time", { datetime: new Date(seconds * 1000).toISOString(), title: exactly(seconds) }, text);
  const parts = make("p", { class: "hint" });
  if (address) {
    parts.append(address, " · ");
  }
  parts.append("used ", time(used, ago(used)), " · since ", time(created, exactly(created)));
  return parts;
}
