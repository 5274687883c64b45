/** What the fleet is worth: the cost of people compared with that of the agents, and how much of it is measured. */

import { get, getAll } from "../core/api.js";
import { h, link } from "../core/dom.js";
import { exportButton } from "../core/export.js";
import { badge, count, money, percent, plural } from "../core/format.js";
import { kpi, page, panel } from "../core/panel.js";
import { href } from "../core/router.js";
import { table } from "../core/table.js";
import { getToday, showMonth } from "../core/time.js";
import { departments } from "./workforce/departments.js";
import { HOURS, isMeasured } from "./workforce/hours.js";
import { months } from "./workforce/months.js";

export async function view() {
  return page(
    {
      title: "Workforce",
      note: `${showMonth(getToday())} so far`,
      actions: exportButton("workforce", "/api/agents/workforce/agents"),
    },
    panel({ class: "plain", needs: "workforce:read", load: cards }),
    departments(),
    agents(),
    months(),
  );
}

async function cards() {
  const [summary, all] = await Promise.all([
    get("/api/agents/workforce/summary"),
    getAll("/api/agents/workforce/agents"),
  ]);
  const measured = all.filter(isMeasured).reduce((sum, agent) => sum + agent.hours_saved, 0);
  const factor =
    summary.total_agent_cost_monthly > 0 ? summary.monthly_human_equivalent / summary.total_agent_cost_monthly : 0;
  return h(
    "div",
    { class: "kpis" },
    kpi({
      label: "People would cost",
      value: money(summary.monthly_human_equivalent),
      note: [badge("estimated"), " from registered salaries"],
    }),
    kpi({
      label: "The agents cost",
      value: money(summary.total_agent_cost_monthly),
      note: [badge("measured", "good"), ` ${plural(summary.total_invocations, "call")}`],
    }),
    kpi({
      label: "Saved",
      value: money(summary.monthly_savings),
      note: factor > 0 ? `${count(factor)} times the cost` : "Register salaries to compare",
    }),
    kpi({
      label: "Hours saved",
      value: HOURS.format(summary.total_hours_saved_monthly),
      note: [
        badge("measured", "good"),
        ` ${HOURS.format(measured)}, `,
        badge("estimated"),
        ` ${HOURS.format(Math.max(summary.total_hours_saved_monthly - measured, 0))}`,
      ],
    }),
    kpi({
      label: "Tasks",
      value: count(summary.total_tasks_completed),
      note: [badge("measured", "good"), " reported by the agents"],
    }),
  );
}

export function agents() {
  return panel({
    title: "By agent",
    needs: "workforce:read",
    load: async () => {
      const rows = (await getAll("/api/agents/workforce/agents")).toSorted(
        (a, b) => b.monthly_savings - a.monthly_savings,
      );
      if (rows.length === 0) return null;
      return table({
        id: "people",
        caption: "Agents by what they save",
        rows,
        page: 20,
        columns: [
          {
            label: "Agent",
            by: (row) => row.name,
            cell: (row) => [
              link(href("agents", { agent: row.id }), row.name),
              h("span", { class: "sub" }, [row.role_title, row.department].filter(Boolean).join(" · ")),
            ],
          },
          {
            label: "Person",
            num: true,
            by: (row) => row.monthly_human_equivalent,
            cell: (row) => (row.monthly_human_equivalent ? money(row.monthly_human_equivalent) : "–"),
          },
          {
            label: "Agent's cost",
            num: true,
            by: (row) => row.actual_cost_monthly,
            cell: (row) => money(row.actual_cost_monthly),
          },
          {
            label: "ROI",
            num: true,
            by: (row) => row.roi_percent,
            cell: (row) => (row.monthly_human_equivalent ? percent(row.roi_percent, 0) : "–"),
          },
          {
            label: "Tasks",
            num: true,
            wide: true,
            by: (row) => row.tasks_completed,
            cell: (row) => count(row.tasks_completed),
          },
          {
            label: "Hours saved",
            num: true,
            wide: true,
            by: (row) => row.hours_saved,
            cell: (row) => [
              HOURS.format(row.hours_saved),
              " ",
              row.hours_saved > 0 && (isMeasured(row) ? badge("measured", "good") : badge("estimated")),
            ],
          },
        ],
      });
    },
    empty: "No agents yet.",
  });
}
