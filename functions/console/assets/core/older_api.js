/** Answers a question about costs with the endpoints that were there before `/api/cost-analysis/query`. */

import { ApiError, get, withQuery } from "./api.js";
import { days, daysBetween, getToday, monthOf, plusDays, weekOf } from "./time.js";
import * as usd from "./usd.js";

/** The endpoints have windows that end today. */
const LONGEST = { usage: 90, chart: 365 };
/** Agents with a series of their own: each costs a request. */
const AGENTS = 8;

/**
 * @param {import("./query.js").Question} question
 * @returns {Promise<import("./query.js").Answer>}
 */
export async function olderApi(question) {
  const { groupBy = [], filters = {}, granularity } = question;
  const only = Object.keys(filters);
  if (granularity === "hour" || groupBy.length > 1 || only.some((name) => name !== "agent")) throw unsupported();
  const by = groupBy[0];
  if (granularity === "total" && (by === "model" || by === "provider" || by === "agent") && only.length === 0)
    return totals(question, by);
  if (by === undefined) return series(question, filters.agent);
  if (by === "agent" && only.length === 0) return agentSeries(question);
  throw unsupported();
}

function unsupported() {
  return new ApiError(501, {
    detail:
      "It has no /api/cost-analysis/query yet. Without it, costs are shown by day, and in total by agent, model or provider.",
  });
}

/** The number of days of a window that ends today. */
function windowTo(from, longest) {
  const length = daysBetween(from, getToday()) + 1;
  if (length > longest)
    throw new ApiError(501, {
      detail: `Without /api/cost-analysis/query, a range may begin up to ${longest} days ago.`,
    });
  return length;
}

/** One series, of all agents or of one. */
async function series(question, agent) {
  const { from, to, granularity, compare } = question;
  const earliest = compare ? plusDays(from, -daysBetween(from, to)) : from;
  const points = agent ? await chart(earliest, agent) : await daily(earliest);
  const rows = folded(points, days(from, to), granularity, {});
  if (compare) addPrevious(rows, folded(points, days(earliest, from), granularity, {}));
  return answer(rows);
}

async function daily(from) {
  const length = Math.max(windowTo(from, LONGEST.usage), 7);
  const { points } = await get(`/v1/metrics/usage?days=${length}`);
  return new Map(
    points.map((point) => [
      point.date,
      {
        cost: usd.parse(point.estimated_cost_usd),
        requests: point.requests,
        inputTokens: point.tokens_in,
        outputTokens: point.tokens_out,
        unpricedRequests: point.unpriced_requests,
      },
    ]),
  );
}

async function chart(from, agent) {
  const length = windowTo(from, LONGEST.chart);
  const { points } = await get(withQuery("/v1/billing/usage/chart", { days: length, instance_id: agent }));
  return new Map(
    points.map((point) => [
      point.date,
      {
        cost: usd.parse(point.cost_usd),
        requests: point.requests,
        inputTokens: point.tokens,
        outputTokens: 0,
        unpricedRequests: point.unpriced_requests,
      },
    ]),
  );
}

const NOTHING = { cost: 0n, requests: 0, inputTokens: 0, outputTokens: 0, unpricedRequests: 0 };

function add(a, b, sign = 1) {
  const plus = (x, y) => (typeof x === "bigint" ? x + BigInt(sign) * y : x + sign * y);
  return Object.fromEntries(Object.keys(NOTHING).map((name) => [name, plus(a[name], b[name])]));
}

/** A row for each period of the days. */
function folded(points, all, granularity, group) {
  const start = { total: () => undefined, month: monthOf, week: weekOf, day: (day) => day }[granularity];
  const periods = new Map();
  for (const day of all) {
    const period = start(day);
    periods.set(period, add(periods.get(period) ?? NOTHING, points.get(day) ?? NOTHING));
  }
  return [...periods].map(([period, figures]) => row(figures, group, period));
}

