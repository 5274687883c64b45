/** Budgets, when to be warned, where warnings go, and what was sent. */

import { get, segment, send, withQuery } from "../core/api.js";
import { h, link } from "../core/dom.js";
import { agentForm } from "../core/agent_form.js";
import { alertDetails } from "../core/alert.js";
import { checkbox, confirm, copyable, dialog, field, form, text, toast } from "../core/form.js";
import { count, money, percent, status } from "../core/format.js";
import { monthToDate } from "../core/month.js";
import { meter, panel } from "../core/panel.js";
import { href, setParams } from "../core/router.js";
import * as session from "../core/session.js";
import { table } from "../core/table.js";
import { showInstant } from "../core/time.js";
import * as usd from "../core/usd.js";

const STATUSES = ["pending", "sent", "dead_lettered", "resolved", "superseded"];

export async function view({ params }) {
  const canSet = session.has("registry:write");
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        null,
        h("h1", null, "Budgets and alerts"),
        h("p", null, "Every five minutes each budget is compared with the cost so far and the forecast."),
      ),
    ),
    organization(canSet),
    destinations(canSet),
    agents(canSet),
    alerts(params, canSet),
  );
}

function organization(canSet) {
  return panel({
    title: "The organization's budget",
    class: "half",
    needs: "registry:read",
    load: async () => {
      const [budget, progress] = await Promise.all([get("/api/budget"), use()]);
      return [progress, canSet ? budgetForm(budget) : facts(budget)];
    },
  });
}

/** How much of the budget the month has used. */
async function use() {
  if (!session.has(["costs:read", "metrics:read"])) return null;
  const [{ budget }, month] = await Promise.all([get("/api/cost-analysis/summary"), monthToDate()]);
  const limit = usd.parse(budget.total);
  if (limit === 0n) return h("p", { class: "hint" }, "No budget is set, neither here nor for an agent.");
  const share = (amount) => Number((amount * 1000n) / limit) / 1000;
  const forecast = month.forecast ?? month.cost;
  return h(
    "div",
    { class: "use" },
    h(
      "p",
      null,
      h("strong", null, money(month.cost)),
      " of ",
      money(limit),
      ` used (${percent(share(month.cost) * 100, 0)})`,
      month.forecast !== null && [", ", money(forecast), ` expected (${percent(share(forecast) * 100, 0)})`],
    ),
    meter({
      used: share(month.cost),
      forecast: share(forecast),
      label: `${percent(share(month.cost) * 100, 0)} of the budget used`,
    }),
  );
}

function budgetForm(budget) {
  return form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field({
          label: "Dollars a month",
          name: "monthly",
          value: budget.monthly ?? "",
          inputmode: "decimal",
          pattern: "[0-9]*\\.?[0-9]*",
          placeholder: "the agents' budgets together",
        }),
        field({
          label: "Warn at percent of it",
          name: "thresholds",
          value: budget.thresholds.join(", "),
          required: true,
          hint: "Also of each agent's budget.",
        }),
      ),
      checkbox({
        label: "Also warn when the forecast for the month reaches them",
        name: "forecast",
        checked: budget.forecast,
      }),
    ],
    action: "Save",
    submit: async (data) => {
      const thresholds = String(data.get("thresholds"))
        .split(/[,;\s]+/)
        .filter(Boolean)
        .map(Number);
      if (thresholds.some((one) => !Number.isInteger(one)))
        throw new Error("Thresholds are whole numbers, such as 50, 80, 100.");
      await send(
        "PUT",
        "/api/budget",
        { monthly: text(data, "monthly"), thresholds, forecast: data.has("forecast") },
        { "if-match": budget.etag },
      );
      toast("Saved. Alerts follow within five minutes.");
      setParams({}, { replace: true });
    },
  });
}

function facts(budget) {
  return h(
    "dl",
    { class: "facts" },
    h("dt", null, "Budget"),
    h("dd", null, budget.monthly === null ? "the agents' budgets together" : money(budget.monthly)),
    h("dt", null, "Warn at"),
    h("dd", null, `${budget.thresholds.join(", ")} %${budget.forecast ? ", also by forecast" : ""}`),
  );
}

function destinations(canSet) {
  const section = panel({
    title: "Where alerts go",
    hint: "Webhooks, signed as Standard Webhooks specifies",
    class: "half",
    needs: "registry:read",
    actions: canSet && h("button", { type: "button", onclick: () => destinationForm(section) }, "Add a webhook"),
    load: async () => {
      const { items } = await get("/api/alerts/destinations");
      if (items.length === 0) return null;
      return table({
        id: "destinations",
        caption: "Webhooks",
        rows: items,
        columns: [
          {
            label: "Webhook",
            cell: (one) => [h("span", { class: "name" }, one.id), h("span", { class: "sub" }, one.url)],
          },
          canSet && {
            label: "",
            class: "row-actions",
            cell: (one) => [
              h("button", { type: "button", onclick: (event) => test(one, event.currentTarget) }, "Test"),
              h("button", { type: "button", class: "danger", onclick: () => remove(one, section) }, "Delete"),
            ],
          },
        ].filter(Boolean),
      });
    },
    empty: h(
      "span",
      null,
      h("strong", null, "Nobody is told yet"),
      "Add a webhook, and each alert is sent there once, signed, and retried for a day.",
    ),
  });
  return section;
}

