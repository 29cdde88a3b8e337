// Moments as the person's Slack shows them: in their zone, in their language.
import { store, t } from "/page/store.js";

function zone() {
  return store.seen?.me.tz || "Asia/Tokyo";
}

const formats = new Map(); // making one costs more than using it a thousand times

function formatter(locale, options) {
  const key = locale + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, options));
  return formats.get(key);
}

function format(date, options, timeZone = zone()) {
  return formatter(store.lang === "ja" ? "ja-JP" : "en-GB", { timeZone, ...options }).format(date);
}

export const at = (ts) => new Date(Number(ts) * 1000);
export const now = () => new Date(Date.now() + (store.seen?.clock.offset_seconds || 0) * 1000);
export const clockTime = (date) => format(date, { hour: "2-digit", minute: "2-digit", hour12: false });
export const dayKey = (date) => formatter("sv-SE", { timeZone: zone() }).format(date);
export const fullTime = (date) =>
  format(date, { year: "numeric", month: "long", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false });

export function dayName(date) {
  if (dayKey(date) === dayKey(now())) return t("workspace.today");
  return format(date, { month: "long", day: "numeric", weekday: "long" });
}

export function shortWhen(date) {
  const time = clockTime(date);
  return dayKey(date) === dayKey(now()) ? time : `${format(date, { month: "numeric", day: "numeric" })} ${time}`;
}

export function tokyo(date) {
  return format(date, { month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false }, "Asia/Tokyo");
}

// <!date^…>: Slack's format words.
export function slackDate(seconds, pattern) {
  const date = at(seconds);
  const words = {
    date_num: () => dayKey(date),
    date: () => format(date, { year: "numeric", month: "long", day: "numeric" }),
    date_short: () => format(date, { year: "numeric", month: "short", day: "numeric" }),
    date_long: () => format(date, { year: "numeric", month: "long", day: "numeric", weekday: "long" }),
    time: () => clockTime(date),
    time_secs: () => format(date, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }),
    ago: () => ago(date),
  };
  for (const name of ["date", "date_short", "date_long"]) {
    words[`${name}_pretty`] = () => (dayKey(date) === dayKey(now()) ? t("workspace.today") : words[name]());
  }
  words.day_divider_pretty = words.date_pretty;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => (words[name] ? words[name]() : whole));
}

function ago(date) {
  const seconds = (date - now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(store.lang, { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.round(seconds), "second");
}

export function span(seconds) {
  const days = Math.floor(seconds / 86400), hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const parts = [];
  if (days) parts.push(t("workspace.unit_days", { count: days }));
  if (hours) parts.push(t("workspace.unit_hours", { count: hours }));
  if (!days && minutes) parts.push(t("workspace.unit_minutes", { count: minutes }));
  return parts.join(store.lang === "ja" ? "" : " ");
}

// A wall time "YYYY-MM-DDTHH:mm" in a zone, as an instant; and back.
export function fromWall(wall, timeZone = zone()) {
  const guess = new Date(`${wall}Z`);
  return new Date(guess.getTime() - (new Date(`${toWall(guess, timeZone)}Z`) - guess));
}

export function toWall(date, timeZone = zone()) {
  const text = formatter("sv-SE", {
    timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(date);
  return text.replace(" ", "T");
}
