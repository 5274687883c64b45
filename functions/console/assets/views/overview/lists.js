/** The most expensive agents and models, and possible savings. */

import { get, getAll } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { badge, money, percent, plural } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { barCell, table } from "../../core/table.js";
import { showDay, showMonth } from "../../core/time.js";

/** Number of rows of the short lists. */
export const TOP = 6;

export function firstSteps() {
  return h(
    "span",
    null,
    h("strong", null, "No calls in these days"),
    "Connect an agent, and its cost shows here within a minute. ",
    link(href("sources"), "How to connect"),
  );
}

export function topAgents(today) {
  return panel({
    title: "Most expensive agents",
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

export function topModels(today) {
  return panel({
    title: "Most expensive models",
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

export function savings() {
  return panel({
    title: "Savings found",
    hint: "The same work on a cheaper model, computed from each agent's tokens of the last 30 days",
    class: "half",
    id: "savings",
    needs: "costs:read",
    load: async () => {
      const { recommendations } = await getAll("/api/cost-analysis/recommendations", "recommendations");
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
