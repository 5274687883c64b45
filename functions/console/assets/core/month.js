/** The month so far, its forecast, and the cost of the previous month up to the same day. */

import { get } from "./api.js";
import { daysBetween, getToday, monthStart, plusDays, plusMonths, showDay } from "./time.js";
import * as usd from "./usd.js";

/** The number of full days that a forecast is based on, as in alerts. */
const BASIS = 7;

export async function monthToDate() {
  const { points } = await get("/v1/metrics/usage?days=90");
  return toDate(points, getToday());
}

/**
 * @param {{ date: string, estimated_cost_usd: string, requests: number }[]} points the days up to today
 * @param {string} today
 */
export function toDate(points, today) {
  const start = monthStart(today);
  const costs = new Map(points.map((point) => [point.date, usd.parse(point.estimated_cost_usd)]));
  const between = (from, to) => usd.sum([...costs].filter(([day]) => day >= from && day <= to).map(([, cost]) => cost));
  const cost = between(start, today);
  const beforeStart = plusMonths(start, -1);
  // The 31st has no counterpart in a month of 30 days: then the whole previous month is compared.
  const sameDay = plusDays(beforeStart, daysBetween(start, today));
  const beforeEnd = sameDay < start ? sameDay : plusDays(start, -1);
  const hasHistory = points.some((point) => point.requests > 0 && point.date <= plusDays(today, -BASIS));
  const daysLeft = daysBetween(today, plusMonths(start, 1)) - 1;
  const basis = between(plusDays(today, -BASIS), plusDays(today, -1));
  return {
    cost,
    before: between(beforeStart, beforeEnd),
    beforeLabel:
      beforeEnd > beforeStart ? `${showDay(beforeStart)} to ${Number(beforeEnd.slice(8))}` : showDay(beforeStart),
    forecast: hasHistory ? cost + (basis * BigInt(daysLeft)) / BigInt(BASIS) : null,
  };
}
