/** The organization's settings. */

import { get, send } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { checkbox, field, form, text, toast } from "../../core/form.js";
import { panel } from "../../core/panel.js";
import { setParams } from "../../core/router.js";
import { canWrite, rest } from "./common.js";

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

/** The time zone. Days begin at its midnight, so all of them are recomputed after a change. */
function zoneHint({ timezone_change: change }) {
  if (change === null)
    return "Days and months begin at its midnight. After a change, all of them are recomputed in the background.";
  const done = change.days_total ? ` (${change.days_done} of ${change.days_total} days)` : "";
  return `Days are being recomputed${done}. Until that is done, figures follow ${change.shown}.`;
}

/** Like a change of the zone, one of the list recomputes all days. */
function dimensionsHint({ dimensions_change: change }) {
  if (change === null)
    return "Such as tag.customer, project_id, task_type, end_user. Costs can be seen by each. After a change, the past is recomputed in the background.";
  const done = change.days_total ? ` (${change.days_done} of ${change.days_total} days)` : "";
  const shown = change.shown.join(", ") || "none";
  return `Days are being recomputed${done}. Until that is done, costs can be seen by the former ones: ${shown}.`;
}

function organizationForm(organization) {
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
          hint: zoneHint(organization),
        }),
        h(
          "datalist",
          { id: "zones" },
          Intl.supportedValuesOf("timeZone").map((zone) => h("option", { value: zone })),
        ),
      ),
      field({
        label: "Tracked dimensions, up to 8",
        name: "dimensions",
        value: organization.dimensions.join(", "),
        hint: dimensionsHint(organization),
      }),
      field({
        label: "OpenTelemetry resource attributes that become tags",
        name: "attributes",
        value: organization.resource_attribute_tags.join(", "),
        hint: "Such as team, deployment.environment.",
      }),
      checkbox({
        label: "Also recommend models of other providers that are in use",
        name: "cross",
        checked: organization.cross_provider_recommendations,
      }),
      checkbox({
        label: "Charge the costs that LiteLLM and OpenTelemetry senders compute, instead of the price book's",
        name: "reported",
        checked: organization.charge_reported_costs,
      }),
      field({
        label: "Only recommend these models",
        name: "allow",
        value: organization.recommendation_allow_list.join("\n"),
        rows: 3,
        hint: "One per line, as model or provider/model. If empty, any model.",
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
        dimensions: lines("dimensions"),
        resource_attribute_tags: lines("attributes"),
        charge_reported_costs: data.has("reported"),
      };
      await send("PUT", "/api/organization", { ...rest(organization), ...body }, { "if-match": organization.etag });
      toast("Saved.");
      setParams({}, { replace: true });
    },
  });
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
