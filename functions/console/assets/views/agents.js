/** What each agent costs and is worth; one agent is in `agent.js`. */

import { getAll } from "../core/api.js";
import { sparkline } from "../core/chart.js";
import { h, link } from "../core/dom.js";
import { exportButton } from "../core/export.js";
import { field } from "../core/form.js";
import { badge, count, money, percent, plural, status } from "../core/format.js";
import { meter, page, panel } from "../core/panel.js";
import { askAll, costOf } from "../core/query.js";
import { href, setParams } from "../core/router.js";
import * as session from "../core/session.js";
import { table } from "../core/table.js";
import { days, getToday, monthOf, plusDays, plusMonths, showMonth } from "../core/time.js";
import * as usd from "../core/usd.js";
import { agentView } from "./agent.js";

const TREND_DAYS = 30;
/** The number of months that can be chosen, including this one. */
const MONTHS = 13;

export async function view(context) {
  const { params } = context;
  if (params.agent) return agentView(context);
  const month = params.month ?? monthOf(getToday());
  return page(
    {
      title: "Agents",
      note: showMonth(month),
      actions: exportButton(`agents-${month}`, `/api/cost-analysis/agents?month=${month}`),
    },
    panel({ load: () => roster(params, month), needs: "costs:read", empty: firstAgent() }),
  );
}

function firstAgent() {
  return h(
    "span",
    null,
    h("strong", null, "No agents yet"),
    "An agent appears here as soon as an event names it. ",
    link(href("sources"), "How to connect one"),
  );
}

async function roster(params, month) {
  const isNow = month === monthOf(getToday());
  const [{ agents }, worth, trends] = await Promise.all([
    getAll(`/api/cost-analysis/agents?month=${month}`, "agents"),
    isNow ? workforce() : new Map(),
    trendLines(),
  ]);
  if (agents.length === 0) return null;
  const all = agents.map((agent) => ({ ...agent, worth: worth.get(agent.id), trend: trends.get(agent.id) }));
  return [filters(params, month, all), agentTable(shown(all, params), isNow && worth.size > 0)];
}

/** Tasks and return of this month, if the token's scopes include them. */
async function workforce() {
  if (!session.has("workforce:read")) return new Map();
  return new Map((await getAll("/api/agents/workforce/agents")).map((agent) => [agent.id, agent]));
}

/** Cost by day. If it cannot be loaded, the table is shown without it. */
async function trendLines() {
  const range = { from: plusDays(getToday(), 1 - TREND_DAYS), to: plusDays(getToday(), 1) };
  const lines = new Map();
  if (!session.has("costs:read")) return lines;
  const { rows } = await askAll({ ...range, granularity: "day", groupBy: ["agent"] }).catch(() => ({ rows: [] }));
  const at = new Map(days(range.from, range.to).map((day, i) => [day, i]));
  for (const row of rows) {
    const line = lines.get(row.group.agent) ?? Array(TREND_DAYS).fill(0);
    line[at.get(row.period)] = usd.toFloat(costOf(row));
    lines.set(row.group.agent, line);
  }
  return lines;
}

function filters(params, month, all) {
  const change = (name) => (event) => setParams({ [name]: event.target.value, "agents.page": null }, { replace: true });
  const months = Array.from({ length: MONTHS }, (_, at) => monthOf(plusMonths(getToday(), -at)));
  const departments = [...new Set(all.map((agent) => agent.worth?.department).filter(Boolean))].sort();
  return h(
    "div",
    { class: "filters" },
    field({
      label: "Search",
      type: "search",
      id: "agents-q",
      value: params.q ?? "",
      placeholder: "name, id or model",
      class: "grow",
      oninput: change("q"),
    }),
    field({
      label: "Month",
      id: "agents-month",
      choices: months.map((one) => [one, showMonth(one)]),
      value: month,
      onchange: change("month"),
    }),
    field({
      label: "Status",
      id: "agents-status",
      choices: [["", "any"], "online", "paused", "draft", "offline"],
      value: params.status ?? "",
      onchange: change("status"),
    }),
    departments.length > 0 &&
      field({
        label: "Department",
        id: "agents-department",
        choices: [["", "any"], ...departments],
        value: params.department ?? "",
        onchange: change("department"),
      }),
    field({
      label: "Budget",
      id: "agents-budget",
      choices: [
        ["", "any"],
        ["over", "over budget"],
        ["none", "no budget"],
      ],
      value: params.budget ?? "",
      onchange: change("budget"),
    }),
  );
}

function shown(all, { q, status: state, department, budget }) {
  const words = q?.toLowerCase();
  return all.filter(
    (agent) =>
      (!words || [agent.id, agent.name, agent.modelName].some((text) => text.toLowerCase().includes(words))) &&
      (!state || agent.status === state) &&
      (!department || agent.worth?.department === department) &&
      (!budget || (budget === "over" ? agent.overBudget : agent.budget === null)),
  );
}

function agentTable(rows, hasWorth) {
  if (rows.length === 0)
    return h(
      "div",
      { class: "state" },
      h("strong", null, "No agent matches"),
      link(href("agents"), "Clear the filters"),
    );
  const worth = [
    {
      label: "Tasks",
      num: true,
      wide: true,
      by: (row) => row.worth?.tasks_completed,
      cell: (row) => count(row.worth?.tasks_completed ?? 0),
    },
    {
      label: "Per task",
      num: true,
      wide: true,
      by: (row) => row.worth?.cost_per_task,
      cell: (row) => (row.worth?.cost_per_task ? money(row.worth.cost_per_task) : "–"),
    },
    {
      label: "ROI",
      num: true,
      wide: true,
      by: (row) => row.worth?.roi_percent,
      cell: (row) => (row.worth?.monthly_human_equivalent ? percent(row.worth.roi_percent, 0) : "–"),
    },
  ];
  return table({
    id: "agents",
    caption: "Agents",
    rows,
    columns: [
      { label: "Agent", by: (row) => row.name, cell: nameCell },
      { label: "Cost", num: true, by: (row) => row.actualCost, cell: (row) => money(row.actualCost) },
      { label: "Budget", by: (row) => (row.budget === null ? null : row.utilization), cell: budgetCell },
      ...(hasWorth ? worth : []),
      {
        label: `${TREND_DAYS} days`,
        wide: true,
        cell: (row) => row.trend && sparkline(row.trend, `Cost of ${row.name} by day`),
      },
    ],
  });
}

function nameCell(row) {
  const state = row.status === "online" ? null : [" ", status(row.status)];
  const unpriced = row.unpricedRequests > 0 && [" ", badge(`${plural(row.unpricedRequests, "call")} unpriced`, "warn")];
  return [
    link(href("agents", { agent: row.id }), row.name),
    state,
    unpriced,
    h("span", { class: "sub" }, [row.name !== row.id && row.id, row.modelName].filter(Boolean).join(" · ")),
  ];
}

function budgetCell(row) {
  if (row.budget === null) return h("span", { class: "muted" }, "none");
  const text = `${percent(row.utilization * 100, 0)} of ${usd.format(usd.parse(row.budget))}`;
  return h(
    "div",
    { class: "budget-cell" },
    h("span", { class: "num sub" }, text),
    meter({ used: row.utilization, label: `${text} used` }),
  );
}
