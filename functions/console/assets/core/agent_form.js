/** Changes an agent's settings. */

import { segment, send } from "./api.js";
import { button, h } from "./dom.js";
import { confirm, dialog, field, form, text, toast } from "./form.js";
import { setParams } from "./router.js";

/** The settings of an agent that a form or a file may have. */
export const AGENT_FIELDS = [
  "name",
  "hostname",
  "status",
  "category",
  "department",
  "role_title",
  "model_provider",
  "model_name",
  "human_equivalent_salary",
  "estimated_hours_saved",
  "cost_budget_monthly",
];

const STATUSES = ["online", "paused", "draft", "offline"];

/** @param {any} agent as the registry has it, or empty for a new one */
export function agentForm(agent = null) {
  const value = (name) => agent?.[name] ?? "";
  const input = (label, name, attributes) => field({ label, name, value: value(name), ...attributes });
  const amount = (label, name, hint) => input(label, name, { inputmode: "decimal", pattern: "[0-9]*\\.?[0-9]*", hint });
  dialog(
    agent ? `Edit ${agent.name ?? agent.id}` : "Register an agent",
    (close) =>
      form({
        fields: [
          h(
            "div",
            { class: "fields" },
            !agent && field({ label: "Id, as events name it", name: "id", required: true }),
            input("Name", "name"),
            field({
              label: "Status",
              name: "status",
              choices: [...STATUSES, ...(agent?.status === "archived" ? ["archived"] : [])],
              value: agent?.status ?? "online",
            }),
            input("Department", "department"),
            input("Role", "role_title"),
            input("Category", "category"),
            input("Host", "hostname"),
            input("Model", "model_name", { hint: "Shown in lists. If empty, the model that it calls most." }),
            input("Provider of the model", "model_provider"),
          ),
          h("h3", null, "Budget and value"),
          h(
            "div",
            { class: "fields" },
            amount("Budget, dollars per month", "cost_budget_monthly"),
            amount("Salary of a person, dollars per year", "human_equivalent_salary"),
            amount("Hours saved per month, estimated", "estimated_hours_saved", "Used unless its tasks report saved minutes."),
          ),
        ],
        action: agent ? "Save" : "Register",
        more:
          agent &&
          agent.registered &&
          agent.status !== "archived" &&
          button("Archive", () => archive(agent, close), { class: "danger" }),
        submit: async (data) => {
          const body = Object.fromEntries(AGENT_FIELDS.map((name) => [name, text(data, name)]));
          const headers = agent ? { "if-match": agent.etag } : { "if-none-match": "*" };
          await send("PUT", `/api/agents/${segment(agent?.id ?? text(data, "id"))}`, body, headers);
          close();
          toast("Saved.");
          setParams({}, { replace: true });
        },
      }),
    { wide: true },
  );
}

function archive(agent, close) {
  confirm({
    title: `Archive ${agent.name ?? agent.id}?`,
    text: "It leaves the lists of agents. Its history stays, and saving it again brings it back.",
    action: "Archive",
    run: async () => {
      await send("DELETE", `/api/agents/${segment(agent.id)}`);
      close();
      toast("Archived.");
      setParams({}, { replace: true });
    },
  });
}
