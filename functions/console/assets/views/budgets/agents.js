/** The agents' budgets. */

import { agentForm } from "../../core/agent_form.js";
import { getAll } from "../../core/api.js";
import { button, h, link } from "../../core/dom.js";
import { money, percent } from "../../core/format.js";
import { meter, panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";

export function agents(canSet) {
  return panel({
    title: "Budgets of agents",
    hint: "This month",
    needs: ["registry:read", "costs:read"],
    load: async () => {
      const [{ agents: costs }, { items }] = await Promise.all([
        getAll("/api/cost-analysis/agents", "agents"),
        getAll("/api/agents", "items"),
      ]);
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
            cell: (row) => records.has(row.id) && button("Change", () => agentForm(records.get(row.id))),
          },
        ].filter(Boolean),
      });
    },
    empty: "No agents yet.",
  });
}
