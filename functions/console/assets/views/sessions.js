/** Dearest and latest sessions, and one of them as a tree of calls and tools with its running cost. */

import { get, segment } from "../core/api.js";
import { button, h, link } from "../core/dom.js";
import { field } from "../core/form.js";
import { badge, count, money, plural, short } from "../core/format.js";
import { kpi, page, panel } from "../core/panel.js";
import { href, setParams } from "../core/router.js";
import { listSessions, sessionTable } from "../core/sessions.js";
import { getToday, plusDays, showInstant, showTime } from "../core/time.js";
import * as usd from "../core/usd.js";

const ORDERS = [
  ["cost", "dearest first"],
  ["time", "latest first"],
];

export async function view({ params }) {
  return params.session ? one(params.session) : all(params);
}

function all(params) {
  const filter = (name) => (event) => setParams({ [name]: event.target.value, cursor: null }, { replace: true });
  const from = params.from ?? plusDays(getToday(), -30);
  return page(
    { title: "Sessions", note: "Calls that name the same session or conversation" },
    panel({
      needs: "costs:read",
      load: async () => {
        const { rows, nextCursor } = await listSessions({
          agent: params.agent,
          order: params.order ?? "cost",
          from,
          to: params.to,
          cursor: params.cursor,
        });
        return [
          h(
            "div",
            { class: "filters" },
            field({
              label: "Agent",
              id: "sessions-agent",
              value: params.agent ?? "",
              placeholder: "any",
              onchange: filter("agent"),
            }),
            field({
              label: "From",
              id: "sessions-from",
              type: "date",
              value: from,
              onchange: filter("from"),
            }),
            field({
              label: "To",
              id: "sessions-to",
              type: "date",
              value: params.to ?? "",
              onchange: filter("to"),
            }),
            field({
              label: "Order",
              id: "sessions-order",
              choices: ORDERS,
              value: params.order ?? "cost",
              onchange: filter("order"),
            }),
          ),
          rows.length > 0
            ? sessionTable(rows)
            : h(
                "div",
                { class: "state" },
                h("strong", null, "No sessions"),
                h(
                  "p",
                  null,
                  "Send ",
                  h("code", null, "session_id"),
                  " or ",
                  h("code", null, "conversation_id"),
                  " with a call, or use an OpenTelemetry SDK, which does so by itself. ",
                  link(href("sources"), "How to connect"),
                ),
              ),
          nextCursor &&
            h(
              "div",
              { class: "pager" },
              button("Next", () => setParams({ cursor: nextCursor })),
            ),
        ];
      },
    }),
  );
}

function one(id) {
  return page(
    { title: id, above: [link(href("sessions"), "Sessions"), " /"] },
    panel({
      needs: "costs:read",
      load: async () => {
        const session = await get(`/api/sessions/${segment(id)}`);
        const tree = treeOf(session);
        return [
          h("div", { class: "kpis" }, cards(session)),
          h("h3", null, "Calls and tools, with the cost so far"),
          drawn(tree, { total: 0n }),
        ];
      },
    }),
  );
}

function cards(session) {
  return [
    kpi({
      label: "Cost",
      value: money(session.cost),
      note: session.unpricedRequests > 0 && badge(`${plural(session.unpricedRequests, "call")} unpriced`, "warn"),
    }),
    kpi({ label: "Calls", value: count(session.requests ?? session.calls?.length ?? 0) }),
    kpi({ label: "Began", value: showInstant(session.startedAt ?? session.firstAt ?? session.first) }),
  ];
}

/**
 * Its events by agent: sub-agents below the agents that started them.
 * @returns {{ agent: string, entries: any[], children: any[] }[]}
 */
function treeOf(session) {
  const entries = session.items ?? session.events ?? session.calls ?? [];
  const nodes = new Map();
  const node = (agent) =>
    nodes.get(agent) ?? nodes.set(agent, { agent, parent: null, entries: [], children: [] }).get(agent);
  for (const entry of entries) {
    const at = node(entry.agentId ?? entry.agent ?? "");
    at.entries.push(entry);
    const parent = entry.parentAgentId ?? entry.parentAgent;
    if (parent && parent !== at.agent) at.parent ??= parent;
  }
  for (const agent of session.agents ?? []) if (agent.parentAgentId) node(agent.id).parent ??= agent.parentAgentId;
  const roots = [];
  for (const one of nodes.values())
    (one.parent && nodes.has(one.parent) ? nodes.get(one.parent).children : roots).push(one);
  return roots;
}

function drawn(nodes, running) {
  return h(
    "ul",
    { class: "tree" },
    nodes.map((node) =>
      h(
        "li",
        null,
        h("h4", { class: "name" }, link(href("agents", { agent: node.agent }), node.agent || "no agent")),
        node.entries.map((entry) => line(entry, running)),
        node.children.length > 0 && drawn(node.children, running),
      ),
    ),
  );
}

function line(entry, running) {
  running.total += usd.parse(entry.cost);
  const isCall = entry.cost !== undefined && entry.cost !== null;
  const what = entry.model ?? entry.tool ?? entry.eventType ?? entry.taskType ?? entry.type ?? "";
  const tokens = ["inputTokens", "cacheReadTokens", "cacheWriteTokens", "outputTokens"].reduce(
    (sum, name) => sum + (entry[name] ?? 0),
    0,
  );
  return h(
    "div",
    { class: "tree-line" },
    h(
      "span",
      { class: "name" },
      what,
      " ",
      (entry.status === "error" || entry.success === false) && badge("error", "bad"),
      h(
        "span",
        { class: "sub" },
        showTime(entry.at ?? entry.time ?? entry.createdAt),
        tokens > 0 && [" · ", short(tokens), " tokens"],
      ),
    ),
    isCall ? money(entry.cost) : h("span"),
    isCall ? money(running.total, { class: "num muted" }) : h("span"),
  );
}
