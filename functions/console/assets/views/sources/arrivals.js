/** What arrives, and what of it is not counted. */

import { ApiError, get } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { badge, count, percent } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showInstant } from "../../core/time.js";

export function sources() {
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
