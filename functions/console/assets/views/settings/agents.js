/** The agents, registered or not. */

import { agentForm } from "../../core/agent_form.js";
import { getAll } from "../../core/api.js";
import { button, h, link } from "../../core/dom.js";
import { exportButton } from "../../core/export.js";
import { field } from "../../core/form.js";
import { badge, money, status } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href, setParams } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showDay } from "../../core/time.js";
import { canWrite } from "./common.js";
import { importAgents } from "./import.js";

export function agentsTab({ params }) {
  const search = (event) => setParams({ q: event.target.value, "registry.page": null }, { replace: true });
  return panel({
    title: "Agents",
    hint: "Agents that are registered here or were named by events",
    needs: "registry:read",
    actions: [
      canWrite() && button("Register an agent", () => agentForm(), { class: "primary" }),
      canWrite() && button("Import CSV", importAgents),
      exportButton("agents", "/api/agents"),
    ],
    load: async () => {
      const { items } = await getAll("/api/agents", "items");
      const words = (params.q ?? "").toLowerCase();
      const rows = items.filter((agent) =>
        [agent.id, agent.name, agent.department].some((text) => text?.toLowerCase().includes(words)),
      );
      return [
        h(
          "div",
          { class: "filters" },
          field({
            label: "Search",
            type: "search",
            id: "registry-q",
            value: params.q ?? "",
            placeholder: "name, id or department",
            class: "grow",
            oninput: search,
          }),
        ),
        rows.length > 0
          ? agentTable(rows)
          : h(
              "div",
              { class: "state" },
              h("strong", null, items.length > 0 ? "No agent matches" : "No agents yet"),
              items.length === 0 && link(href("sources"), "How to connect one"),
            ),
      ];
    },
  });
}

function agentTable(rows) {
  const amount = (name) => (agent) => (agent[name] === null ? h("span", { class: "muted" }, "–") : money(agent[name]));
  return table({
    id: "registry",
    caption: "Agents",
    rows,
    rowClass: (agent) => (agent.status === "archived" ? "dim" : null),
    columns: [
      {
        label: "Agent",
        by: (agent) => agent.name ?? agent.id,
        cell: (agent) => [
          link(href("agents", { agent: agent.id }), agent.name ?? agent.id),
          " ",
          !agent.registered && badge("not registered"),
          h("span", { class: "sub" }, [agent.name && agent.id, agent.role_title].filter(Boolean).join(" · ")),
        ],
      },
      { label: "Status", by: (agent) => agent.status, cell: (agent) => status(agent.status) },
      {
        label: "Department",
        wide: true,
        by: (agent) => agent.department,
        cell: (agent) => agent.department ?? h("span", { class: "muted" }, "–"),
      },
      {
        label: "Budget",
        num: true,
        by: (agent) => agent.cost_budget_monthly,
        cell: amount("cost_budget_monthly"),
      },
      {
        label: "Salary",
        num: true,
        wide: true,
        by: (agent) => agent.human_equivalent_salary,
        cell: amount("human_equivalent_salary"),
      },
      {
        label: "Last seen",
        num: true,
        wide: true,
        by: (agent) => agent.last_seen,
        cell: (agent) => (agent.last_seen ? showDay(agent.last_seen) : "never"),
      },
      canWrite() && {
        label: "",
        class: "row-actions",
        cell: (agent) => button("Edit", () => agentForm(agent)),
      },
    ].filter(Boolean),
  });
}
