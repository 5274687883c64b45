/** What changed most compared with the period before, and why. */

import { h, link } from "../../core/dom.js";
import { delta, money, percent, plural } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { ask, costOf } from "../../core/query.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";
import * as usd from "../../core/usd.js";
import { TOP } from "./lists.js";

/** What changed most compared with the period before, and whether calls became more or more expensive. */
export function changes(range, days) {
  return panel({
    title: "What changed most",
    hint: `Agents: the last ${days} days compared with the ${days} before`,
    class: "half",
    needs: "costs:read",
    load: async () => {
      const { rows } = await ask({ ...range, granularity: "total", groupBy: ["agent"], compare: true });
      const changed = rows
        .map(withChange)
        .filter((row) => row.change !== 0n)
        .sort((a, b) => (size(b.change) > size(a.change) ? 1 : -1))
        .slice(0, TOP);
      if (changed.length === 0) return null;
      return table({
        id: "changes",
        caption: "Agents whose cost changed most",
        rows: changed,
        columns: [
          {
            label: "Agent",
            cell: (row) => [
              link(href("agents", { agent: row.group.agent }), row.group.agent),
              h("span", { class: "sub" }, row.why),
            ],
          },
          { label: "Before", num: true, wide: true, cell: (row) => money(row.before) },
          { label: "Now", num: true, cell: (row) => money(row.now) },
          { label: "Change", num: true, cell: (row) => delta(usd.change(row.before, row.now)) },
        ],
      });
    },
    empty: "Nothing changed.",
  });
}

const size = (amount) => (amount < 0n ? -amount : amount);

function withChange(row) {
  const [now, before] = [costOf(row), usd.parse(row.previous?.cost)];
  return { ...row, now, before, change: now - before, why: reason(row, now, before) };
}

function reason(row, now, before) {
  const [calls, callsBefore] = [row.requests, row.previous?.requests ?? 0];
  if (callsBefore === 0) return `new: ${plural(calls, "call")}`;
  if (calls === 0) return "no calls any more";
  const more = (calls / callsBefore - 1) * 100;
  const each = before === 0n ? 0 : (usd.toFloat(now) / calls / (usd.toFloat(before) / callsBefore) - 1) * 100;
  const signed = (value) =>
    Math.abs(value) < 0.5 ? "as many" : `${value < 0 ? "−" : "+"}${percent(Math.abs(value), 0)}`;
  const dearer = Math.abs(each) < 0.5 ? "same cost per call" : `${signed(each)} cost per call`;
  return `${signed(more)} calls, ${dearer}`;
}