async function test(destination, button) {
  button.disabled = true;
  try {
    const { delivered, detail } = await send("POST", `/api/alerts/destinations/${segment(destination.id)}/test`);
    toast(detail, delivered ? "good" : "bad");
  } catch (error) {
    toast(error.message, "bad");
  } finally {
    button.disabled = false;
  }
}

function destinationForm(section) {
  dialog("Add a webhook", (close) =>
    form({
      fields: [
        field({ label: "Name", name: "id", required: true, placeholder: "ops" }),
        field({
          label: "URL",
          name: "url",
          type: "url",
          required: true,
          placeholder: "https://example.com/hook",
        }),
      ],
      action: "Add",
      submit: async (data, element) => {
        const { secret } = await send(
          "PUT",
          `/api/alerts/destinations/${segment(text(data, "id"))}`,
          { url: text(data, "url") },
          { "if-none-match": "*" },
        );
        section.reload();
        element.replaceWith(
          h(
            "div",
            null,
            h("p", null, "Added. Messages are signed with this secret, which is shown this once:"),
            copyable(secret),
            h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: close }, "Done")),
          ),
        );
      },
    }),
  );
}

function remove(destination, section) {
  confirm({
    title: `Delete the webhook ${destination.id}?`,
    text: "Alerts that are not delivered yet are no longer sent there.",
    action: "Delete",
    run: async () => {
      await send("DELETE", `/api/alerts/destinations/${segment(destination.id)}`);
      section.reload();
    },
  });
}

function agents(canSet) {
  return panel({
    title: "Budgets of agents",
    hint: "This month",
    needs: ["registry:read", "costs:read"],
    load: async () => {
      const [{ agents: costs }, { items }] = await Promise.all([get("/api/cost-analysis/agents"), get("/api/agents")]);
      const records = new Map(items.map((one) => [one.id, one]));
      const rows = costs
        .filter((agent) => agent.status !== "archived")
        .sort((a, b) => b.utilization - a.utilization || b.actualCost - a.actualCost);
      if (rows.length === 0) return null;
      return table({
        id: "budgets",
        caption: "Budgets of agents",
        rows,
        page: 10,
        columns: [
          {
            label: "Agent",
            by: (row) => row.name,
            cell: (row) => link(href("agents", { agent: row.id }), row.name),
          },
          { label: "Cost", num: true, by: (row) => row.actualCost, cell: (row) => money(row.actualCost) },
          {
            label: "Budget",
            num: true,
            by: (row) => row.budget,
            cell: (row) => (row.budget === null ? h("span", { class: "muted" }, "none") : money(row.budget)),
          },
          {
            label: "Used",
            num: true,
            by: (row) => row.utilization,
            cell: (row) => (row.budget === null ? "" : percent(row.utilization * 100, 0)),
          },
          {
            label: "Use",
            wide: true,
            cell: (row) =>
              row.budget !== null &&
              meter({
                used: row.utilization,
                label: `${percent(row.utilization * 100, 0)} of the budget used`,
              }),
          },
          canSet && {
            label: "",
            class: "row-actions",
            cell: (row) =>
              records.has(row.id) &&
              h("button", { type: "button", onclick: () => agentForm(records.get(row.id)) }, "Change"),
          },
        ].filter(Boolean),
      });
    },
    empty: "No agents yet.",
  });
}

function alerts(params, canSet) {
  const section = panel({
    title: "Alerts",
    hint: "Newest first. They are kept for 400 days.",
    id: "alerts",
    needs: "registry:read",
    actions: field({
      label: "State",
      id: "alerts-status",
      choices: [["", "any"], ...STATUSES.map((one) => [one, one.replaceAll("_", " ")])],
      value: params.status ?? "",
      onchange: (event) => setParams({ status: event.target.value }, { replace: true }),
    }),
    load: async () => {
      const { items } = await get(withQuery("/api/alerts", { limit: 200, status: params.status }));
      if (items.length === 0) return null;
      return table({
        id: "alerts",
        caption: "Alerts",
        rows: items,
        page: 20,
        columns: [
          { label: "When", class: "when", cell: (one) => showInstant(one.decided_at) },
          {
            label: "Alert",
            cell: (one) => [one.subject.name ?? one.subject.id, h("span", { class: "sub" }, alertWords(one))],
          },
          {
            label: "Cost",
            num: true,
            cell: (one) => money(one.kind === "forecast" && one.forecast ? one.forecast.cost : one.cost),
          },
          {
            label: "Budget",
            num: true,
            wide: true,
            cell: (one) => (one.budget === null ? "none" : money(one.budget)),
          },
          { label: "State", cell: (one) => status(one.status) },
          {
            label: "",
            class: "row-actions",
            cell: (one) =>
              h(
                "button",
                { type: "button", onclick: () => alertDetails(one, canSet, () => section.reload()) },
                "Details",
              ),
          },
        ],
      });
    },
    empty: h("span", null, h("strong", null, "No alerts"), "An alert shows here when a budget's threshold is reached."),
  });
  return section;
}

function alertWords(alert) {
  if (alert.type === "budget.resolved") return `resolved ${count(alert.resolves.length)} earlier`;
  return `${alert.kind === "forecast" ? "forecast reaches" : "reached"} ${alert.threshold_percent} % of the budget`;
}
