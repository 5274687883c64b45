/** The result of a query by group. */

import { button, h, link } from "../../core/dom.js";
import { text } from "../../core/form.js";
import { count, delta, money, percent } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { askAll, costOf, groupLabel } from "../../core/query.js";
import { href, setParams } from "../../core/router.js";
import { barCell, table } from "../../core/table.js";
import * as usd from "../../core/usd.js";
import { MEASURES } from "./measures.js";
import { FILTER } from "./question.js";

export function nothing() {
  return h(
    "span",
    null,
    h("strong", null, "No calls match"),
    "Choose a longer range or remove a filter. ",
    link(href("explore"), "Start over"),
  );
}

export function byGroup(question) {
  const { groupBy } = question;
  return panel({
    title: groupBy.length > 0 ? `By ${words(groupBy)}` : "Total",
    id: "rows",
    needs: "costs:read",
    load: async () => {
      const answer = await askAll({ ...question, granularity: "total" });
      const rows = ranked(answer.rows, MEASURES[question.measure].value);
      if (rows.length === 0) return null;
      const together = [money(answer.totals.cost), ` for ${count(answer.totals.requests)} calls.`];
      return [
        table({ id: "rows", caption: "Groups", rows, columns: columns(question, rows, answer.totals) }),
        h("p", { class: "hint" }, "Together ", together),
      ];
    },
    empty: nothing(),
  });
}

const words = (groupBy) => groupBy.join(" and ").replaceAll("_", " ");

/** The groups with usage in this or the previous period, ordered by the measure. */
function ranked(rows, value) {
  return rows.filter((row) => row.requests > 0 || row.previous?.requests > 0).sort((a, b) => value(b) - value(a));
}

/** The columns: the group, the measure and its change, and the other measures. */
function columns(question, rows, totals) {
  const { measure, groupBy, compare } = question;
  const { label, value, show } = MEASURES[measure];
  const high = Math.max(...rows.map(value)) || 1;
  const group = {
    label: capital(words(groupBy)) || "All calls",
    by: (row) => groupLabel(row, groupBy),
    cell: (row) => groupCell(row, question),
  };
  return [
    group,
    { label, num: true, by: value, cell: (row) => barCell(show(row), value(row) / high) },
    ...(compare ? comparison(measure) : []),
    ...(measure === "cost" ? [share(totals)] : []),
    ...OTHERS.filter((name) => name !== measure).map(column),
    { label: "Unpriced", num: true, wide: true, by: (row) => row.unpricedRequests, cell: unpriced },
  ];
}

/** The measures that every table has, and which of them narrow screens leave out. */
const OTHERS = ["cost", "requests", "allInput", "outputTokens"];
const WIDE = ["allInput", "outputTokens"];

function column(name) {
  const { label, value, show } = MEASURES[name];
  return { label, num: true, wide: WIDE.includes(name), by: value, cell: show };
}

function comparison(measure) {
  const { value, show } = MEASURES[measure];
  const before = (row) => (row.previous ? value(row.previous) : 0);
  return [
    { label: "Before", num: true, wide: true, by: before, cell: (row) => (row.previous ? show(row.previous) : "–") },
    { label: "Change", num: true, cell: (row) => changeCell(before(row), value(row), measure) },
  ];
}

function share(totals) {
  const all = usd.toFloat(costOf(totals)) || 1;
  const part = (row) => (usd.toFloat(costOf(row)) / all) * 100;
  return { label: "Share", num: true, wide: true, by: part, cell: (row) => percent(part(row)) };
}

const unpriced = (row) => (row.unpricedRequests ? link(href("prices"), count(row.unpricedRequests)) : "0");

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Clicking a group drills down: the group becomes a filter, and the next grouping takes its place. */
function groupCell(row, { groupBy }) {
  const entries = Object.entries(row.group);
  if (entries.length === 0) return "All calls";
  const filters = Object.fromEntries(entries.map(([name, value]) => [FILTER + name, value]));
  const next = ["agent", "model", "provider"].find((one) => !groupBy.includes(one));
  const open = () => setParams({ ...filters, group: next, then: null, "rows.page": null });
  return button(groupLabel(row, groupBy), open, { class: "link name" });
}

function changeCell(before, now, measure) {
  if (before === 0 && now === 0) return "–";
  return delta(before === 0 ? null : ((now - before) / before) * 100, { goodWhenDown: measure !== "tasks" });
}
