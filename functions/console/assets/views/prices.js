/** Prices: calls without one, the organization's own prices, the price book, and models that retire. */

import { button, h } from "../core/dom.js";
import { page } from "../core/panel.js";
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
  return page(
    {
      title: "Prices",
      note: "Each call is priced at the rate in force when it was made. Your own prices override the price book.",
      actions: canSet && [
        button("Set a price", () => priceDialog({})),
        button("Reprice calls", () => repriceDialog({ from: monthStart(getToday()) })),
      ],
    },
    unpriced(canSet),
    repricings(),
    retirements(),
    book(params),
  );
}
