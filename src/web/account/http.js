/** Requests to this server, and why they are refused. */

import { wait } from "./words.js";

/** Where this page is mounted. */
const BASE = new URL(".", document.baseURI);

/** An answer that is not the one hoped for; a status of 0 means that there was none. */
export class Refusal extends Error {
  constructor(status, body, seconds) {
    super(`HTTP ${status}`);
    this.status = status;
    this.error = body?.error ?? "";
    this.description = body?.error_description ?? "";
    this.seconds = seconds;
  }

  /** What a person is told, unless the place knows better. */
  get sentence() {
    switch (this.status) {
      case 0:
        return "The server cannot be reached. Try again when you are online.";
      case 429:
        return `Too many attempts. Try again in ${wait(this.seconds)}.`;
      case 503:
        if (this.error === "not_revoked") {
          return `${this.description}.`;
        }
        return "The server cannot answer right now. Try again in a moment.";
      default:
        return this.description ? `${this.description}.` : "Something went wrong. Try again.";
    }
  }
}

/** Sends a request and returns the JSON of its answer, if there is any. */
export async function send(method, path, { token, form, json } = {}) {
  const headers = new Headers({ Accept: "application/json" });
  if (token) {
    headers.set("Authorization", `Bearer ${token}`);
  }
  let body;
  if (form) {
    body = new URLSearchParams(form);
  } else if (json) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(json);
  }
  let response;
  let answer;
  try {
    const options = { method, headers, body, credentials: "same-origin", cache: "no-store", redirect: "error" };
    response = await fetch(new URL(path, BASE), options);
    answer = parsed(await response.text());
  } catch {
    throw new Refusal(0);
  }
  if (response.ok) {
    return answer;
  }
  throw new Refusal(response.status, answer, Number(response.headers.get("Retry-After")) || 1);
}

/** What a proxy answers may be no JSON. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
