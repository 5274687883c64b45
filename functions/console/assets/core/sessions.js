/** The list of sessions: conversations and runs, with what each cost. */

import { ApiError, get, withQuery } from "./api.js";
import { h, link } from "./dom.js";
import { count, money, short } from "./format.js";
import { href } from "./router.js";
import { table } from "./table.js";
import { showInstant } from "./time.js";

/**
 * @param {{ agent?: string, order?: "cost" | "time", from?: string, to?: string, cursor?: string, q?: string }} filters
 */
export async function listSessions(filters) {
  const answer = await get(withQuery("/api/sessions", { limit: 50, ...filters })).catch(explain);
  return {
    rows: answer.items ?? answer.sessions ?? [],
    nextCursor: answer.pagination?.nextCursor ?? answer.nextCursor ?? null,
  };
}

function explain(error) {
  if (error.status !== 404) throw error;
  throw new ApiError(501, {
    detail: "It has no /api/sessions yet. Costs by agent and model are complete without it.",
  });
}

export function sessionTable(rows) {
  return table({
    id: "sessions",
    caption: "Sessions",
    rows,
    page: rows.length || 1,
    columns: [
      {
        label: "Session",
        cell: (row) => [
          link(href("sessions", { session: idOf(row) }), h("span", { class: "clip" }, idOf(row))),
          h("span", { class: "sub" }, agentsOf(row).join(", ")),
        ],
      },
      {
        label: "Began",
        num: true,
        wide: true,
        cell: (row) => showInstant(row.startedAt ?? row.firstAt ?? row.first),
      },
      { label: "Calls", num: true, cell: (row) => count(row.requests ?? row.calls ?? 0) },
      { label: "Tokens", num: true, wide: true, cell: (row) => short(tokensOf(row)) },
      { label: "Cost", num: true, cell: (row) => money(row.cost) },
    ],
  });
}

export const idOf = (row) => row.id ?? row.sessionId;

function agentsOf(row) {
  return (row.agents ?? [row.agentId]).filter(Boolean).map((agent) => agent.name ?? agent.id ?? agent);
}

function tokensOf(row) {
  const names = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"];
  return row.tokens ?? names.reduce((sum, name) => sum + (row[name] ?? 0), 0);
}
