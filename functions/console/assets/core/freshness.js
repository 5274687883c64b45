/** How complete the figures are, as stated by every response, or else by `/v1/health`. */

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import { banner } from "./panel.js";
import { ago, showTime } from "./time.js";

/** Figures that are behind by more than this are called late. */
const LATE_MS = 15 * 60_000;

let through = null;

/** The note in the page's header, which responses update. */
export function freshnessNote() {
  const note = h("p", { class: "fresh" });
  api.events.addEventListener("fresh", (event) => {
    through = event.detail;
    fill(note, `Complete through ${showTime(through)}`);
    note.title = `Every event accepted before ${through} is in the figures.`;
  });
  health().then(
    ({ newest }) => {
      if (through) return;
      fill(note, newest ? `Newest event counted ${ago(newest)}` : "No events yet");
      note.title = newest ?? "";
    },
    () => {},
  );
  return note;
}

async function health() {
  const state = await api.get("/v1/health");
  const times = state.lanes
    .map((lane) => lane.newest_aggregated_at)
    .filter(Boolean)
    .sort();
  return { newest: times.at(-1) ?? null, quarantined: state.quarantine.count };
}

/** Banners about incomplete figures. */
export async function freshnessBanners() {
  const { quarantined } = await health();
  const isLate = through && Date.now() - Date.parse(through) > LATE_MS;
  return [
    quarantined > 0 &&
      banner(
        "bad",
        `${quarantined.toLocaleString("en-US")} events are in quarantine and missing from the figures.`,
        h("a", { href: "/console/sources" }, "Show the sources"),
      ),
    isLate &&
      banner(
        "warn",
        `The figures are ${ago(through).replace(" ago", "")} behind: events that arrived since ${showTime(through)} may be missing.`,
      ),
  ].filter(Boolean);
}
