/** The answer by group. */

import { button, h, link } from "../../core/dom.js";
import { text } from "../../core/form.js";
import { count, delta, money, percent, short } from "../../core/format.js";
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
  const { measure, groupBy, compare } = question;
  const { label, value, show } = MEASURES[measure];
  return panel({
    title: groupBy.length > 0 ? `By ${groupBy.join(" and ").replaceAll("_", " ")}` : "Total",
    id: "rows",
    load: async () => {
      const answer = await askAll({ ...question, granularity: "total" });
      const rows = answer.rows
        .filter((row) => row.requests > 0 || row.previous?.requests > 0)
        .sort((a, b) => value(b) - value(a));
      if (rows.length === 0) return null;
      const high = Math.max(...rows.map(value)) || 1;
      const total = usd.toFloat(costOf(answer.totals)) || 1;
      const isCost = measure === "cost";
      return [
        answer.isPartial && h("p", { class: "hint" }, answer.isPartial),
        table({
          id: "rows",
          caption: `${label} by group`,
          rows,
          columns: [
            {
              label: capital(groupBy.join(" and ").replaceAll("_", " ")) || "All calls",
              by: groupLabel,
              cell: (row) => groupCell(row, question),
            },
            { label, num: true, by: value, cell: (row) => barCell(show(row), value(row) / high) },
            compare && {
              label: "Before",
              num: true,
              wide: true,
              by: (row) => (row.previous ? value(row.previous) : 0),
              cell: (row) => (row.previous ? show(row.previous) : "–"),
            },
            compare && { label: "Change", num: true, cell: (row) => changeCell(row, value, measure) },
            isCost && {
              label: "Share",
              num: true,
              wide: true,
              by: (row) => value(row),
              cell: (row) => percent((usd.toFloat(costOf(row)) / total) * 100),
            },
            !isCost && {
              label: "Cost",
              num: true,
              by: (row) => usd.toFloat(costOf(row)),
              cell: (row) => money(row.cost),
            },
            measure !== "requests" && {
              label: "Calls",
              num: true,
              by: (row) => row.requests,
              cell: (row) => count(row.requests),
            },
            {
              label: "Input tokens",
              num: true,
              wide: true,
              by: MEASURES.allInput.value,
              cell: (row) => short(MEASURES.allInput.value(row)),
            },
            {
              label: "Output tokens",
              num: true,
              wide: true,
              by: (row) => row.outputTokens,
              cell: (row) => short(row.outputTokens ?? 0),
            },
            {
              label: "Unpriced",
              num: true,
              wide: true,
              by: (row) => row.unpricedRequests,
              cell: (row) => (row.unpricedRequests ? link(href("prices"), count(row.unpricedRequests)) : "0"),
            },
          ].filter(Boolean),
        }),
        h(
          "p",
          { class: "hint total" },
          "Together ",
          h("strong", null, money(answer.totals.cost)),
          ` for ${count(answer.totals.requests)} calls.`,
        ),
      ];
    },
    empty: nothing(),
  });
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A number opens its rows: a group becomes a filter, and the next grouping takes its place. */
function groupCell(row, { groupBy }) {
  const entries = Object.entries(row.group);
  if (entries.length === 0) return "All calls";
  const filters = Object.fromEntries(entries.map(([name, value]) => [FILTER + name, value]));
  const next = ["agent", "model", "provider"].find((one) => !groupBy.includes(one));
  const open = () => setParams({ ...filters, group: next, then: null, "rows.page": null });
  return button(groupLabel(row), open, { class: "link name" });
}

function changeCell(row, value, measure) {
  const [before, now] = [row.previous ? value(row.previous) : 0, value(row)];
  if (before === 0 && now === 0) return "–";
  return delta(before === 0 ? null : ((now - before) / before) * 100, { goodWhenDown: measure !== "tasks" });
}
