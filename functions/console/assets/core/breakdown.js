/** Turns rows of a result into series of a chart: the largest groups, and the rest combined. */

import { costOf, groupLabel } from "./query.js";
import { days, monthOf, showDay, showInstant, showMonth, weekOf } from "./time.js";
import * as usd from "./usd.js";

/** The most series: as many as there are colors. */
const SERIES = 7;

/** The period that a day belongs to, as the API writes it. */
export const PERIODS = { day: (day) => day, week: weekOf, month: monthOf };

/**
 * @param {import("./query.js").Row[]} rows
 * @param {{ from: string, to: string }} range
 * @param {"day" | "week" | "month" | "hour"} granularity
 * @param {string[]} groupBy without a grouping there is a single series
 * @param {(row: any) => number} [measure]
 */
export function breakdown(rows, range, granularity, groupBy, measure = (row) => usd.toFloat(costOf(row))) {
  const labels = labelsOf(rows, range, granularity);
  const periods = [...labels.keys()];
  const groups = new Map();
  for (const row of rows) {
    const name = groupLabel(row, groupBy) || "Total";
    const values = groups.get(name) ?? new Map();
    values.set(row.period, (values.get(row.period) ?? 0) + measure(row));
    groups.set(name, values);
  }
  const total = (values) => [...values.values()].reduce((sum, value) => sum + value, 0);
  const isRest = (name) => name === "(other)";
  const ordered = [...groups]
    .filter(([, values]) => total(values) !== 0)
    .sort((a, b) => isRest(a[0]) - isRest(b[0]) || total(b[1]) - total(a[1]));
  const shown = ordered.filter(([name]) => !isRest(name)).slice(0, SERIES);
  const others = ordered.filter((one) => !shown.includes(one));
  const series = shown.map(([label, values]) => ({
    label,
    values: periods.map((period) => values.get(period) ?? 0),
  }));
  if (others.length > 0) {
    const values = periods.map((period) => others.reduce((sum, [, one]) => sum + (one.get(period) ?? 0), 0));
    series.push({ label: "Other", values, isRest: true });
  }
  return { labels: [...labels.values()], series };
}

/** Every period of the range with its label, so that one without calls shows as a gap. A week is labeled by its first day. */
function labelsOf(rows, { from, to }, granularity) {
  const period = PERIODS[granularity];
  if (!period)
    return new Map(
      rows
        .map((row) => row.period)
        .sort()
        .map((hour) => [hour, showInstant(hour)]),
    );
  const labels = new Map();
  for (const day of days(from, to)) {
    if (!labels.has(period(day))) labels.set(period(day), granularity === "month" ? showMonth(day) : showDay(day));
  }
  return labels;
}
