/** How devices and times are told to people. */

/** The texts are English, so the times are too: this reader's kind, if they have one. */
const LANGUAGE = navigator.languages.find((one) => one.startsWith("en")) ?? "en";
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium" });

const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** Most specific first: each browser claims to be those below it too. */
const BROWSERS = [["Edg", "Edge"], ["OPR/", "Opera"], ["SamsungBrowser", "Samsung Internet"], ["Firefox", "Firefox"], ["FxiOS", "Firefox"], ["CriOS", "Chrome"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["CrOS", "ChromeOS"], ["Mac OS X", "Mac"], ["Linux", "Linux"]];

/** What a session's device is called: by itself, or by what its browser says. */
export function device({ name, user_agent: agent }) {
  if (name) {
    return name;
  }
  if (!agent) {
    return "Unknown device";
  }
  const known = (names) => names.find(([mark]) => agent.includes(mark))?.[1];
  const [browser, system] = [known(BROWSERS), known(SYSTEMS)];
  if (browser && system) {
    return `${browser} on ${system}`;
  }
  return browser ?? agent.split(" ")[0].slice(0, 40);
}

/** A time in seconds since 1970, as people say it. */
export function ago(seconds) {
  const passed = Math.max(0, Date.now() / 1000 - seconds);
  const unit = UNITS.find(([, length]) => passed >= length);
  return unit ? relative.format(-Math.floor(passed / unit[1]), unit[0]) : "just now";
}

/** The same, exactly. */
export const exactly = (seconds) => absolute.format(new Date(seconds * 1000));

/** The day of it. */
export const dayOf = (seconds) => day.format(new Date(seconds * 1000));

/** How long to wait. */
export function wait(seconds) {
  const count = (number, unit) => `${number} ${unit}${number === 1 ? "" : "s"}`;
  return seconds < 120 ? count(seconds, "second") : count(Math.ceil(seconds / 60), "minute");
}

/** The words of a text, each once. */
export const wordsOf = (text) => [...new Set(text.split(/[\s,]+/).filter(Boolean))];
