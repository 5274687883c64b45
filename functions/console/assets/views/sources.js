/** Who sends events, what is rejected or not counted, and how to connect a tool. */

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { badge, plural } from "../core/format.js";
import { page, panel } from "../core/panel.js";
import { ago, showInstant } from "../core/time.js";
import { sources } from "./sources/arrivals.js";
import { connect } from "./sources/connect.js";
import { TOOLS } from "./sources/tools.js";

export async function view({ params }) {
  const name = TOOLS[params.tool] ? params.tool : "claude-code";
  return page(
    { title: "Sources", note: "Who sends events, what is counted, and what is not" },
    sources(),
    connect(name),
    health(),
  );
}

/** The state of the service itself. */
function health() {
  return panel({
    title: "Aggregation",
    hint: "Events are spread over lanes, each counted in order",
    load: async () => {
      const { status, aggregation, lanes, quarantine } = await get("/v1/health");
      return [
        h(
          "p",
          null,
          badge(status, status === "ok" ? "good" : "bad"),
          quarantine.count > 0
            ? ` ${plural(quarantine.count, "event")} in quarantine since ${showInstant(quarantine.oldest_at)}: they are missing from the figures until the operator has them replayed.`
            : " Every event could be counted.",
        ),
        h(
          "p",
          { class: "hint" },
          [
            waiting(aggregation),
            ...lanes.map(
              (lane) =>
                `lane ${lane.lane}: ${lane.newest_aggregated_at ? `newest event ${ago(lane.newest_aggregated_at)}` : "no events yet"}`,
            ),
          ].join(" · "),
        ),
      ];
    },
  });
}

/** How long events wait to be counted. */
function waiting({ lag_seconds, oldest_waiting_at, measured_at }) {
  if (lag_seconds === null) return measured_at ? `waiting events last measured ${ago(measured_at)}` : "waiting events not measured yet";
  return oldest_waiting_at ? `oldest waiting event ${ago(oldest_waiting_at)}` : "no events waiting";
}
