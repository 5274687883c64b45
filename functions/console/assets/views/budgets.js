/** Budgets, thresholds, where alerts are sent, and what was sent. */

import { h } from "../core/dom.js";
import { page } from "../core/panel.js";
import * as session from "../core/session.js";
import { agents } from "./budgets/agents.js";
import { alerts } from "./budgets/alerts.js";
import { destinations } from "./budgets/destinations.js";
import { organization } from "./budgets/organization.js";

export async function view({ params }) {
  const canSet = session.has("registry:write");
  return page(
    {
      title: "Budgets and alerts",
      note: "Every five minutes each budget is compared with the cost so far and the forecast.",
    },
    organization(canSet),
    destinations(canSet),
    agents(canSet),
    alerts(params, canSet),
  );
}
