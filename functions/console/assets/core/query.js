/** The query for all costs: `GET /api/cost-analysis/query`. */

import { get, withQuery } from "./api.js";
import * as usd from "./usd.js";

/**
 * @typedef {object} Question
 * @property {string} from the first day
 * @property {string} to the day after the last
 * @property {"total" | "month" | "week" | "day" | "hour"} granularity
 * @property {string[]} [groupBy] up to two of agent, model, provider, department or a tracked dimension
 * @property {Record<string, string>} [filters]
 * @property {boolean} [compare] with the period before
 * @property {string} [order]
 * @property {number} [limit]
 * @property {string} [cursor]
 *
 * @typedef {object} Row
 * @property {string} [period] a month, a week (`2026-W48`), a day, or the first instant of an hour
 * @property {Record<string, string>} group
 * @property {number | string} cost
 * @property {number} requests
 * @property {number} [inputTokens] uncached ones
 * @property {number | null} [inputCost] and other parts; null if they are not available separately
 * @property {number} [outputTokens]
 * @property {number} [unpricedRequests]
 * @property {Row & { costChangePct?: number }} [previous]
 *
 * @typedef {{ rows: Row[], totals: Row, pagination: { nextCursor: string | null } }} Answer
 */

const PATH = "/api/cost-analysis/query";

/** The path of a query. */
export function address({ from, to, granularity, groupBy = [], filters = {}, compare, order, limit, cursor }) {
  const filter = Object.fromEntries(Object.entries(filters).map(([name, value]) => [`filter[${name}]`, value]));
  const previous = compare ? "previous" : null;
  return withQuery(PATH, {
    from,
    to,
    granularity,
    groupBy: groupBy.join(","),
    ...filter,
    compare: previous,
    order,
    limit,
    cursor,
  });
}

/**
 * @param {Question} question
 * @returns {Promise<Answer>}
 */
export function ask(question) {
  return get(address(question));
}

/** All pages of a result, up to `most` rows. */
export async function askAll(question, most = 20_000) {
  const answer = await ask({ ...question, limit: 1000 });
  const rows = [...answer.rows];
  let cursor = answer.pagination.nextCursor;
  while (cursor && rows.length < most) {
    const page = await ask({ ...question, limit: 1000, cursor });
    rows.push(...page.rows);
    cursor = page.pagination.nextCursor;
  }
  return { ...answer, rows };
}

/** The exact cost of a row. */
export function costOf(row) {
  return usd.parse(row.cost);
}

/** The text of a row's group, in the requested order. */
export function groupLabel(row, groupBy) {
  return groupBy.map((name) => row.group[name]).join(" · ");
}

/** All input tokens of a row, cached or not. */
export function totalInput(row) {
  return (row.inputTokens ?? 0) + (row.cacheReadTokens ?? 0) + (row.cacheWriteTokens ?? 0);
}
