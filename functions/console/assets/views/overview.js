/** Are we on track? */

import { get } from "../core/api.js";
import { stackedBars } from "../core/chart.js";
import { h, link } from "../core/dom.js";
import { badge, count, delta, money, percent, plural, status } from "../core/format.js";
import { freshnessBanners } from "../core/freshness.js";
import { breakdown } from "../core/breakdown.js";
import { monthToDate } from "../core/month.js";
import { banner, kpi, meter, panel } from "../core/panel.js";
import { ask, askAll, costOf } from "../core/query.js";
import { href } from "../core/router.js";
import * as session from "../core/session.js";
import { barCell, table } from "../core/table.js";
import { getToday, plusDays, showDay, showMonth } from "../core/time.js";
import * as usd from "../core/usd.js";

const RANGES = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["45", "45 days"],
];
const STACKS = [
  ["agent", "by agent"],
  ["model", "by model"],
  ["provider", "by provider"],
];
/** Rows of the short lists. */
const TOP = 6;

export async function view({ params, organization }) {
  const days = RANGES.some(([value]) => value === params.days) ? Number(params.days) : 30;
  const stacks = [...STACKS, ...(organization?.dimensions ?? []).map((one) => [one, `by ${one}`])];
  const by = stacks.some(([value]) => value === params.by) ? params.by : "agent";
  const today = getToday();
  const range = { from: plusDays(today, 1 - days), to: plusDays(today, 1) };
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h("div", null, h("h1", null, "Overview"), h("p", null, `${showMonth(today)}, day ${Number(today.slice(8))}`)),
    ),
    banners(),
    h("div", { class: "kpis" }, costCard(), forecastCard(), savingsCard(), valueCard(), alertsCard()),
    costByDay(range, days, by, stacks),
    changes(range, days),
    topAgents(today),
    topModels(today),
    savings(),
  );
}

function banners() {
  const place = h("div", { class: "banners" });
  Promise.all([freshnessBanners(), unpricedBanner()]).then(
    ([fresh, unpriced]) => place.replaceChildren(...fresh, ...unpriced),
    () => {},
  );
  return place;
}

async function unpricedBanner() {
  if (!session.has("costs:read")) return [];
  const { unpriced, unpricedRequests } = await get("/api/cost-analysis/unpriced");
  if (unpricedRequests === 0) return [];
  const names = [...new Set(unpriced.map((one) => `${one.provider}/${one.model}`))];
  const text = `${plural(unpricedRequests, "call")} this month ${unpricedRequests === 1 ? "has" : "have"} no price (${names.slice(0, 2).join(", ")}${names.length > 2 ? ` and ${names.length - 2} more` : ""}), so the costs shown are lower bounds.`;
  return [banner("warn", text, link(href("prices"), "Set a price"))];
}

/** A card that shows a dash until its figure is there, and says so where the token does not include it. */
function card(label, scopes, load, address) {
  const place = h("div", { class: "kpi-place" }, kpi({ label, value: "…" }));
  const put = (figures) => place.replaceChildren(kpi({ label, href: address, ...figures }));
  if (!session.has(scopes)) put({ value: "–", note: "Not included in your access", href: undefined });
  else load().then(put, (error) => put({ value: "–", note: error.message }));
  return place;
}

function costCard() {
  return card(
    "Cost this month",
    "metrics:read",
    async () => {
      const month = await monthToDate();
      const percentage = usd.change(month.before, month.cost);
      const note = [delta(percentage, { fallback: "no cost" }), " ", h("span", null, `than ${month.beforeLabel}`)];
      return { value: money(month.cost), note: percentage === null ? `No cost in ${month.beforeLabel}` : note };
    },
    href("explore", { range: "month" }),
  );
}

function forecastCard() {
  return card(
    "Forecast for the month",
    ["metrics:read", "costs:read"],
    async () => {
      const [month, { budget }] = await Promise.all([monthToDate(), get("/api/cost-analysis/summary")]);
      if (month.forecast === null) return { value: "–", note: "From seven full days of history on" };
      const limit = usd.parse(budget.total);
      if (limit === 0n) return { value: money(month.forecast), note: link(href("budgets"), "Set a budget") };
      const share = (amount) => Number((amount * 1000n) / limit) / 1000;
      const note = [`${percent(share(month.forecast) * 100, 0)} of the budget of `, money(limit)];
      return {
        value: money(month.forecast),
        note,
        extra: meter({
          used: share(month.cost),
          forecast: share(month.forecast),
          label: `${percent(share(month.cost) * 100, 0)} of the budget used`,
        }),
      };
    },
    href("budgets"),
  );
}

