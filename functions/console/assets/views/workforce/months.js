/** The fleet month by month. */

import { get } from "../../core/api.js";
import { count, money, percent } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { barCell, table } from "../../core/table.js";
import { showMonth } from "../../core/time.js";
import * as usd from "../../core/usd.js";

export function months() {
  return panel({
    title: "By month",
    hint: "All of it measured",
    needs: "workforce:read",
    load: async () => {
      const { trends } = await get("/api/agents/workforce/trends?months=12");
      const rows = trends.filter((month) => month.invocations > 0 || month.tasks_completed > 0).toReversed();
      if (rows.length === 0) return null;
      const high = Math.max(...rows.map((month) => month.total_cost)) || 1;
      const each = (month) =>
        month.tasks_completed > 0 ? usd.parse(month.total_cost) / BigInt(month.tasks_completed) : null;
      return table({
        id: "months",
        caption: "Months",
        rows,
        columns: [
          { label: "Month", cell: (month) => showMonth(month.period) },
          {
            label: "Cost",
            num: true,
            cell: (month) => barCell(money(month.total_cost), month.total_cost / high),
          },
          { label: "Tasks", num: true, cell: (month) => count(month.tasks_completed) },
          {
            label: "Per task",
            num: true,
            cell: (month) => (each(month) === null ? "–" : money(each(month))),
          },
          { label: "Calls", num: true, wide: true, cell: (month) => count(month.invocations) },
          {
            label: "Errors",
            num: true,
            wide: true,
            cell: (month) =>
              month.invocations > 0 ? percent((month.errors / (month.invocations + month.tasks_completed)) * 100) : "–",
          },
          { label: "Active agents", num: true, wide: true, cell: (month) => count(month.active_agents) },
        ],
      });
    },
    empty: "No usage yet.",
  });
}
