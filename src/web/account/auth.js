/**
 * Who is logged in. The access token is in this variable and nowhere else; the refresh token is in a
 * cookie that no script can read.
 *
 * Tabs share the cookie. A lock lets one of them use it at a time, and they tell each other of logins and
 * logouts. Where there are no locks, two that refresh at once are answered the same by the server's grace.
 */

import { Refusal, send } from "./http.js";

let access;
/** Whose account the page shows, so that it never acts for whoever logged in meanwhile in another tab. */
let subject;
let refreshing;
/** Grows whenever the page goes on to somebody else or to nobody, so that late answers are nobody's. */
let turn = 0;

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("countersign") : undefined;

/** `ended`: the session is over. `in`, `out`: somebody has logged in or out in another tab. */
export const moments = new EventTarget();

channel?.addEventListener("message", ({ data }) => {
  if (data === "in" || data === "out") {
    forget();
    moments.dispatchEvent(new Event(data));
  }
});

const alone = (work) =>
  navigator.locks ? navigator.locks.request("countersign-refresh", work) : work();

function forget() {
  turn += 1;
  access = undefined;
  subject = undefined;
  refreshing = undefined;
}

/** The `sub` of a token. It is not verified here: the server does that. */
function subjectOf(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload)).sub;
}

function keep({ access_token: token }) {
  const whose = subjectOf(token);
  const isOther = subject !== undefined && subject !== whose;
  turn += isOther ? 1 : 0;
  access = token;
  subject = whose;
  return isOther;
}

/** Goes on with the session of the cookie. `false`: there is none. */
export async function resume() {
  try {
    await refresh();
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.status === 400) {
      forget();
      return false;
    }
    throw error;
  }
}

/** However many ask at once in this tab, one request is made. */
function refresh() {
  if (!refreshing) {
    const mine = renewed().finally(() => {
      if (refreshing === mine) {
        refreshing = undefined;
      }
    });
    refreshing = mine;
  }
  return refreshing;
}

async function renewed() {
  const mine = turn;
  const tokens = await alone(() => send("POST", "token", { form: { grant_type: "refresh_token" } }));
  if (mine !== turn) {
    throw new Over();
  }
  return keep(tokens);
}

/** Logs in. Throws the refusal. */
export async function login(username, password) {
  const form = { grant_type: "password", username, password };
  const tokens = await alone(() => send("POST", "token", { form }));
  forget();
  keep(tokens);
  channel?.postMessage("in");
}

/** Ends the session, here and in the other tabs. */
export async function logout() {
  await alone(() => send("POST", "logout", { token: access }));
  forget();
  channel?.postMessage("out");
}

/** The page has gone on to something else; whoever asked has nothing more to do. */
export class Over extends Error {}

function over(what) {
  moments.dispatchEvent(new Event(what));
  throw new Over();
}

/**
 * A request with the access token. If that is refused, a new one is had by the cookie, once; if there is
 * none to be had, the session is over.
 */
export async function call(method, path, json) {
  const [mine, used] = [turn, access];
  let answer = await tried(method, path, { token: used, json });
  if (answer === REFUSED && mine === turn) {
    await renew(used);
    answer = await tried(method, path, { token: access, json });
  }
  if (mine !== turn) {
    throw new Over();
  }
  if (answer === REFUSED) {
    forget();
    over("ended");
  }
  return answer;
}

const REFUSED = Symbol("the access token is refused");

async function tried(method, path, options) {
  if (!options.token) {
    return REFUSED;
  }
  try {
    return await send(method, path, options);
  } catch (error) {
    if (error.status === 401) {
      return REFUSED;
    }
    throw error;
  }
}

async function renew(used) {
  // Another request may have had a new one meanwhile.
  if (access !== used && access) {
    return;
  }
  const mine = turn;
  let isOther = false;
  try {
    isOther = await refresh();
  } catch (error) {
    if (mine !== turn) {
      throw new Over();
    }
    if (error.status === 400) {
      forget();
      over("ended");
    }
    throw error;
  }
  if (isOther) {
    over("in");
  }
}
