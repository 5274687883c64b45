/** Ranges of days by their names in the address. */

import { getToday, monthStart, plusDays, plusMonths, weekStart } from "../../core/time.js";

export const RANGES = [
  ["7", "last 7 days"],
  ["30", "last 30 days"],
  ["90", "last 90 days"],
  ["week", "last week"],
  ["month", "this month"],
  ["last-month", "last month"],
  ["custom", "dates"],
];

/**
 * The first day, and the day after the last.
 * @param {Record<string, string>} params
 * @returns {{ from: string, to: string }}
 */
export function rangeOf({ range = "30", from, to }) {
  const today = getToday();
  const tomorrow = plusDays(today, 1);
  switch (range) {
    case "week":
      return { from: plusDays(weekStart(today), -7), to: weekStart(today) };
    case "month":
      return { from: monthStart(today), to: tomorrow };
    case "last-month":
      return { from: plusMonths(today, -1), to: monthStart(today) };
    case "custom":
      return custom(from ?? plusDays(today, -29), to ?? today);
    default:
      return { from: plusDays(tomorrow, -(Number(range) || 30)), to: tomorrow };
  }
}

/** Dates that a person typed, in either order. */
function custom(from, through) {
  const [first, last] = from <= through ? [from, through] : [through, from];
  return { from: first, to: plusDays(last, 1) };
}
