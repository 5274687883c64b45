/** Days and instants in the organization's time zone. A day is a text such as `2026-11-28`. */

const DAY_MS = 86_400_000;

/** The organization's time zone, once it is known. */
let zone = "UTC";

/** Today in that zone, by the clock of the API, because the clock of a local stack may be frozen. */
let today = null;

export function setZone(name) {
  zone = name;
}

export function getZone() {
  return zone;
}

export function setToday(day) {
  today = day;
}

export function getToday() {
  return today ?? dayOf(Date.now());
}

/** @returns {string} the day of an instant */
export function dayOf(instant) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return parts.format(new Date(instant));
}

/** @param {string} day @param {number} days */
export function plusDays(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** How many days `to` is after `from`. */
export function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);
}

/** @returns {string[]} the days from `from` up to, not including, `to` */
export function days(from, to) {
  return Array.from({ length: Math.max(daysBetween(from, to), 0) }, (_, at) => plusDays(from, at));
}

/** @param {string} day or month */
export function monthOf(day) {
  return day.slice(0, 7);
}

export function monthStart(day) {
  return `${monthOf(day)}-01`;
}

/** The first day of the month that is `months` away. */
export function plusMonths(day, months) {
  const [year, month] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

/** The Monday of a day's week. */
export function weekStart(day) {
  return plusDays(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));
}

/** The ISO week of a day, such as `2026-W48`: weeks belong to the year of their Thursday. */
export function weekOf(day) {
  const thursday = plusDays(weekStart(day), 3);
  const year = thursday.slice(0, 4);
  const week = Math.floor(daysBetween(`${year}-01-01`, thursday) / 7) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}

function formatter(options, timeZone) {
  return new Intl.DateTimeFormat("en-US", { ...options, timeZone });
}

/** "Nov 28", with the year unless it is the current one. */
export function showDay(day) {
  const year = day.slice(0, 4) === getToday().slice(0, 4) ? undefined : "numeric";
  return formatter({ month: "short", day: "numeric", year }, "UTC").format(new Date(`${day}T00:00:00Z`));
}

/** "November 2026" */
export function showMonth(month) {
  return formatter({ month: "long", year: "numeric" }, "UTC").format(new Date(`${month.slice(0, 7)}-01T00:00:00Z`));
}

/** "Nov 28, 14:05" in the organization's zone. */
export function showInstant(instant) {
  const options = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const date = new Date(instant);
  const year = String(date.getUTCFullYear()) === getToday().slice(0, 4) ? undefined : "numeric";
  return formatter({ ...options, year }, zone).format(date);
}

/** "14:05:09" */
export function showTime(instant) {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  return formatter(options, zone).format(new Date(instant));
}

/** "5 minutes ago" */
export function ago(instant) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(instant)) / 1000));
  const [size, unit] = [
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ].find(([size]) => seconds >= size) ?? [1, "second"];
  const value = Math.floor(seconds / size);
  return `${value} ${unit}${value === 1 ? "" : "s"} ago`;
}
