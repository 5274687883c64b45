/** What arrives and what is not counted, because most senders do not show what the API responds. */

import { get } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { badge, count, percent, plural } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showInstant } from "../../core/time.js";

/** A source with at least this capture rate counts as complete. */
const COMPLETE = 0.98;

export function sources() {
  return panel({
    title: "What arrives",
    hint: "The last 30 days, latest sender first",
    needs: "metrics:read",
    load: async () => {
      const { sources: rows, total } = await get("/api/sources");
      if (rows.length === 0) return null;
      return [sourceTable(rows), total > rows.length && h("p", { class: "hint" }, `Of ${count(total)} senders.`)];
    },
    empty: h(
      "span",
      null,
      h("strong", null, "Nothing has arrived yet"),
      "Connect a tool below: its first call appears within a minute.",
    ),
  });
}

function sourceTable(rows) {
  return table({
    id: "sources",
    caption: "Sources",
    rows,
    columns: [
      { label: "Source", by: (row) => row.source, cell: nameCell },
      { label: "Last request", num: true, by: (row) => row.lastSeen, cell: lastSeen },
      { label: "Calls", num: true, by: (row) => row.calls, cell: (row) => count(row.calls) },
      { label: "Refused", num: true, by: (row) => sum(row.refused), cell: (row) => reasons(row.refused, "bad") },
      { label: "Not counted", num: true, wide: true, by: (row) => sum(row.notCounted), cell: notCounted },
      { label: "Unpriced", num: true, wide: true, by: (row) => row.unpricedRequests, cell: unpriced },
      { label: "Sent again", num: true, wide: true, by: (row) => row.duplicates, cell: sentAgain },
      { label: "Capture rate", num: true, wide: true, by: (row) => row.captureRate, cell: captureRate },
    ],
  });
}

function nameCell(row) {
  const notes = [
    row.warnings > 0 && plural(row.warnings, "warning"),
    row.withoutUsage > 0 && `${plural(row.withoutUsage, "call")} without token counts`,
    row.exclusiveTokenCorrections > 0 && `${plural(row.exclusiveTokenCorrections, "call")} with corrected tokens`,
  ];
  return [
    h("span", { class: "name" }, row.source),
    h("span", { class: "sub" }, [row.kind, row.version, ...notes].filter(Boolean).join(" · ")),
  ];
}

const lastSeen = (row) => (row.lastSeen ? showInstant(row.lastSeen) : "–");

const sum = (reasons) => Object.values(reasons).reduce((total, one) => total + one, 0);

/** A total and its parts. */
function reasons(parts, tone) {
  const all = Object.entries(parts).filter(([, number]) => number > 0);
  if (all.length === 0) return "0";
  const list = all.map(([name, number]) => `${count(number)} ${name.replaceAll("_", " ")}`).join(", ");
  return [tone ? badge(count(sum(parts)), tone) : count(sum(parts)), h("span", { class: "sub" }, list)];
}

/** Entries that are not counted because another signal reports the same calls. Nothing is lost. */
const notCounted = (row) => reasons(row.notCounted);

const unpriced = (row) => (row.unpricedRequests > 0 ? link(href("prices"), count(row.unpricedRequests)) : "0");

function sentAgain(row) {
  if (row.conflicts === 0) return count(row.duplicates);
  return [count(row.duplicates), h("span", { class: "sub" }, plural(row.conflicts, "conflict"))];
}

/** The share of the calls in the sender's own metrics that has arrived. */
function captureRate({ captureRate: rate, reportedCalls }) {
  if (rate === null) return h("span", { class: "muted", title: "Its metrics do not count calls." }, "–");
  const shown = badge(percent(Math.min(rate, 1) * 100), rate >= COMPLETE ? "good" : "warn");
  return [shown, h("span", { class: "sub" }, `of ${count(reportedCalls)}`)];
}