function savingsCard() {
  return card("Savings found", "costs:read", async () => {
    const { recommendations, totalPotentialSavings } = await get("/api/cost-analysis/recommendations");
    return {
      value: money(totalPotentialSavings),
      note: `a month, by ${plural(recommendations.length, "change")} of model`,
    };
  });
}

function valueCard() {
  return card(
    "Return on cost",
    "workforce:read",
    async () => {
      const summary = await get("/api/agents/workforce/summary");
      if (summary.monthly_human_equivalent === 0)
        return { value: "–", note: link(href("settings", { tab: "agents" }), "Say what people would cost") };
      const factor =
        summary.total_agent_cost_monthly > 0
          ? `${count(summary.monthly_human_equivalent / summary.total_agent_cost_monthly)} ×`
          : "–";
      return { value: factor, note: [money(summary.monthly_savings), " saved against people"] };
    },
    href("workforce"),
  );
}

function alertsCard() {
  return card(
    "Open alerts",
    "registry:read",
    async () => {
      const { items } = await get("/api/alerts?limit=100");
      const month = getToday().slice(0, 7);
      const open = items.filter(
        (alert) =>
          alert.month === month &&
          alert.resolved_at === null &&
          alert.type === "budget.threshold_crossed" &&
          alert.status !== "superseded",
      );
      const [newest] = open;
      return {
        value: count(open.length),
        note: newest
          ? [newest.subject.name ?? newest.subject.id, ` reached ${newest.threshold_percent} % `, status(newest.status)]
          : "Every budget is kept",
      };
    },
    href("budgets"),
  );
}

function segmented(label, choices, current, name, parameters) {
  const item = ([value, text]) =>
    h(
      "a",
      {
        href: href("overview", { ...parameters, [name]: value }),
        "aria-current": value === current ? "true" : null,
      },
      text,
    );
  return h("nav", { class: "segmented", "aria-label": label }, choices.map(item));
}

function costByDay(range, days, by, stacks) {
  const parameters = { days, by };
  return panel({
    title: "Cost by day",
    hint: h(
      "span",
      null,
      `${showDay(range.from)} to ${showDay(plusDays(range.to, -1))}. The line is the ${days} days before. `,
      link(href("explore", { range: days, group: by, by: "day" }), "Explore"),
    ),
    actions: [
      segmented("Stacked by", stacks, by, "by", parameters),
      segmented("Range", RANGES, String(days), "days", parameters),
    ],
    needs: "metrics:read",
    load: async () => {
      const before = { from: plusDays(range.from, -days), to: range.from, granularity: "day" };
      const [answer, previous] = await Promise.all([
        askAll({ ...range, granularity: "day", groupBy: [by] }),
        ask(before),
      ]);
      const { labels, series } = breakdown(answer.rows, range, "day", by);
      if (series.length === 0) return null;
      const ghost = {
        label: `${days} days before`,
        values: previous.rows.map((row) => usd.toFloat(costOf(row))),
      };
      return stackedBars({
        title: `Cost by day ${stacks.find(([value]) => value === by)[1]}`,
        labels,
        series,
        ghost,
      });
    },
    empty: firstSteps(),
  });
}

function firstSteps() {
  return h(
    "span",
    null,
    h("strong", null, "No calls in these days"),
    "Connect an agent, and its cost shows here within a minute. ",
    link(href("sources"), "How to connect"),
  );
}

/** What changed most against the period before, and whether by more calls or by dearer ones. */
function changes(range, days) {
  return panel({
    title: "What changed most",
    hint: `Agents, the last ${days} days against the ${days} before`,
    class: "half",
    needs: "metrics:read",
    load: async () => {
      const { rows } = await ask({ ...range, granularity: "total", groupBy: ["agent"], compare: true });
      const changed = rows
        .map(withChange)
        .filter((row) => row.change !== 0n)
        .sort((a, b) => (size(b.change) > size(a.change) ? 1 : -1))
        .slice(0, TOP);
      if (changed.length === 0) return null;
      return table({
        id: "changes",
        caption: "Agents whose cost changed most",
        rows: changed,
        columns: [
          {
            label: "Agent",
            cell: (row) => [
              link(href("agents", { agent: row.group.agent }), row.group.agent),
              h("span", { class: "sub" }, row.why),
            ],
          },
          { label: "Before", num: true, wide: true, cell: (row) => money(row.before) },
          { label: "Now", num: true, cell: (row) => money(row.now) },
          { label: "Change", num: true, cell: (row) => delta(usd.change(row.before, row.now)) },
        ],
      });
    },
    empty: "Nothing changed.",
  });
}

