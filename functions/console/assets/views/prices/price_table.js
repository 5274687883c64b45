/** A table of prices, and all prices of one model. */

import { segment, send, withQuery } from "../../core/api.js";
import { button, h } from "../../core/dom.js";
import { confirm, dialog, toast } from "../../core/form.js";
import { badge, count, short } from "../../core/format.js";
import { setParams } from "../../core/router.js";
import * as session from "../../core/session.js";
import { table } from "../../core/table.js";
import { showDay } from "../../core/time.js";
import { priceDialog } from "./price_form.js";

const RATE = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 6 });

export function priceTable(rows) {
  const rate = (name, missing) => (one) =>
    one[name] === undefined || (missing && one.withoutPrice?.includes(missing))
      ? h("span", { class: "muted" }, "–")
      : RATE.format(one[name]);
  return table({
    id: "book",
    caption: "Price book",
    rows,
    rowClass: (one) => (one.retired ? "dim" : null),
    columns: [
      {
        label: "Model",
        by: (one) => one.id,
        cell: (one) => [
          h("span", { class: "name" }, one.id),
          " ",
          one.overridden && badge("your price", "good"),
          one.multiplier && badge(`× ${one.multiplier}`, "good"),
          one.retired && badge("retired"),
          h("span", { class: "sub" }, one.provider),
        ],
      },
      { label: "Mode", wide: true, by: (one) => one.mode, cell: (one) => one.mode ?? "" },
      {
        label: "Input",
        num: true,
        by: (one) => one.inputPricePerMillion,
        cell: rate("inputPricePerMillion", "input"),
      },
      {
        label: "Output",
        num: true,
        by: (one) => one.outputPricePerMillion,
        cell: rate("outputPricePerMillion", "output"),
      },
      {
        label: "Cache read",
        num: true,
        wide: true,
        by: (one) => one.cacheReadPricePerMillion,
        cell: rate("cacheReadPricePerMillion"),
      },
      {
        label: "Context",
        num: true,
        wide: true,
        by: (one) => one.contextTokens,
        cell: (one) => (one.contextTokens ? short(one.contextTokens) : ""),
      },
      {
        label: "Retires",
        num: true,
        wide: true,
        by: (one) => one.retiresOn,
        cell: (one) => (one.retiresOn ? showDay(one.retiresOn) : ""),
      },
      {
        label: "",
        class: "row-actions",
        cell: (one) => button("Details", () => details(one), { class: "link" }),
      },
    ],
  });
}

/** Every price of a model: tiers, regions, lengths, units. */
function details(one) {
  const rows = [
    { name: "Standard", ...one },
    ...(one.longContext ?? []).map(named),
    ...(one.otherPrices ?? []).map(named),
  ];
  const units = Object.entries(one.units ?? {});
  dialog(
    `${one.provider}/${one.id}`,
    () => [
      one.aliases && h("p", { class: "hint" }, `Also: ${one.aliases.join(", ")}`),
      h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Rates" },
        h(
          "table",
          null,
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              h("th", null, "Price for"),
              ["Input", "Output", "Cache read", "Write 5 min", "Write 1 h"].map((label) =>
                h("th", { class: "num" }, label),
              ),
            ),
          ),
          h(
            "tbody",
            null,
            rows.map((row) =>
              h(
                "tr",
                null,
                h("th", { scope: "row" }, row.name),
                ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"].map((name) =>
                  h(
                    "td",
                    { class: "num" },
                    row[`${name}PricePerMillion`] === undefined ? "–" : RATE.format(row[`${name}PricePerMillion`]),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
      units.length > 0 &&
        h("p", null, "Per unit: ", units.map(([name, price]) => `${name.replaceAll("_", " ")} $${price}`).join(", ")),
      session.has("registry:write") &&
        h(
          "div",
          { class: "actions" },
          button("Set your own price", () => priceDialog({ provider: one.provider, model: one.id })),
          one.overridden &&
            one.effectiveFrom &&
            button("Remove your price", () => removePrice(one), { class: "danger" }),
        ),
    ],
    { wide: true },
  );
}

function named(row) {
  const long = row.aboveInputTokens && `above ${count(row.aboveInputTokens)} input tokens`;
  return { ...row, name: [row.tier, row.region, row.hours, long].filter(Boolean).join(", ") };
}

function removePrice(one) {
  confirm({
    title: "Remove your price?",
    text: "Later calls are priced by the version before it, or by the price book. Stored calls keep their cost.",
    action: "Remove",
    run: async () => {
      await send(
        "DELETE",
        withQuery(`/api/cost-analysis/pricing/${segment(one.provider)}/${segment(one.id)}`, {
          effectiveFrom: one.effectiveFrom,
        }),
      );
      document.querySelectorAll("dialog").forEach((box) => box.close());
      toast("Your price is removed.");
      setParams({}, { replace: true });
    },
  });
}
