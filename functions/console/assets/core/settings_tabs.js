/** The settings of the organization, its plan, and its keys. */

import { get, segment, send } from "./api.js";
import { h, link } from "./dom.js";
import { checkbox, confirm, field, form, text, toast } from "./form.js";
import { badge, count, money, percent, status } from "./format.js";
import { keyForm } from "./keys.js";
import { kpi, meter, panel } from "./panel.js";
import { href, setParams } from "./router.js";
import * as session from "./session.js";
import { table } from "./table.js";
import { showDay, showInstant } from "./time.js";

const canWrite = () => session.has("registry:write");

export function organizationTab() {
  return panel({
    title: "Organization",
    needs: "registry:read",
    load: async () => {
      const organization = await get("/api/organization");
      return canWrite() ? organizationForm(organization) : facts(organization);
    },
  });
}

function organizationForm(organization) {
  const tracks = Array.isArray(organization.dimensions);
  return form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field({ label: "Name", name: "name", value: organization.name ?? "", maxlength: 200 }),
        field({
          label: "Time zone",
          name: "timezone",
          value: organization.timezone,
          list: "zones",
          required: true,
          hint: "Days and months are cut in it, so it is set before the first event.",
        }),
        h(
          "datalist",
          { id: "zones" },
          Intl.supportedValuesOf("timeZone").map((zone) => h("option", { value: zone })),
        ),
      ),
      tracks &&
        field({
          label: "Tracked dimensions, up to 8",
          name: "dimensions",
          value: organization.dimensions.join(", "),
          hint: "Such as tag.customer, project_id, task_type, end_user. Costs can be seen by each.",
        }),
      checkbox({
        label: "Recommend models of other providers that are in use, too",
        name: "cross",
        checked: organization.cross_provider_recommendations,
      }),
      field({
        label: "Only recommend these models",
        name: "allow",
        value: organization.recommendation_allow_list.join("\n"),
        rows: 3,
        hint: "One a line, as model or provider/model. Any, if empty.",
      }),
    ],
    action: "Save",
    submit: async (data) => {
      const lines = (name) =>
        String(data.get(name))
          .split(/[\n,]+/)
          .map((line) => line.trim())
          .filter(Boolean);
      const body = {
        name: text(data, "name"),
        timezone: text(data, "timezone"),
        cross_provider_recommendations: data.has("cross"),
        recommendation_allow_list: lines("allow"),
        ...(tracks ? { dimensions: lines("dimensions") } : {}),
      };
      await send("PUT", "/api/organization", { ...rest(organization), ...body }, { "if-match": organization.etag });
      toast("Saved.");
      setParams({}, { replace: true });
    },
  });
}

/** Settings that this form does not know keep their values: a PUT replaces all of them. */
function rest(settings) {
  const { id: _, etag: __, ...others } = settings;
  return others;
}

function facts(organization) {
  const list = [
    ["Id", organization.id],
    ["Name", organization.name ?? "–"],
    ["Time zone", organization.timezone],
    [
      "Recommendations",
      organization.cross_provider_recommendations ? "of all providers in use" : "of the same provider",
    ],
  ];
  return h(
    "dl",
    { class: "facts" },
    list.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]),
  );
}

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
  ["price_cents", "Price, cents a period"],
  ["token_allowance", "Tokens a period"],
  ["api_call_limit", "Calls a period"],
  ["conversation_limit", "Conversations a period"],
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

export function keysTab() {
  const section = panel({
    title: "Keys",
    hint: "For tools that can only send a static header. A key cannot read or change settings.",
    needs: "registry:read",
    actions:
      canWrite() &&
      h("button", { type: "button", class: "primary", onclick: () => keyForm(() => section.reload()) }, "Make a key"),
    load: async () => {
      const { items } = await get("/api/keys");
      if (items.length === 0) return null;
      return table({
        id: "keys",
        caption: "Keys",
        rows: items,
        columns: [
          {
            label: "Key",
            by: (key) => key.name,
            cell: (key) => [
              h("span", { class: "name" }, key.name),
              h("span", { class: "sub" }, h("code", null, `flk_${key.id}_…`)),
            ],
          },
          { label: "May", cell: (key) => h("span", { class: "name" }, key.scopes.join(", ")) },
          {
            label: "Made",
            num: true,
            wide: true,
            by: (key) => key.createdAt,
            cell: (key) => showInstant(key.createdAt),
          },
          {
            label: "Last used",
            num: true,
            by: (key) => key.lastUsed,
            cell: (key) => (key.lastUsed ? showDay(key.lastUsed) : "never"),
          },
          { label: "Expires", num: true, wide: true, by: (key) => key.expiresAt, cell: (key) => expiry(key) },
          canWrite() && {
            label: "",
            class: "row-actions",
            cell: (key) =>
              h("button", { type: "button", class: "danger", onclick: () => revoke(key, section) }, "Revoke"),
          },
        ].filter(Boolean),
      });
    },
    empty: h(
      "span",
      null,
      h("strong", null, "No keys"),
      "Make one here, or where you ",
      link(href("sources"), "connect a tool"),
      ".",
    ),
  });
  return section;
}

function expiry(key) {
  if (!key.expiresAt) return "never";
  return Date.parse(key.expiresAt) < Date.now() ? badge("expired", "bad") : showInstant(key.expiresAt);
}

function revoke(key, section) {
  confirm({
    title: `Revoke the key ${key.name}?`,
    text: "Within 30 seconds, what uses it is refused.",
    action: "Revoke",
    run: async () => {
      await send("DELETE", `/api/keys/${segment(key.id)}`);
      toast("Revoked.");
      section.reload();
    },
  });
}
