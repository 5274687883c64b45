/** The form for an own price. */

import { segment, send } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { dialog, field, form, text } from "../../core/form.js";
import { getToday, monthStart } from "../../core/time.js";
import { repriceDialog } from "./reprice.js";

/** Sets an own price. Afterwards the stored calls can be repriced. */
export function priceDialog({ provider = "", model = "", effectiveFrom = monthStart(getToday()), nearest = [] }) {
  const rate = (label, name, attributes) =>
    field({ label, name, inputmode: "decimal", pattern: "[0-9]*\\.?[0-9]*", placeholder: "0.00", ...attributes });
  dialog("Set a price", (close) =>
    form({
      fields: [
        h(
          "div",
          { class: "fields" },
          field({ label: "Provider", name: "provider", value: provider, required: true }),
          field({ label: "Model", name: "model", value: model, required: true }),
          field({
            label: "From this UTC day on",
            name: "effectiveFrom",
            type: "date",
            value: effectiveFrom,
            required: true,
          }),
        ),
        h("h3", null, "Rates, in dollars per million tokens"),
        h(
          "div",
          { class: "fields" },
          rate("Input", "inputPricePerMillion"),
          rate("Output", "outputPricePerMillion"),
          rate("Cache read", "cacheReadPricePerMillion", { placeholder: "list price" }),
          rate("Cache write, 5 min", "cacheWrite5mPricePerMillion", { placeholder: "list price" }),
        ),
        h("h3", null, "Or one of these instead"),
        h(
          "div",
          { class: "fields" },
          rate("Factor on the list price", "multiplier", {
            placeholder: "0.85",
            hint: "0.85 is a discount of 15 %.",
          }),
          field({
            label: "The price of another model",
            name: "alias",
            placeholder: nearest[0]?.replace(`${provider}/`, "") ?? "gpt-4o",
            hint: "For your own names, such as that of a deployment.",
          }),
        ),
      ],
      action: "Set the price",
      submit: async (data) => {
        const names = [
          "inputPricePerMillion",
          "outputPricePerMillion",
          "cacheReadPricePerMillion",
          "cacheWrite5mPricePerMillion",
          "multiplier",
          "alias",
          "effectiveFrom",
        ];
        const body = Object.fromEntries(
          names.map((name) => [name, text(data, name)]).filter(([, value]) => value !== null),
        );
        if (!body.alias && !body.multiplier && !(body.inputPricePerMillion && body.outputPricePerMillion))
          throw new Error("Give the rates of input and output, or a factor, or another model.");
        const [one, other] = [text(data, "provider"), text(data, "model")];
        await send("PUT", `/api/cost-analysis/pricing/${segment(one)}/${segment(other)}`, body);
        close();
        repriceDialog({ provider: one, model: other, from: body.effectiveFrom, isNew: true });
      },
    }),
  );
}
