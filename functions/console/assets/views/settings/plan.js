/** The plan and its usage. */

import { get, send } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { field, form, text, toast } from "../../core/form.js";
import { count, money, percent, status } from "../../core/format.js";
import { kpi, meter, panel } from "../../core/panel.js";
import { setParams } from "../../core/router.js";
import { showInstant } from "../../core/time.js";
import { canWrite, rest } from "./common.js";

export function planTab() {
  return [
    panel({ title: "Usage of the period", needs: "billing:read", load: planUsage }),
    panel({
      title: "Plan",
      needs: "registry:read",
      load: async () => planFacts(await get("/v1/billing/subscription")),
    }),
  ];
}

async function planUsage() {
  const { plan, usage } = await get("/v1/billing");
  const part = (label, used, limit) => {
    const share = limit > 0 ? used / limit : 0;
    return kpi({
      label,
      value: count(used),
      note: `of ${count(limit)}, ${percent(share * 100, 0)}`,
      extra: meter({ used: share, label: `${percent(share * 100, 0)} used` }),
    });
  };
  const period =
    plan.current_period_start && `${showInstant(plan.current_period_start)} to ${showInstant(plan.current_period_end)}`;
  return [
    h(
      "p",
      null,
      h("strong", null, plan.plan_name),
      " ",
      status(plan.status),
      " ",
      h("span", { class: "muted" }, period),
    ),
    h(
      "div",
      { class: "kpis" },
      part("Tokens", usage.total_tokens, plan.token_allowance),
      part("Calls", usage.total_requests, plan.api_call_limit),
      part("Agents", usage.active_instances, plan.instance_limit),
      kpi({
        label: "Cost",
        value: money(usage.total_cost_usd),
        note: [money(usage.platform_cost_usd), " on the platform's keys"],
      }),
      kpi({ label: "End users", value: count(usage.unique_end_users) }),
    ),
  ];
}

const PLAN_NUMBERS = [
  ["price_cents", "Price, cents per period"],
  ["token_allowance", "Tokens per period"],
  ["api_call_limit", "Calls a period"],
  ["conversation_limit", "Conversations per period"],
  ["instance_limit", "Agents"],
  ["max_sites_per_node", "Sites per node"],
];

const PLAN_STATES = ["none", "trialing", "active", "past_due", "unpaid", "paused", "canceled", "incomplete"];

function planFacts(plan) {
  if (!canWrite())
    return h(
      "dl",
      { class: "facts" },
      PLAN_NUMBERS.map(([name, label]) => [h("dt", null, label), h("dd", { class: "num" }, count(plan[name]))]),
    );
  return form({
    fields: h(
      "div",
      { class: "fields" },
      field({ label: "Plan", name: "plan_name", value: plan.plan_name }),
      field({
        label: "State",
        name: "status",
        choices: PLAN_STATES.map((one) => [one, one.replaceAll("_", " ")]),
        value: plan.status,
      }),
      field({
        label: "Billed",
        name: "billing_cycle",
        choices: ["monthly", "annual"],
        value: plan.billing_cycle,
      }),
      PLAN_NUMBERS.map(([name, label]) => field({ label, name, value: plan[name], type: "number", min: 0 })),
    ),
    action: "Save",
    submit: async (data) => {
      const numbers = Object.fromEntries(PLAN_NUMBERS.map(([name]) => [name, Number(data.get(name))]));
      const body = {
        ...rest(plan),
        ...numbers,
        plan_name: text(data, "plan_name"),
        status: data.get("status"),
        billing_cycle: data.get("billing_cycle"),
      };
      await send("PUT", "/v1/billing/subscription", body, { "if-match": plan.etag });
      toast("Saved.");
      setParams({}, { replace: true });
    },
  });
}