const size = (amount) => (amount < 0n ? -amount : amount);

function withChange(row) {
  const [now, before] = [costOf(row), usd.parse(row.previous?.cost)];
  return { ...row, now, before, change: now - before, why: reason(row, now, before) };
}

function reason(row, now, before) {
  const [calls, callsBefore] = [row.requests, row.previous?.requests ?? 0];
  if (callsBefore === 0) return `new: ${plural(calls, "call")}`;
  if (calls === 0) return "no calls any more";
  const more = (calls / callsBefore - 1) * 100;
  const each = before === 0n ? 0 : (usd.toFloat(now) / calls / (usd.toFloat(before) / callsBefore) - 1) * 100;
  const signed = (value) =>
    Math.abs(value) < 0.5 ? "as many" : `${value < 0 ? "−" : "+"}${percent(Math.abs(value), 0)}`;
  const dearer = Math.abs(each) < 0.5 ? "same cost per call" : `${signed(each)} cost per call`;
  return `${signed(more)} calls, ${dearer}`;
}

function topAgents(today) {
  return panel({
    title: "Dearest agents",
    hint: showMonth(today),
    class: "half",
    needs: "costs:read",
    actions: link(href("agents"), "All agents"),
    load: async () => {
      const { agents } = await get("/api/cost-analysis/agents");
      const rows = agents.filter((agent) => agent.actualCost > 0).slice(0, TOP);
      if (rows.length === 0) return null;
      return table({
        id: "agents",
        caption: "Agents by cost",
        rows,
        columns: [
          {
            label: "Agent",
            cell: (agent) => [
              link(href("agents", { agent: agent.id }), agent.name),
              " ",
              agent.overBudget && badge("over budget", "bad"),
              h("span", { class: "sub" }, agent.modelName),
            ],
          },
          {
            label: "Cost",
            num: true,
            cell: (agent) => barCell(money(agent.actualCost), agent.actualCost / rows[0].actualCost),
          },
        ],
      });
    },
    empty: firstSteps(),
  });
}

function topModels(today) {
  return panel({
    title: "Dearest models",
    hint: showMonth(today),
    class: "half",
    needs: "costs:read",
    actions: link(href("explore", { range: "month", group: "model", by: "total" }), "All models"),
    load: async () => {
      const { models } = await get("/api/cost-analysis/by-model");
      if (models.length === 0) return null;
      const rows = models.slice(0, TOP);
      return table({
        id: "models",
        caption: "Models by cost",
        rows,
        columns: [
          {
            label: "Model",
            cell: (one) => [
              h("span", { class: "name" }, one.model),
              " ",
              one.unpricedRequests > 0 && badge("unpriced", "warn"),
              h("span", { class: "sub" }, one.provider),
            ],
          },
          { label: "Share", num: true, wide: true, cell: (one) => percent(one.pctOfTotal) },
          {
            label: "Cost",
            num: true,
            cell: (one) => barCell(money(one.totalCost), one.totalCost / (rows[0].totalCost || 1)),
          },
        ],
      });
    },
    empty: "No calls this month.",
  });
}

function savings() {
  return panel({
    title: "Savings found",
    hint: "The same work on a cheaper model, by each agent's own tokens of the last 30 days",
    class: "half",
    id: "savings",
    needs: "costs:read",
    load: async () => {
      const { recommendations } = await get("/api/cost-analysis/recommendations");
      if (recommendations.length === 0) return null;
      return table({
        id: "savings",
        caption: "Recommendations",
        rows: recommendations,
        page: TOP,
        columns: [
          {
            label: "Agent",
            cell: (one) => [
              link(href("agents", { agent: one.agentId }), one.agentName),
              h("span", { class: "sub" }, `${one.currentModel} → ${one.recommendedModel}`),
              one.retiresOn && badge(`retires ${showDay(one.retiresOn)}`, "warn"),
            ],
          },
          {
            label: "A month",
            num: true,
            cell: (one) => [
              money(one.estimatedMonthlySavings),
              h("span", { class: "sub" }, `−${percent(one.savingsPct, 0)}, ${plural(one.basis.calls, "call")}`),
            ],
          },
        ],
      });
    },
    empty: "No agent would do its work for less on another model.",
  });
}
