/** What calls cost: what has no price, the organization's own prices, the price book, and what retires. */

import { h } from "../core/dom.js";
import * as session from "../core/session.js";
import { getToday, monthStart } from "../core/time.js";
import { book } from "./prices/book.js";
import { priceDialog } from "./prices/price_form.js";
import { repriceDialog } from "./prices/reprice.js";
import { repricings } from "./prices/repricings.js";
import { retirements } from "./prices/retirements.js";
import { unpriced } from "./prices/unpriced.js";

export async function view({ params }) {
  const canSet = session.has("registry:write");
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        null,
        h("h1", null, "Prices"),
        h(
          "p",
          null,
          "Each call is priced by the rate in force when it was made. Your own price wins over the price book.",
        ),
      ),
      canSet &&
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => priceDialog({}) }, "Set a price"),
          h(
            "button",
            { type: "button", onclick: () => repriceDialog({ from: monthStart(getToday()) }) },
            "Reprice calls",
          ),
        ),
    ),
    unpriced(canSet),
    repricings(),
    retirements(),
    book(params),
  );
}
