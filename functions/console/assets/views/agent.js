/** One agent: its cost by day, models, budget, savings, sessions and activity. */

import { get, segment, withQuery } from "../core/api.js";
import { stackedBars } from "../core/chart.js";
import { breakdown } from "../core/breakdown.js";
import { h, link } from "../core/dom.js";
import { agentForm } from "../core/agent_form.js";
import { entryDetails } from "../core/entry.js";
import { badge, count, delta, money, percent, plural, status } from "../core/format.js";
import { kpi, meter, panel } from "../core/panel.js";
import { ask, askAll, costOf } from "../core/query.js";
import { href } from "../core/router.js";
import * as session from "../core/session.js";
import { listSessions, sessionTable } from "../core/sessions.js";
import { barCell, table } from "../core/table.js";
import { getToday, monthStart, plusDays, showDay, showInstant, showMonth } from "../core/time.js";
import * as usd from "../core/usd.js";

const DAYS = 30;

export async function agentView({ params }) {
  const id = params.agent;
  const [costs, worth, record] = await Promise.all([costsOf(id), worthOf(id), recordOf(id)]);
  const name = record?.name ?? costs?.name ?? id;
  if (!costs && !worth && !record) return notFound(id);
  document.title = `${name} – Fleetledger`;
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        null,
        h("p", null, link(href("agents"), "Agents"), " /"),
        h(
          "h1",
          { class: "name" },
          name,
          " ",
          (record?.status ?? costs?.status) && status(record?.status ?? costs.status),
        ),
        h("p", null, [name !== id && id, record?.role_title, record?.department].filter(Boolean).join(" · ")),
      ),
      record &&
        session.has("registry:write") &&
        h("div", { class: "actions" }, h("button", { type: "button", onclick: () => agentForm(record) }, "Edit")),
    ),
    h("div", { class: "kpis" }, cards(costs, worth)),
    byDay(id, name),
    models(id),
    savings(id),
    sessions(id),
    activity(id),
  );
}

function notFound(id) {
  return h(
    "div",
    { class: "state" },
    h("h1", null, "No such agent"),
    h("p", null, `No event has named an agent “${id}”, and none is registered. `, link(href("agents"), "All agents")),
  );
}

async function costsOf(id) {
  if (!session.has("costs:read")) return null;
  return (await get("/api/cost-analysis/agents")).agents.find((agent) => agent.id === id) ?? null;
}

async function worthOf(id) {
  if (!session.has("workforce:read")) return null;
  return (await get("/api/agents/workforce/agents")).find((agent) => agent.id === id) ?? null;
}

async function recordOf(id) {
  if (!session.has("registry:read")) return null;
  return get(`/api/agents/${segment(id)}`).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
}

function cards(costs, worth) {
  const month = showMonth(getToday());
  const used = costs?.budget && costs.utilization;
  return [
    costs &&
      kpi({
        label: `Cost, ${month}`,
        value: money(costs.actualCost),
        note:
          costs.unpricedRequests > 0
            ? badge(`${plural(costs.unpricedRequests, "call")} unpriced`, "warn")
            : costs.modelName,
      }),
    costs &&
      kpi({
        label: "Budget",
        value: costs.budget === null ? "none" : money(costs.budget),
        note: used && `${percent(used * 100, 0)} used`,
        extra:
          used !== null &&
          costs.budget !== null &&
          meter({ used, label: `${percent(used * 100, 0)} of the budget used` }),
      }),
    worth &&
      kpi({
        label: "Tasks",
        value: count(worth.tasks_completed),
        note: worth.tasks_completed > 0 ? [money(worth.cost_per_task), " a task"] : "None reported",
      }),
    worth &&
      kpi({
        label: "Calls",
        value: count(worth.invocation_count),
        note: [
          plural(worth.error_count, "error"),
          worth.avg_response_ms > 0 && `, ${(worth.avg_response_ms / 1000).toFixed(1)} s on average`,
        ],
      }),
    worth &&
      kpi({
        label: "Return on cost",
        value: worth.monthly_human_equivalent > 0 ? percent(worth.roi_percent, 0) : "–",
        note:
          worth.monthly_human_equivalent > 0 ? [money(worth.monthly_savings), " saved"] : "No salary to compare with",
      }),
  ].filter(Boolean);
}

const lastDays = () => ({ from: plusDays(getToday(), 1 - DAYS), to: plusDays(getToday(), 1) });

