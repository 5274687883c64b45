/** Models in use that their provider will stop serving. */

import { get } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { badge, money } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { table } from "../../core/table.js";
import { daysBetween, getToday, showDay } from "../../core/time.js";
import { USED, find } from "./in_use.js";

/** Retirements within this number of days are shown. */
const AHEAD = 180;

/** Models in use this month that their provider will stop serving. */
export function retirements() {
  return panel({
    title: "Upcoming retirements",
    hint: `Models that you called this month and that retire within ${AHEAD} days`,
    needs: "costs:read",
    load: async () => {
      const { models } = await get("/api/cost-analysis/by-model");
      const asked = await Promise.all(models.slice(0, USED).map(find));
      const soon = models
        .map((one, at) => ({ ...one, price: asked[at] }))
        .filter(({ price }) => price?.retiresOn && daysBetween(getToday(), price.retiresOn) < AHEAD);
      if (soon.length === 0) return null;
      soon.sort((a, b) => a.price.retiresOn.localeCompare(b.price.retiresOn));
      return table({
        id: "retire",
        caption: "Models that retire",
        rows: soon,
        columns: [
          {
            label: "Model",
            cell: (one) => [h("span", { class: "name" }, one.model), h("span", { class: "sub" }, one.provider)],
          },
          {
            label: "Retires",
            num: true,
            cell: (one) =>
              badge(
                `${one.price.retired ? "retired " : ""}${showDay(one.price.retiresOn)}`,
                daysBetween(getToday(), one.price.retiresOn) < 30 ? "bad" : "warn",
              ),
          },
          { label: "Successor", wide: true, cell: (one) => one.price.successor ?? "" },
          { label: "Cost this month", num: true, cell: (one) => money(one.totalCost) },
        ],
      });
    },
    empty: "None of the models in use retires soon.",
  });
}
