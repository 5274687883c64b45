/** The organization's budget. */

import { get, send } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { checkbox, field, form, text, toast } from "../../core/form.js";
import { money, percent } from "../../core/format.js";
import { monthToDate } from "../../core/month.js";
import { meter, panel } from "../../core/panel.js";
import { setParams } from "../../core/router.js";
import * as session from "../../core/session.js";
import * as usd from "../../core/usd.js";

export function organization(canSet) {
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

/** The part of the budget that the month has used. */
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
          label: "Dollars per month",
          name: "monthly",
          value: budget.monthly ?? "",
          inputmode: "decimal",
          pattern: "[0-9]*\\.?[0-9]*",
          placeholder: "the sum of the agents' budgets",
        }),
        field({
          label: "Warn at these percentages of it",
          name: "thresholds",
          value: budget.thresholds.join(", "),
          required: true,
          hint: "They also apply to each agent's budget.",
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
    h("dd", null, budget.monthly === null ? "the sum of the agents' budgets" : money(budget.monthly)),
    h("dt", null, "Warn at"),
    h("dd", null, `${budget.thresholds.join(", ")} %${budget.forecast ? ", also by forecast" : ""}`),
  );
}
