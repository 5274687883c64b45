/** The cost of people compared with that of the agents, by department. */

import { getAll } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { count, money, percent } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { barCell, table } from "../../core/table.js";
import * as usd from "../../core/usd.js";
import { HOURS, isMeasured } from "./hours.js";

export function departments() {
  return panel({
    title: "By department",
    hint: "The monthly salaries registered for the agents' roles, compared with what the agents cost",
    needs: "workforce:read",
    load: async () => {
      const all = await getAll("/api/agents/workforce/agents");
      const rows = [...grouped(all).values()].sort((a, b) => (b.human - b.cost > a.human - a.cost ? 1 : -1));
      if (rows.length === 0) return null;
      const high = usd.toFloat(rows.reduce((most, row) => (row.human > most ? row.human : most), 1n));
      return table({
        id: "departments",
        caption: "Departments",
        rows,
        columns: [
          {
            label: "Department",
            by: (row) => row.name,
            cell: (row) => link(href("agents", { department: row.name }), row.name),
          },
          {
            label: "Agents",
            num: true,
            wide: true,
            by: (row) => row.agents,
            cell: (row) => count(row.agents),
          },
          {
            label: "People would cost",
            num: true,
            by: (row) => row.human,
            cell: (row) => barCell(money(row.human), usd.toFloat(row.human) / high),
          },
          { label: "Agents cost", num: true, by: (row) => row.cost, cell: (row) => money(row.cost) },
          {
            label: "Saved",
            num: true,
            by: (row) => row.human - row.cost,
            cell: (row) => money(row.human - row.cost),
          },
          {
            label: "Hours saved",
            num: true,
            wide: true,
            by: (row) => row.hours,
            cell: (row) => [HOURS.format(row.hours), h("span", { class: "sub" }, measuredShare(row))],
          },
        ],
      });
    },
    empty: "No agents yet.",
  });
}

function grouped(all) {
  const departments = new Map();
  for (const agent of all) {
    const row = departments.get(agent.department) ?? {
      name: agent.department,
      agents: 0,
      human: 0n,
      cost: 0n,
      hours: 0,
      measured: 0,
    };
    row.agents += 1;
    row.human += usd.parse(agent.monthly_human_equivalent);
    row.cost += usd.parse(agent.actual_cost_monthly);
    row.hours += agent.hours_saved;
    row.measured += isMeasured(agent) ? agent.hours_saved : 0;
    departments.set(agent.department, row);
  }
  return departments;
}

function measuredShare({ hours, measured }) {
  if (hours === 0) return "";
  const share = measured / hours;
  return share > 0.995 ? "measured" : share < 0.005 ? "estimated" : `${percent(share * 100, 0)} measured`;
}
