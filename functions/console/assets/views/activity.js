/** What agents did, and who changed which settings. */

import { get, withQuery } from "../core/api.js";
import { button, h, link } from "../core/dom.js";
import { entryDetails } from "../core/entry.js";
import { exportButton } from "../core/export.js";
import { dialog, field } from "../core/form.js";
import { badge, count } from "../core/format.js";
import { page, panel } from "../core/panel.js";
import { href, setParams } from "../core/router.js";
import { table } from "../core/table.js";
import { showInstant } from "../core/time.js";

const PAGE = 50;
const TYPES = ["config_change", "tool_call", "session_start", "session_end", "cron_execution"];

export async function view({ params }) {
  const filters = {
    agentId: params.agent,
    eventType: params.type,
    from: instant(params.from),
    to: instant(params.to, true),
  };
  const path = withQuery("/api/activity", { ...filters, limit: 500 });
  return page(
    {
      title: "Activity",
      note: "What agents did, and who changed which settings; newest first",
      actions: [
        exportButton("activity", path),
        exportButton("activity", path, "ndjson"),
        exportButton("activity-ocsf", withQuery("/api/exports/ocsf", { from: params.from }), "ndjson", "OCSF"),
      ],
    },
    panel({
      needs: "activity:read",
      load: async () => {
        const { data, pagination } = await get(
          withQuery("/api/activity", { ...filters, limit: PAGE, cursor: params.cursor }),
        );
        return [filterRow(params), data.length > 0 ? entries(data) : nothing(), pages(pagination, data.length)];
      },
    }),
  );
}

/** The first or last instant of a UTC day, in the API's format. */
function instant(day, isEnd = false) {
  return day ? `${day}T${isEnd ? "23:59:59.999" : "00:00:00"}Z` : null;
}

function filterRow(params) {
  const change = (name) => (event) => setParams({ [name]: event.target.value, cursor: null }, { replace: true });
  const types = params.type && !TYPES.includes(params.type) ? [...TYPES, params.type] : TYPES;
  return h(
    "div",
    { class: "filters" },
    field({
      label: "Agent",
      id: "activity-agent",
      value: params.agent ?? "",
      placeholder: "any",
      onchange: change("agent"),
    }),
    field({
      label: "Type",
      id: "activity-type",
      choices: [["", "any"], ...types.map((type) => [type, type.replaceAll("_", " ")])],
      value: params.type ?? "",
      onchange: change("type"),
    }),
    field({
      label: "From (UTC)",
      id: "activity-from",
      type: "date",
      value: params.from ?? "",
      onchange: change("from"),
    }),
    field({ label: "To (UTC)", id: "activity-to", type: "date", value: params.to ?? "", onchange: change("to") }),
  );
}

function nothing() {
  return h(
    "div",
    { class: "state" },
    h("strong", null, "No entries match"),
    h("p", null, "Without dates, the last 30 days are searched. ", link(href("activity"), "Clear the filters")),
  );
}

function entries(rows) {
  return table({
    id: "activity",
    caption: "Activity",
    rows,
    page: PAGE,
    columns: [
      { label: "When", class: "when", cell: (entry) => showInstant(entry.createdAt) },
      {
        label: "What",
        cell: (entry) =>
          badge(entry.eventType.replaceAll("_", " "), entry.eventType === "config_change" ? "warn" : "flat"),
      },
      {
        label: "Agent",
        cell: (entry) => entry.agentId && link(href("agents", { agent: entry.agentId }), entry.agentName),
      },
      { label: "Details", wide: true, cell: (entry) => h("span", { class: "details" }, entryDetails(entry)) },
      {
        label: "",
        class: "row-actions",
        cell: (entry) => button("Show", () => show(entry), { class: "link" }),
      },
    ],
  });
}

function show(entry) {
  dialog(entry.eventType.replaceAll("_", " "), () => [
    h(
      "dl",
      { class: "facts" },
      h("dt", null, "Time"),
      h("dd", null, entry.createdAt),
      h("dt", null, "Id"),
      h("dd", null, entry.id),
      entry.agentId && [h("dt", null, "Agent"), h("dd", null, entry.agentId)],
    ),
    h("h3", null, "Details"),
    h(
      "pre",
      { tabindex: 0, role: "region", "aria-label": "Details", class: "json" },
      JSON.stringify(entry.details, null, 2),
    ),
  ]);
}

/** Pages follow a cursor, so that new entries do not shift them. The browser's back button leads to earlier pages. */
function pages({ total, nextCursor }, shown) {
  const isLater = new URLSearchParams(location.search).has("cursor");
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    h("span", { class: "num" }, `${count(shown)} of ${count(total)}`),
    isLater && button("Previous", () => history.back()),
    nextCursor && button("Next", () => setParams({ cursor: nextCursor })),
  );
}
