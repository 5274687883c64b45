/** The list of sessions: conversations and runs, with what each cost. */

import { get, withQuery } from "./api.js";
import { h, link } from "./dom.js";
import { badge, count, money, plural, short } from "./format.js";
import { ask, totalInput } from "./query.js";
import { href } from "./router.js";
import { table } from "./table.js";
import { plusDays, showInstant } from "./time.js";

/** Sessions are read from raw events, for at most this number of days. */
export const SESSION_DAYS = 7;

const PAGE = 50;

/** @returns {{ from: string, to: string }} the days that end with `through` */
export function sessionRange(through) {
  return { from: plusDays(through, 1 - SESSION_DAYS), to: plusDays(through, 1) };
}

/**
 * @param {{ agent?: string, order?: "cost" | "time", from: string, to: string, cursor?: string }} filters
 */
export async function listSessions({ agent, ...filters }) {
  if (agent) return sessionsOf(agent, filters);
  const path = withQuery("/api/sessions", { limit: PAGE, ...filters });
  const { sessions, pagination } = await get(path);
  return { rows: sessions, nextCursor: pagination.nextCursor };
}

/** The sessions of an agent, with the figures of its own calls. */
async function sessionsOf(agent, { from, to, cursor }) {
  const question = { from, to, granularity: "total", groupBy: ["session_id"], filters: { agent }, limit: PAGE, cursor };
  const { rows, pagination } = await ask(question);
  const named = rows.filter((row) => row.group.session_id !== "(none)");
  return {
    rows: named.map((row) => ({ id: row.group.session_id, ...row })),
    nextCursor: pagination.nextCursor,
  };
}

/** @param {any[]} rows @param {{ from: string, to: string }} range */
export function sessionTable(rows, range) {
  const open = (row) => href("sessions", { session: row.id, through: plusDays(range.to, -1) });
  return table({
    id: "sessions",
    caption: "Sessions",
    rows,
    page: rows.length || 1,
    columns: [
      { label: "Session", cell: (row) => [link(open(row), h("span", { class: "clip" }, row.id)), about(row)] },
      // For one agent, no start is shown, because the session may have begun with another agent's call.
      rows.every((row) => row.startedAt) && {
        label: "Began",
        num: true,
        wide: true,
        cell: (row) => showInstant(row.startedAt),
      },
      { label: "Calls", num: true, cell: (row) => count(row.requests) },
      { label: "Tokens", num: true, wide: true, cell: (row) => short(totalInput(row) + row.outputTokens) },
      { label: "Cost", num: true, cell: (row) => money(row.cost) },
    ].filter(Boolean),
  });
}

function about(row) {
  const parts = [
    row.agentCount > 1 && plural(row.agentCount, "agent"),
    row.toolCalls > 0 && plural(row.toolCalls, "tool call"),
    row.tasks > 0 && plural(row.tasks, "task"),
    row.errors > 0 && plural(row.errors, "error"),
  ].filter(Boolean);
  const unpriced = row.unpricedRequests > 0 && [" ", badge(`${plural(row.unpricedRequests, "call")} unpriced`, "warn")];
  return h("span", { class: "sub" }, parts.join(" · "), unpriced);
}
