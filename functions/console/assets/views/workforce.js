/** What the fleet is worth: people's cost against the agents', and which of it is measured. */

import { get } from "../core/api.js";
import { h, link } from "../core/dom.js";
import { exportButton } from "../core/export.js";
import { badge, count, money, percent, plural } from "../core/format.js";
import { kpi, panel } from "../core/panel.js";
import { href } from "../core/router.js";
import { barCell, table } from "../core/table.js";
import { getToday, showMonth } from "../core/time.js";
import * as usd from "../core/usd.js";

const HOURS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export async function view() {
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h("div", null, h("h1", null, "Workforce"), h("p", null, `${showMonth(getToday())} so far`)),
      h("div", { class: "actions" }, exportButton("workforce", "/api/agents/workforce/agents")),
    ),
    panel({ class: "plain", needs: "workforce:read", load: cards }),
    departments(),
    agents(),
    months(),
  );
}

async function cards() {
  const [summary, all] = await Promise.all([get("/api/agents/workforce/summary"), get("/api/agents/workforce/agents")]);
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

/** An agent whose tasks report the minutes that they saved; without such reports its hours are the registered estimate. */
function isMeasured(agent) {
  return agent.hours_saved > 0 && agent.hours_saved !== agent.estimated_hours_saved;
}

function departments() {
  return panel({
    title: "By department",
    hint: "What people would cost a month, by the salaries registered for their roles, against what the agents cost",
    needs: "workforce:read",
    load: async () => {
      const all = await get("/api/agents/workforce/agents");
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

function agents() {
  return panel({
    title: "By agent",
    needs: "workforce:read",
    load: async () => {
      const rows = (await get("/api/agents/workforce/agents")).toSorted(
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

function months() {
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