function byDay(id, name) {
  const range = lastDays();
  return panel({
    title: "Cost by day",
    needs: "billing:read",
    hint: h(
      "span",
      null,
      `${showDay(range.from)} to ${showDay(getToday())}. The line is the ${DAYS} days before. `,
      link(href("explore", { range: DAYS, by: "day", "filter.agent": id }), "Explore"),
    ),
    load: async () => {
      const question = { ...range, granularity: "day", filters: { agent: id } };
      const [answer, before] = await Promise.all([
        askAll(question),
        ask({ ...question, from: plusDays(range.from, -DAYS), to: range.from }),
      ]);
      const { labels, series } = breakdown(answer.rows, range, "day", undefined);
      const ghost = { label: `${DAYS} days before`, values: before.rows.map((row) => usd.toFloat(costOf(row))) };
      if (series.length === 0 && ghost.values.every((value) => value === 0)) return null;
      return stackedBars({
        title: `Cost of ${name} by day`,
        labels,
        series: series.length ? series : [{ label: "Total", values: labels.map(() => 0) }],
        ghost,
        height: 220,
      });
    },
    empty: "No calls in these days.",
  });
}

function models(id) {
  return panel({
    title: "Models",
    hint: `The last ${DAYS} days, against the ${DAYS} before`,
    class: "half",
    needs: "costs:read",
    load: async () => {
      const { rows } = await ask({
        ...lastDays(),
        granularity: "total",
        groupBy: ["model"],
        filters: { agent: id },
        compare: true,
      });
      const used = rows.filter((row) => row.requests > 0);
      if (used.length === 0) return null;
      const high = usd.toFloat(costOf(used[0])) || 1;
      return table({
        id: "models",
        caption: "Models of the agent",
        rows: used,
        columns: [
          {
            label: "Model",
            cell: (row) => [
              h("span", { class: "name" }, row.group.model),
              h("span", { class: "sub" }, plural(row.requests, "call")),
            ],
          },
          {
            label: "Change",
            num: true,
            wide: true,
            cell: (row) => delta(usd.change(usd.parse(row.previous?.cost), costOf(row))),
          },
          {
            label: "Cost",
            num: true,
            cell: (row) => barCell(money(row.cost), usd.toFloat(costOf(row)) / high),
          },
        ],
      });
    },
    empty: "No calls in these days.",
  });
}

function savings(id) {
  return panel({
    title: "Savings found",
    class: "half",
    needs: "costs:read",
    load: async () => {
      const { recommendations } = await get("/api/cost-analysis/recommendations");
      const own = recommendations.filter((one) => one.agentId === id);
      if (own.length === 0) return null;
      return h("div", null, own.map(recommendation));
    },
    empty: "No other model would do this agent's work for less.",
  });
}

function recommendation(one) {
  const price = (value) => (value === null ? "–" : `$${value}`);
  return h(
    "div",
    { class: "advice" },
    h(
      "p",
      null,
      h("strong", { class: "name" }, `${one.currentModel} → ${one.recommendedModel}`),
      " ",
      one.retiresOn && badge(`retires ${showDay(one.retiresOn)}`, "warn"),
    ),
    h(
      "p",
      null,
      money(one.estimatedMonthlySavings),
      ` a month (−${percent(one.savingsPct, 0)}), by ${plural(one.basis.calls, "call")} since ${showDay(one.basis.since)}.`,
    ),
    h(
      "p",
      { class: "hint" },
      `Per million tokens: input ${price(one.currentInputPrice)} → ${price(one.recommendedInputPrice)}, output ${price(one.currentOutputPrice)} → ${price(one.recommendedOutputPrice)}. Errors now ${percent(one.basis.errorRatePct)}`,
      one.basis.recommendedErrorRatePct === null
        ? ", not yet tried with the other model."
        : `, with the other model ${percent(one.basis.recommendedErrorRatePct)} of ${plural(one.basis.recommendedCalls, "call")}.`,
    ),
  );
}

function sessions(id) {
  return panel({
    title: "Dearest sessions",
    class: "half",
    needs: "costs:read",
    actions: link(href("sessions", { agent: id }), "All sessions"),
    load: async () => {
      const { rows } = await listSessions({ agent: id, order: "cost", from: monthStart(getToday()) });
      return rows.length > 0 ? sessionTable(rows.slice(0, 6)) : null;
    },
    empty: "No call of this month names a session (session_id or conversation_id).",
  });
}

function activity(id) {
  return panel({
    title: "Activity",
    class: "half",
    needs: "activity:read",
    actions: link(href("activity", { agent: id }), "All activity"),
    load: async () => {
      const { data } = await get(withQuery("/api/activity", { agentId: id, limit: 8 }));
      if (data.length === 0) return null;
      return table({
        id: "activity",
        caption: "Latest activity",
        rows: data,
        columns: [
          {
            label: "What",
            cell: (entry) => [entry.eventType.replaceAll("_", " "), h("span", { class: "sub" }, entryDetails(entry))],
          },
          { label: "When", num: true, cell: (entry) => showInstant(entry.createdAt) },
        ],
      });
    },
    empty: "No activity in the last 30 days.",
  });
}
