/** One agent: its cost by day, models, budget, savings, sessions and activity. */

import { agentForm } from "../core/agent_form.js";
import { get, getAll, segment } from "../core/api.js";
import { button, h, link } from "../core/dom.js";
import { badge, count, money, percent, plural, returnOn, status } from "../core/format.js";
import { kpi, meter, page } from "../core/panel.js";
import { href } from "../core/router.js";
import * as session from "../core/session.js";
import { getToday, showMonth } from "../core/time.js";
import { byDay, models } from "./agent/days.js";
import { activity, savings, sessions } from "./agent/lists.js";

export async function agentView({ params }) {
  const id = params.agent;
  const [costs, worth, record] = await Promise.all([costsOf(id), worthOf(id), recordOf(id)]);
  const name = record?.name ?? costs?.name ?? id;
  if (!costs && !worth && !record) return notFound(id);
  document.title = `${name} – Fleetledger`;
  return page(
    {
      title: [name, " ", (record?.status ?? costs?.status) && status(record?.status ?? costs.status)],
      above: [link(href("agents"), "Agents"), " /"],
      note: [name !== id && id, record?.role_title, record?.department].filter(Boolean).join(" · "),
      actions: record && session.has("registry:write") && button("Edit", () => agentForm(record)),
    },
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
  return (await getAll("/api/cost-analysis/agents", "agents")).agents.find((agent) => agent.id === id) ?? null;
}

async function worthOf(id) {
  if (!session.has("workforce:read")) return null;
  return (await getAll("/api/agents/workforce/agents")).find((agent) => agent.id === id) ?? null;
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
        value: returnOn(worth.actual_cost_monthly, worth.monthly_human_equivalent),
        note:
          worth.monthly_human_equivalent > 0 ? [money(worth.monthly_savings), " saved"] : "No salary to compare with",
      }),
  ].filter(Boolean);
}
