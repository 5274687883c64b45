/** An agent's cost by day and by model. */

import { breakdown } from "../../core/breakdown.js";
import { stackedBars } from "../../core/chart.js";
import { h, link } from "../../core/dom.js";
import { delta, money, plural } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { ask, askAll, costOf } from "../../core/query.js";
import { href } from "../../core/router.js";
import { barCell, table } from "../../core/table.js";
import { getToday, plusDays, showDay } from "../../core/time.js";
import * as usd from "../../core/usd.js";

const DAYS = 30;

const lastDays = () => ({ from: plusDays(getToday(), 1 - DAYS), to: plusDays(getToday(), 1) });

export function byDay(id, name) {
  const range = lastDays();
  return panel({
    title: "Cost by day",
    needs: "costs:read",
    hint: h(
      "span",
      null,
      `${showDay(range.from)} to ${showDay(getToday())}. The line is the ${DAYS} days before. `,
      link(href("explore", { range: DAYS, by: "day", "filter.agent": id }), "Explore"),
    ),
    load: async () => {
      const question = { ...range, granularity: "day", filters: { agent: id } };
      const [answer, before] = await Promise.all([
        askAll(question),
        ask({ ...question, from: plusDays(range.from, -DAYS), to: range.from }),
      ]);
      const { labels, series } = breakdown(answer.rows, range, "day", []);
      const ghost = { label: `${DAYS} days before`, values: before.rows.map((row) => usd.toFloat(costOf(row))) };
      if (series.length === 0 && ghost.values.every((value) => value === 0)) return null;
      return stackedBars({
        title: `Cost of ${name} by day`,
        labels,
        series: series.length ? series : [{ label: "Total", values: labels.map(() => 0) }],
        ghost,
        height: 220,
      });
    },
    empty: "No calls in these days.",
  });
}

export function models(id) {
  return panel({
    title: "Models",
    hint: `The last ${DAYS} days, compared with the ${DAYS} before`,
    class: "half",
    needs: "costs:read",
    load: async () => {
      const { rows } = await ask({
        ...lastDays(),
        granularity: "total",
        groupBy: ["model"],
        filters: { agent: id },
        compare: true,
      });
      const used = rows.filter((row) => row.requests > 0);
      if (used.length === 0) return null;
      const high = usd.toFloat(costOf(used[0])) || 1;
      return table({
        id: "models",
        caption: "Models of the agent",
        rows: used,
        columns: [
          {
            label: "Model",
            cell: (row) => [
              h("span", { class: "name" }, row.group.model),
              h("span", { class: "sub" }, plural(row.requests, "call")),
            ],
          },
          {
            label: "Change",
            num: true,
            wide: true,
            cell: (row) => delta(usd.change(usd.parse(row.previous?.cost), costOf(row))),
          },
          {
            label: "Cost",
            num: true,
            cell: (row) => barCell(money(row.cost), usd.toFloat(costOf(row)) / high),
          },
        ],
      });
    },
    empty: "No calls in these days.",
  });
}