function row(figures, group, period) {
  return { ...(period === undefined ? {} : { period }), group, ...figures, cost: decimal(figures.cost) };
}

/** As the API writes money. */
function decimal(amount) {
  return usd.exact(amount).replace("$", "").replace("−", "-").replaceAll(",", "");
}

function addPrevious(rows, previous) {
  rows.forEach((one, at) => (one.previous = previous[at] ?? row(NOTHING, one.group)));
}

function answer(rows, isPartial) {
  const figures = rows.map((one) => ({ ...one, cost: usd.parse(one.cost) }));
  return {
    rows,
    totals: row(
      figures.reduce((sum, one) => add(sum, one), NOTHING),
      {},
    ),
    isPartial,
  };
}

/** The agents that cost most, each with a request of its own, and the others together. */
async function agentSeries(question) {
  const { from, to, granularity, compare } = question;
  const [all, { agents }] = await Promise.all([series({ ...question, groupBy: [] }), get("/api/cost-analysis/agents")]);
  const dearest = agents.filter((agent) => agent.actualCost > 0).slice(0, AGENTS);
  const parts = await Promise.all(
    dearest.map(async ({ id }) => {
      const { rows } = await series({ from, to, granularity, compare }, id);
      return rows.map((one) => ({ ...one, group: { agent: id } }));
    }),
  );
  const rest = all.rows.map((one, at) =>
    minus(
      one,
      parts.map((part) => part[at]),
    ),
  );
  const rows = [...parts.flat(), ...(agents.length > dearest.length ? rest : [])];
  return { ...answer(rows), totals: all.totals };
}

function minus(total, parts) {
  const figures = (one) => ({ ...NOTHING, ...one, cost: usd.parse(one?.cost) });
  const left = (whole, some) => decimalRow(some.reduce((sum, one) => add(sum, figures(one), -1), figures(whole)));
  const group = { agent: "(other)" };
  const previous = total.previous && {
    previous: left(
      total.previous,
      parts.map((part) => part.previous),
    ),
  };
  return { ...total, ...left(total, parts), group, ...previous };
}

function decimalRow(figures) {
  return { ...figures, cost: decimal(figures.cost) };
}

/** Totals of a range that ends today. What came before is the difference to a window of twice the length. */
async function totals({ from, to, compare }, by) {
  if (to <= getToday())
    throw new ApiError(501, {
      detail:
        "Without /api/cost-analysis/query, totals by agent, model and provider are those of a range that ends today.",
    });
  const length = Math.max(windowTo(from, compare ? LONGEST.usage / 2 : LONGEST.usage), 7);
  const now = await window(length, by);
  const both = compare ? await window(length * 2, by) : null;
  const names = new Set([...now.keys(), ...(both?.keys() ?? [])]);
  const rows = [...names].map((name) => {
    const figures = now.get(name) ?? NOTHING;
    const previous = both && { previous: row(add(both.get(name) ?? NOTHING, figures, -1), {}) };
    return { ...row(figures, { [by]: name }), ...previous };
  });
  rows.sort((a, b) => Number(usd.parse(b.cost) - usd.parse(a.cost)));
  return answer(rows, length === daysBetween(from, to) ? undefined : "The shortest range is seven days.");
}

async function window(length, by) {
  const rows =
    by === "agent"
      ? (await get(`/v1/metrics/instances?days=${length}`)).instances
      : (await get(`/v1/metrics/models?days=${length}`)).models;
  const groups = new Map();
  for (const one of rows) {
    const name = by === "agent" ? one.instance_id : one[by];
    const figures = {
      cost: usd.parse(one.estimated_cost_usd),
      requests: one.request_count,
      inputTokens: one.tokens_in ?? one.total_tokens,
      outputTokens: one.tokens_out ?? 0,
      unpricedRequests: one.unpriced_requests,
    };
    groups.set(name, add(groups.get(name) ?? NOTHING, figures));
  }
  for (const [name, figures] of groups) if (figures.requests === 0) groups.delete(name);
  return groups;
}
