/** The list of alerts. */

import { get, withQuery } from "../../core/api.js";
import { button, h } from "../../core/dom.js";
import { field } from "../../core/form.js";
import { count, money, status } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { setParams } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showInstant } from "../../core/time.js";
import { alertDetails } from "./alert.js";

const STATUSES = ["pending", "sent", "dead_lettered", "resolved", "superseded"];

export function alerts(params, canSet) {
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
            cell: (one) => button("Details", () => alertDetails(one, canSet, () => section.reload())),
          },
        ],
      });
    },
    empty: h("span", null, h("strong", null, "No alerts"), "An alert appears here when a budget's threshold is reached."),
  });
  return section;
}

function alertWords(alert) {
  if (alert.type === "budget.resolved") return `resolved ${count(alert.resolves.length)} earlier`;
  return `${alert.kind === "forecast" ? "forecast reaches" : "reached"} ${alert.threshold_percent} % of the budget`;
}
