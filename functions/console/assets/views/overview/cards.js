/** The figures at the top. */

import { get, getAll } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { count, delta, money, percent, plural, returnOn, status } from "../../core/format.js";
import { monthToDate } from "../../core/month.js";
import { kpi, meter } from "../../core/panel.js";
import { href } from "../../core/router.js";
import * as session from "../../core/session.js";
import { getToday } from "../../core/time.js";
import * as usd from "../../core/usd.js";

/** A card that shows a dash until its figure is loaded, or a note if the token's scopes do not include it. */
function card(label, scopes, load, address) {
  const place = h("div", { class: "kpi-place" }, kpi({ label, value: "…" }));
  const put = (figures) => place.replaceChildren(kpi({ label, href: address, ...figures }));
  if (!session.has(scopes)) put({ value: "–", note: "Not included in your access", href: undefined });
  else load().then(put, (error) => put({ value: "–", note: error.message }));
  return place;
}

export function costCard() {
  return card(
    "Cost this month",
    "metrics:read",
    async () => {
      const month = await monthToDate();
      const percentage = usd.change(month.before, month.cost);
      const note = [delta(percentage, { fallback: "no cost" }), " ", h("span", null, `against ${month.beforeLabel}`)];
      return { value: money(month.cost), note: percentage === null ? `No cost in ${month.beforeLabel}` : note };
    },
    href("explore", { range: "month" }),
  );
}

export function forecastCard() {
  return card(
    "Forecast for the month",
    ["metrics:read", "costs:read"],
    async () => {
      const [month, { budget }] = await Promise.all([monthToDate(), get("/api/cost-analysis/summary")]);
      if (month.forecast === null) return { value: "–", note: "Needs seven full days of history" };
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

export function savingsCard() {
  return card("Savings found", "costs:read", async () => {
    const { recommendations, totalPotentialSavings } = await getAll(
      "/api/cost-analysis/recommendations",
      "recommendations",
    );
    return {
      value: money(totalPotentialSavings),
      note:
        recommendations.length > 0
          ? `per month, by ${plural(recommendations.length, "change")} of model`
          : "No cheaper model would do the same work",
    };
  });
}

export function valueCard() {
  return card(
    "Return on cost",
    "workforce:read",
    async () => {
      const summary = await get("/api/agents/workforce/summary");
      if (summary.monthly_human_equivalent === 0)
        return { value: "–", note: link(href("settings", { tab: "agents" }), "Register what people would cost") };
      const value = returnOn(summary.total_agent_cost_monthly, summary.monthly_human_equivalent);
      return { value, note: [money(summary.monthly_savings), " saved against people"] };
    },
    href("workforce"),
  );
}

export function alertsCard() {
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
          : await kept(),
      };
    },
    href("budgets"),
  );
}

/** Alerts follow within five minutes, so a budget may be exceeded before there is an alert. */
async function kept() {
  if (!session.has("costs:read")) return "None this month";
  const { alertCount } = await get("/api/cost-analysis/budget-alerts");
  return alertCount > 0 ? `${plural(alertCount, "agent")} over budget` : "Every budget is met";
}
