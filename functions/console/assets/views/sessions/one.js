/** One session: its agents as a tree, and its calls, tools and tasks in order, with the cost so far. */

import { get, segment, withQuery } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { entryDetails } from "../../core/entry.js";
import { badge, count, money, plural, short } from "../../core/format.js";
import { kpi, page, panel } from "../../core/panel.js";
import { totalInput } from "../../core/query.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showInstant, showTime } from "../../core/time.js";
import * as usd from "../../core/usd.js";

/** The most steps that are shown. Nobody reads more. */
const STEPS = 5000;

/** @param {string} id @param {{ from: string, to: string }} range */
export function oneSession(id, range) {
  const load = () => get(withQuery(`/api/sessions/${segment(id)}`, { ...range, limit: STEPS }));
  return page(
    { title: id, above: [link(href("sessions"), "Sessions"), " /"] },
    panel({ class: "plain", needs: "costs:read", load: async () => cards(await load()) }),
    panel({ title: "Agents", needs: "costs:read", load: async () => tree((await load()).agents) }),
    panel({
      title: "Step by step",
      hint: "With the cost so far",
      needs: "costs:read",
      load: async () => steps(await load()),
    }),
  );
}

function cards({ totals, toolCalls, startedAt, endedAt }) {
  const unpriced = totals.unpricedRequests > 0 && badge(`${plural(totals.unpricedRequests, "call")} unpriced`, "warn");
  return h(
    "div",
    { class: "kpis" },
    kpi({ label: "Cost", value: money(totals.cost), note: unpriced }),
    kpi({ label: "Calls", value: count(totals.requests), note: totals.errors > 0 && plural(totals.errors, "error") }),
    kpi({
      label: "Tokens",
      value: short(totalInput(totals) + totals.outputTokens),
      note: [short(totals.outputTokens), " of them output"],
    }),
    kpi({ label: "Tools and tasks", value: count(toolCalls + totals.tasks), note: plural(totals.tasks, "task") }),
    kpi({ label: "Began", value: showInstant(startedAt), note: lasted(startedAt, endedAt) }),
  );
}

function lasted(from, to) {
  const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000);
  return seconds < 120 ? `lasted ${plural(seconds, "second")}` : `lasted ${plural(Math.round(seconds / 60), "minute")}`;
}

/** Each agent with its own cost, and that of the agents that work for it. */
function tree(agents) {
  if (agents.length === 0) return null;
  const line = (agent) => {
    const below = agent.children.length > 0 && [" · with those below ", money(together(agent))];
    const notes = [
      plural(agent.requests, "call"),
      agent.toolCalls > 0 && plural(agent.toolCalls, "tool call"),
      agent.tasks > 0 && plural(agent.tasks, "task"),
    ];
    return h(
      "li",
      null,
      h(
        "div",
        { class: "tree-line" },
        h(
          "span",
          { class: "name" },
          link(href("agents", { agent: agent.agentId }), agent.agentId),
          h("span", { class: "sub" }, notes.filter(Boolean).join(" · "), below),
        ),
        money(agent.cost),
      ),
      agent.children.length > 0 && h("ul", { class: "tree" }, agent.children.map(line)),
    );
  };
  return h("ul", { class: "tree" }, agents.map(line));
}

function together(agent) {
  return usd.parse(agent.cost) + usd.sum(agent.children.map(together));
}

function steps({ steps: all, agents, pagination }) {
  const depths = depthsOf(agents);
  let total = 0n;
  const rows = all.map((step) => {
    total += usd.parse(step.cost);
    return { ...step, total, depth: depths.get(step.agentId) ?? 0 };
  });
  return [
    table({
      id: "steps",
      caption: "Steps",
      rows,
      page: 100,
      rowClass: (row) => (row.type === "llm.call" ? null : "dim"),
      columns: [
        { label: "Time", class: "when", cell: (row) => showTime(row.at) },
        { label: "Step", cell: stepCell },
        { label: "Tokens", num: true, wide: true, cell: (row) => (row.type === "llm.call" ? tokens(row) : "") },
        { label: "Cost", num: true, cell: (row) => (row.cost === undefined ? "" : money(row.cost)) },
        { label: "So far", num: true, cell: (row) => money(row.total) },
      ],
    }),
    pagination.nextCursor && h("p", { class: "hint" }, `These are the first ${count(STEPS)} steps.`),
  ];
}

/** The number of agents above each agent. */
function depthsOf(agents, depth = 0, depths = new Map()) {
  for (const agent of agents) {
    depths.set(agent.agentId, depth);
    depthsOf(agent.children, depth + 1, depths);
  }
  return depths;
}

function stepCell(row) {
  const failed = (row.status === "error" || row.success === false) && [" ", badge("failed", "bad")];
  const unpriced = row.unpriced && [" ", badge("unpriced", "warn")];
  const what = row.model ?? row.eventType?.replaceAll("_", " ") ?? (row.type === "task.completed" ? "task" : row.type);
  const notes = [
    row.agentId,
    row.taskType,
    row.details && entryDetails({ eventType: row.eventType, details: row.details }),
    row.responseMs && `${(row.responseMs / 1000).toFixed(1)} s`,
  ];
  const indent = { "padding-left": `${row.depth * 1.2}rem` };
  return h(
    "div",
    { style: indent },
    h("span", { class: "name" }, what),
    failed,
    unpriced,
    h("span", { class: "sub" }, notes.filter(Boolean).join(" · ")),
  );
}

function tokens(row) {
  const input = totalInput(row);
  return h("span", { title: `${count(input)} in, ${count(row.outputTokens)} out` }, short(input + row.outputTokens));
}
