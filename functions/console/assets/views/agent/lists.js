/** An agent's savings, sessions and activity. */

import { get, getAll, withQuery } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { entryDetails } from "../../core/entry.js";
import { badge, money, percent, plural } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { SESSION_DAYS, listSessions, sessionRange, sessionTable } from "../../core/sessions.js";
import { table } from "../../core/table.js";
import { getToday, showDay, showInstant } from "../../core/time.js";

/** Number of rows of a short list. */
const TOP = 6;

export function savings(id) {
  return panel({
    title: "Savings found",
    class: "half",
    needs: "costs:read",
    load: async () => {
      const { recommendations } = await getAll("/api/cost-analysis/recommendations", "recommendations");
      const own = recommendations.filter((one) => one.agentId === id);
      if (own.length === 0) return null;
      return h("div", null, own.map(recommendation));
    },
    empty: "No other model would do this agent's work for less.",
  });
}

function recommendation(one) {
  const price = (value) => (value === null ? "–" : `$${value}`);
  return h(
    "div",
    { class: "advice" },
    h(
      "p",
      null,
      h("strong", { class: "name" }, `${one.currentModel} → ${one.recommendedModel}`),
      " ",
      one.retiresOn && badge(`retires ${showDay(one.retiresOn)}`, "warn"),
    ),
    h(
      "p",
      null,
      money(one.estimatedMonthlySavings),
      ` per month (−${percent(one.savingsPct, 0)}), based on ${plural(one.basis.calls, "call")} since ${showDay(one.basis.since)}.`,
    ),
    h(
      "p",
      { class: "hint" },
      `Per million tokens: input ${price(one.currentInputPrice)} → ${price(one.recommendedInputPrice)}, output ${price(one.currentOutputPrice)} → ${price(one.recommendedOutputPrice)}. Errors now ${percent(one.basis.errorRatePct)}`,
      one.basis.recommendedErrorRatePct === null
        ? ", not yet tried with the other model."
        : `, with the other model ${percent(one.basis.recommendedErrorRatePct)} of ${plural(one.basis.recommendedCalls, "call")}.`,
    ),
  );
}

export function sessions(id) {
  const range = sessionRange(getToday());
  return panel({
    title: "Most expensive sessions",
    hint: `The last ${SESSION_DAYS} days`,
    class: "half",
    needs: "costs:read",
    actions: link(href("sessions", { agent: id }), "All sessions"),
    load: async () => {
      const { rows } = await listSessions({ agent: id, ...range });
      return rows.length > 0 ? sessionTable(rows.slice(0, TOP), range) : null;
    },
    empty: "No call of these days names a session (session_id or conversation_id).",
  });
}

export function activity(id) {
  return panel({
    title: "Activity",
    class: "half",
    needs: "activity:read",
    actions: link(href("activity", { agent: id }), "All activity"),
    load: async () => {
      const { data } = await get(withQuery("/api/activity", { agentId: id, limit: 8 }));
      if (data.length === 0) return null;
      return table({
        id: "activity",
        caption: "Latest activity",
        rows: data,
        columns: [
          {
            label: "What",
            cell: (entry) => [entry.eventType.replaceAll("_", " "), h("span", { class: "sub" }, entryDetails(entry))],
          },
          { label: "When", num: true, cell: (entry) => showInstant(entry.createdAt) },
        ],
      });
    },
    empty: "No activity in the last 30 days.",
  });
}
