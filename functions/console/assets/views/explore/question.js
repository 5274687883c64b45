/** Reads the query from the address. */

import { MEASURES } from "./measures.js";
import { rangeOf } from "./range.js";

const GROUPS = [
  ["agent", "agent"],
  ["model", "model"],
  ["provider", "provider"],
  ["department", "department"],
  ["project_id", "project"],
  ["task_type", "task type"],
  ["end_user", "end user"],
  ["session_id", "session"],
  ["service_tier", "service tier"],
  ["region", "region"],
  ["hostname", "host"],
];

export const STEPS = [
  ["total", "total only"],
  ["month", "month"],
  ["week", "week"],
  ["day", "day"],
  ["hour", "hour"],
];

/** The prefix of a filter's name in the address. */
export const FILTER = "filter.";

export function questionOf(params) {
  const filters = Object.entries(params)
    .filter(([name]) => name.startsWith(FILTER))
    .map(([name, value]) => [name.slice(FILTER.length), value]);
  return {
    ...rangeOf(params),
    granularity: STEPS.some(([value]) => value === params.by) ? params.by : "day",
    groupBy: [params.group ?? "agent", params.then].filter((one) => one && one !== "none"),
    filters: Object.fromEntries(filters),
    compare: params.compare === "1",
    measure: MEASURES[params.measure] ? params.measure : "cost",
  };
}

/** The dimensions to group by, including those that the organization tracks. */
export function groupsOf(params, organization) {
  const tracked = (organization?.dimensions ?? []).map((one) => [one, one.replace(/^tag\./, "")]);
  const named = [params.group, params.then]
    .filter((one) => one && one !== "none")
    .map((one) => [one, one.replaceAll("_", " ")]);
  return [...new Map([...GROUPS, ...tracked, ...named].reverse()).entries()].reverse();
}
