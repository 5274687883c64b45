/** What arrives from where, what is refused or not counted, and how to connect a tool. */

import { ApiError, get } from "../core/api.js";
import { fill, h, link } from "../core/dom.js";
import { copyable, toast } from "../core/form.js";
import { badge, count, percent, plural } from "../core/format.js";
import { createKey } from "../core/keys.js";
import { panel } from "../core/panel.js";
import { href } from "../core/router.js";
import * as session from "../core/session.js";
import { table } from "../core/table.js";
import { ago, showInstant } from "../core/time.js";
import { TOOLS } from "../core/tools.js";

/** How often, and for how long, a new key's first call is looked for. */
const [EVERY_MS, TRIES] = [2000, 150];

export async function view({ params }) {
  const name = TOOLS[params.tool] ? params.tool : "claude-code";
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h("div", null, h("h1", null, "Sources"), h("p", null, "Who sends, what is counted, and what is not")),
    ),
    sources(),
    connect(name),
    health(),
  );
}

function sources() {
  return panel({
    title: "What arrives",
    hint: "The last 30 days",
    needs: "registry:read",
    load: async () => {
      const answer = await get("/api/sources").catch(explain);
      const rows = answer.items ?? answer.sources ?? [];
      return rows.length > 0 ? sourceTable(rows) : null;
    },
    empty: h(
      "span",
      null,
      h("strong", null, "Nothing has arrived yet"),
      "Connect a tool below: its first call shows within a minute.",
    ),
  });
}

function explain(error) {
  if (error.status !== 404) throw error;
  throw new ApiError(501, {
    detail: "It has no /api/sources yet. Calls are counted all the same, and can be seen by agent.",
  });
}

function sourceTable(rows) {
  const sum = (one) =>
    typeof one === "number" ? one : Object.values(one ?? {}).reduce((total, value) => total + Number(value), 0);
  const list = (one) =>
    one && typeof one === "object"
      ? Object.entries(one)
          .map(([name, value]) => `${name.replaceAll("_", " ")} ${count(value)}`)
          .join(", ")
      : "";
  const detail = (one) => [count(sum(one)), list(one) && h("span", { class: "sub" }, list(one))];
  return table({
    id: "sources",
    caption: "Sources",
    rows,
    columns: [
      {
        label: "Source",
        by: (row) => row.source ?? row.name,
        cell: (row) => [
          h("span", { class: "name" }, row.source ?? row.name ?? row.id),
          h("span", { class: "sub" }, [row.kind, row.version].filter(Boolean).join(" ")),
        ],
      },
      {
        label: "Last event",
        num: true,
        by: (row) => row.lastEvent ?? row.lastSeen,
        cell: (row) => ((row.lastEvent ?? row.lastSeen) ? showInstant(row.lastEvent ?? row.lastSeen) : "–"),
      },
      {
        label: "Counted",
        num: true,
        by: (row) => sum(row.counted ?? row.calls),
        cell: (row) => count(sum(row.counted ?? row.calls)),
      },
      {
        label: "Duplicates",
        num: true,
        wide: true,
        by: (row) => sum(row.duplicates),
        cell: (row) => count(sum(row.duplicates)),
      },
      {
        label: "Refused",
        num: true,
        by: (row) => sum(row.rejected ?? row.refused),
        cell: (row) => detail(row.rejected ?? row.refused),
      },
      {
        label: "Not counted",
        num: true,
        wide: true,
        by: (row) => sum(row.notCounted),
        cell: (row) => detail(row.notCounted),
      },
      {
        label: "Unpriced",
        num: true,
        wide: true,
        by: (row) => sum(row.unpriced),
        cell: (row) => (sum(row.unpriced) > 0 ? link(href("prices"), count(sum(row.unpriced))) : "0"),
      },
      {
        label: "Capture rate",
        num: true,
        wide: true,
        by: (row) => row.captureRatePct ?? row.captureRate,
        cell: (row) => captureRate(row),
      },
    ],
  });
}

function captureRate(row) {
  const rate = row.captureRatePct ?? row.captureRate;
  return rate === null || rate === undefined ? "–" : badge(percent(rate), rate > 98 ? "good" : "warn");
}

/** The lines to paste, with a key that is made on the spot. */
function connect(name) {
  const tool = TOOLS[name];
  const lines = h("div", null);
  const show = (key) => fill(lines, copyable(tool.lines({ origin: location.origin, key })));
  show("$KEY");
  const status = h("div", { role: "status", "aria-live": "polite" });
  const choice = ([key, { label }]) =>
    h("a", { href: href("sources", { tool: key }), "aria-current": key === name ? "true" : null }, label);
  const make = h(
    "button",
    { type: "button", class: "primary", onclick: (event) => madeKey(name, event.currentTarget, show, status) },
    "Make a key and fill it in",
  );
  return h(
    "section",
    { class: "panel", id: "connect" },
    h(
      "header",
      { class: "panel-head" },
      h(
        "div",
        null,
        h("h2", null, "Connect a tool"),
        h("p", { class: "hint" }, "What already reports its calls needs no code."),
      ),
    ),
    h("nav", { class: "segmented", "aria-label": "Tool" }, Object.entries(TOOLS).map(choice)),
    h("h3", null, tool.where),
    lines,
    tool.note && h("p", { class: "hint" }, tool.note),
    session.has("registry:write")
      ? h("div", { class: "actions" }, make)
      : h(
          "p",
          { class: "hint" },
          "To make a key you need the scope ",
          h("code", null, "registry:write"),
          ". Put a key of yours in place of ",
          h("code", null, "$KEY"),
          ".",
        ),
    status,
  );
}

async function madeKey(name, button, show, status) {
  button.disabled = true;
  try {
    const before = await calls();
    const { key } = await createKey({ name: TOOLS[name].label, scopes: ["events:write"] });
    show(key);
    fill(
      status,
      h(
        "p",
        null,
        badge("waiting", "warn"),
        " The key is in the lines above, and is shown this once. Paste them; the first call is looked for.",
      ),
    );
    await waitForCall(before, status);
  } catch (error) {
    toast(error.message, "bad");
    button.disabled = false;
  }
}

/** The calls of the last days, past what is kept of earlier responses. */
async function calls() {
  if (!session.has("metrics:read")) return null;
  return (await get(`/v1/metrics/summary?days=7&at=${Date.now()}`)).total_requests;
}

async function waitForCall(before, status) {
  for (let tries = 0; before !== null && tries < TRIES && status.isConnected; tries++) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    const now = await calls();
    if (now > before) {
      fill(
        status,
        h(
          "p",
          null,
          badge("arrived", "good"),
          ` ${plural(now - before, "new call")} counted. `,
          link(href("agents"), "See the agents"),
        ),
      );
      return;
    }
  }
}

/** How the service itself is doing. */
function health() {
  return panel({
    title: "Aggregation",
    hint: "Events are spread over lanes, each counted in order",
    load: async () => {
      const { status, lanes, quarantine } = await get("/v1/health");
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
          lanes
            .map(
              (lane) =>
                `lane ${lane.lane}: ${lane.newest_aggregated_at ? `newest event ${ago(lane.newest_aggregated_at)}` : "no events yet"}`,
            )
            .join(" · "),
        ),
      ];
    },
  });
}
