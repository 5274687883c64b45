/** Calls without a price, the reason, and the way to give them one. */

import { get } from "../../core/api.js";
import { button, h } from "../../core/dom.js";
import { count, short } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { table } from "../../core/table.js";
import { showInstant } from "../../core/time.js";
import { priceDialog } from "./price_form.js";

/** Why a call has no price, and what to do about it. */
const REASONS = {
  unknown_provider: "The price book does not have this provider.",
  unknown_model: "The price book does not have this model of the provider.",
  no_price_at_that_time: "The model had no price at the time of the call.",
  no_price_for_tier: "There is no price for this service tier.",
  no_price_for_region: "There is no price for this region.",
  no_price_for_modality: "There is no price for audio or images of this model.",
  no_price_for_cache_write: "There is no price for writing to this cache.",
  no_price_for_unit: "The tokens are priced, but not what is billed by count.",
};

export function unpriced(canSet) {
  return panel({
    title: "Calls without a price",
    hint: "This month. They count in requests and tokens, and add nothing to cost until they have a price.",
    id: "unpriced",
    needs: "costs:read",
    load: async () => {
      const { unpriced } = await get("/api/cost-analysis/unpriced");
      if (unpriced.length === 0) return null;
      return table({
        id: "unpriced",
        caption: "Calls without a price",
        rows: unpriced,
        columns: [
          {
            label: "Model",
            by: (row) => row.model,
            cell: (row) => [
              h("span", { class: "name" }, row.model),
              h(
                "span",
                { class: "sub" },
                [row.provider, row.tier !== "standard" && row.tier, row.region].filter(Boolean).join(" · "),
              ),
            ],
          },
          {
            label: "Why",
            wide: true,
            cell: (row) => [
              REASONS[row.reason] ?? row.reason,
              row.nearest.length > 0 && h("span", { class: "sub" }, `Similar: ${row.nearest.join(", ")}`),
            ],
          },
          { label: "Calls", num: true, by: (row) => row.requests, cell: (row) => count(row.requests) },
          { label: "Tokens", num: true, by: (row) => row.tokens, cell: (row) => short(row.tokens) },
          {
            label: "Last seen",
            num: true,
            wide: true,
            by: (row) => row.lastSeen,
            cell: (row) => showInstant(row.lastSeen),
          },
          canSet && {
            label: "",
            class: "row-actions",
            cell: (row) =>
              row.model !== "(other)" &&
              button("Set a price", () => priceDialog({ ...row, effectiveFrom: row.firstSeen.slice(0, 10) }), {
                class: "primary",
              }),
          },
        ].filter(Boolean),
      });
    },
    empty: h(
      "span",
      null,
      h("strong", null, "Every call of this month has a price"),
      "Calls of a model without a price would be listed here.",
    ),
  });
}
