/** The measures: how to read them from a row, and how to show them. */

import { count, money, short } from "../../core/format.js";
import { totalInput } from "../../core/query.js";
import * as usd from "../../core/usd.js";

const dollars = (label, name) => ({
  label,
  value: (row) => usd.toFloat(usd.parse(row[name])),
  show: (row) => (row[name] === null || row[name] === undefined ? "–" : money(row[name])),
  format: (value) => usd.format(usd.parse(value.toFixed(12))),
  axis: usd.compact,
});

const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

const number = (label, value) => ({
  label,
  value,
  show: (row) => (value(row) === null ? "–" : short(Math.round(value(row)))),
  format: (one) => count(one),
  axis: (one) => SHORT.format(one),
});

const field = (name) => (row) => row[name] ?? 0;

/** The measures by their names in the address. */
export const MEASURES = {
  cost: dollars("Cost", "cost"),
  inputCost: dollars("Cost of input", "inputCost"),
  outputCost: dollars("Cost of output", "outputCost"),
  cacheReadCost: dollars("Cost of cache reads", "cacheReadCost"),
  cacheWriteCost: dollars("Cost of cache writes", "cacheWriteCost"),
  unitCost: dollars("Cost of units", "unitCost"),
  requests: number("Calls", field("requests")),
  errors: number("Errors", field("errors")),
  allInput: number("Input tokens", totalInput),
  outputTokens: number("Output tokens", field("outputTokens")),
  cacheReadTokens: number("Tokens read from a cache", field("cacheReadTokens")),
  tasks: number("Tasks", field("tasks")),
  costPerTask: dollars("Cost per task", "costPerTask"),
  avgResponseMs: { ...number("Mean latency, ms", field("avgResponseMs")) },
  unpricedRequests: number("Calls without a price", field("unpricedRequests")),
};

/** Whether groups add up to their total. */
export function additive(name) {
  return name !== "costPerTask" && name !== "avgResponseMs";
}
