/** Any question about costs: a range, up to two groupings, filters, a measure, and what was before. */

import { stackedBars } from "../core/chart.js";
import { breakdown } from "../core/breakdown.js";
import { h, link } from "../core/dom.js";
import { busyButton, exportButton, saveTable } from "../core/export.js";
import { copyable, dialog, download, field, form, text } from "../core/form.js";
import { count, delta, money, percent, short } from "../core/format.js";
import { MEASURES, additive } from "../core/measures.js";
import { panel } from "../core/panel.js";
import { address, ask, askAll, costOf, groupLabel, hasQuery } from "../core/query.js";
import { href, setParams } from "../core/router.js";
import { rangeOf, RANGES } from "../core/range.js";
import { barCell, table } from "../core/table.js";
import { plusDays, showDay } from "../core/time.js";
import * as usd from "../core/usd.js";

const GROUPS = [
  ["agent", "agent"],
  ["model", "model"],
  ["provider", "provider"],
  ["department", "department"],
  ["task_type", "task type"],
  ["end_user", "end user"],
  ["session_id", "session"],
  ["service_tier", "service tier"],
  ["region", "region"],
  ["hostname", "host"],
];
const STEPS = [
  ["total", "total only"],
  ["month", "month"],
  ["week", "week"],
  ["day", "day"],
  ["hour", "hour"],
];
/** Stands for a tag that is still to be named. */
const TAG = "tag.";
/** In the address, a filter's name follows this. */
const FILTER = "filter.";

export async function view({ params, organization }) {
  const question = questionOf(params);
  const groups = groupsOf(params, organization);
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        null,
        h("h1", null, "Explore"),
        h("p", null, `${showDay(question.from)} to ${showDay(plusDays(question.to, -1))}`),
      ),
      h("div", { class: "actions" }, exports(question)),
    ),
    h("section", { class: "panel" }, controls(params, question, groups), filterChips(question, groups)),
    question.granularity !== "total" && overTime(question),
    byGroup(question),
  );
}

function questionOf(params) {
  const filters = Object.entries(params)
    .filter(([name]) => name.startsWith(FILTER))
    .map(([name, value]) => [name.slice(FILTER.length), value]);
  return {
    ...rangeOf(params),
    granularity: STEPS.some(([value]) => value === params.by) ? params.by : "day",
    groupBy: [params.group ?? "agent", params.then].filter((one) => one && one !== "none"),
    filters: Object.fromEntries(filters),
    compare: params.compare === "1",
    measure: MEASURES[params.measure] ? params.measure : "cost",
  };
}

/** What can be grouped by: also what the organization tracks. */
function groupsOf(params, organization) {
  const tracked = (organization?.dimensions ?? []).map((one) => [one, one.replace(/^tag\./, "")]);
  const named = [params.group, params.then]
    .filter((one) => one && one !== "none")
    .map((one) => [one, one.replaceAll("_", " ")]);
  return [...new Map([...GROUPS, ...tracked, ...named].reverse()).entries()].reverse();
}

function controls(params, { from, to, granularity, groupBy, compare, measure }, groups) {
  const change = (name) => (event) => setParams({ [name]: event.target.value, "rows.page": null });
  const custom = params.range === "custom";
  return h(
    "div",
    { class: "filters" },
    field({
      label: "Range",
      id: "x-range",
      choices: RANGES,
      value: params.range ?? "30",
      onchange: (event) =>
        setParams({
          range: event.target.value,
          ...(event.target.value === "custom" ? { from, to: plusDays(to, -1) } : { from: null, to: null }),
        }),
    }),
    custom && field({ label: "From", id: "x-from", type: "date", value: from, onchange: change("from") }),
    custom && field({ label: "Through", id: "x-to", type: "date", value: plusDays(to, -1), onchange: change("to") }),
    field({
      label: "Group by",
      id: "x-group",
      choices: [["none", "nothing"], ...groups, [TAG, "a tag…"]],
      value: groupBy[0] ?? "none",
      onchange: (event) => (event.target.value === TAG ? askForTag() : change("group")(event)),
    }),
    field({
      label: "Then by",
      id: "x-then",
      choices: [["", "nothing"], ...groups.filter(([one]) => one !== groupBy[0])],
      value: groupBy[1] ?? "",
      onchange: change("then"),
    }),
    field({ label: "Over time", id: "x-by", choices: STEPS, value: granularity, onchange: change("by") }),
    field({
      label: "Measure",
      id: "x-measure",
      choices: Object.entries(MEASURES).map(([name, { label }]) => [name, label]),
      value: measure,
      onchange: change("measure"),
    }),
    field({
      label: "Compare",
      id: "x-compare",
      choices: [
        ["", "with nothing"],
        ["1", "with the period before"],
      ],
      value: compare ? "1" : "",
      onchange: change("compare"),
    }),
  );
}

function filterChips({ filters }, groups) {
  const names = new Map(groups);
  const chip = ([name, value]) =>
    h(
      "span",
      { class: "chip" },
      `${names.get(name) ?? name}: ${value}`,
      h(
        "button",
        {
          type: "button",
          class: "link",
          "aria-label": `Remove the filter ${name}`,
          onclick: () => setParams({ [FILTER + name]: null }),
        },
        "×",
      ),
    );
  return h(
    "div",
    { class: "chips" },
    Object.entries(filters).map(chip),
    h("button", { type: "button", onclick: () => addFilter(groups) }, "Add a filter"),
  );
}

/** Groups by a tag that a person names. */
function askForTag() {
  dialog("Group by a tag", (close) =>
    form({
      fields: field({
        label: "Tag, as events name it",
        name: "tag",
        required: true,
        placeholder: "customer",
        pattern: "[a-z0-9_.\\-]+",
      }),
      action: "Group",
      submit: async (data) => {
        close();
        setParams({ group: `tag.${text(data, "tag")}`, "rows.page": null });
      },
    }),
  );
}

function addFilter(groups) {
  dialog("Add a filter", (close) =>
    form({
      fields: h(
        "div",
        { class: "fields" },
        field({
          label: "Only where",
          name: "name",
          list: "dimensions",
          required: true,
          placeholder: "agent",
          hint: "Also a tag, such as tag.customer.",
        }),
        h(
          "datalist",
          { id: "dimensions" },
          groups.map(([value]) => h("option", { value })),
        ),
        field({ label: "is", name: "value", required: true, hint: "(none) stands for calls that do not say." }),
      ),
      action: "Add",
      submit: async (data) => {
        close();
        setParams({ [FILTER + text(data, "name")]: text(data, "value") });
      },
    }),
  );
}

function exports(question) {
  const path = address(question);
  const curl = `curl -H "Authorization: Bearer $TOKEN" '${location.origin}${path}'`;
  return [
    busyButton("CSV", () => csv(question)),
    exportButton(
      `focus-${question.from}`,
      `/api/exports/focus?from=${question.from}&to=${question.to}&format=csv`,
      "csv",
      "FOCUS",
    ),
    h(
      "button",
      {
        type: "button",
        onclick: () =>
          dialog(
            "The same request",
            () => [h("p", null, "With a token or key that has the scope costs:read:"), copyable(curl)],
            { wide: true },
          ),
      },
      "curl",
    ),
  ];
}

/** Where the API has no such table, the rows on the page. */
async function ownCsv(question) {
  const { rows } = await askAll(question);
  const cells = rows.map((row) => [row.period ?? "", ...Object.values(row.group), row.cost, row.requests]);
  // A spreadsheet would run text that begins like a formula.
  const safe = (cell) =>
    typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) && Number.isNaN(Number(cell)) ? `'${cell}` : String(cell);
  const line = (row) => row.map((cell) => `"${safe(cell).replaceAll('"', '""')}"`).join(",");
  download(
    `costs-${question.from}.csv`,
    "text/csv",
    [["period", ...question.groupBy, "cost", "requests"], ...cells].map(line).join("\r\n") + "\r\n",
  );
}

function overTime(question) {
  const { measure, granularity, groupBy } = question;
  const { label, value, format, axis } = MEASURES[measure];
  return panel({
    title: `${label} by ${granularity}`,
    needs: [],
    load: async () => {
      const isStacked = additive(measure);
      const [answer, before] = await Promise.all([
        askAll({ ...question, compare: false, groupBy: isStacked ? groupBy : [] }),
        question.compare ? previous(question) : null,
      ]);
      const { labels, series } = breakdown(
        answer.rows,
        question,
        granularity,
        isStacked && groupBy.length > 0 ? groupBy[0] : undefined,
        value,
      );
      if (series.length === 0) return null;
      const ghost = before && {
        label: "The period before",
        values: labels.map((_, at) => (before.rows[at] ? value(before.rows[at]) : 0)),
      };
      return [
        !isStacked && groupBy.length > 0 && h("p", { class: "hint" }, "Of all groups together: averages do not stack."),
        stackedBars({ title: `${label} by ${granularity}`, labels, series, ghost, format, axis }),
      ];
    },
    empty: nothing(),
  });
}

/** The same question about as many days before. */
function previous({ from, to, granularity, filters }) {
  const length = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
  return ask({ from: plusDays(from, -length), to: from, granularity, filters });
}

function nothing() {
  return h(
    "span",
    null,
    h("strong", null, "No calls match"),
    "Choose a longer range or remove a filter. ",
    link(href("explore"), "Start over"),
  );
}

function byGroup(question) {
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
  return h("button", { type: "button", class: "link name", onclick: open }, groupLabel(row));
}

function changeCell(row, value, measure) {
  const [before, now] = [row.previous ? value(row.previous) : 0, value(row)];
  if (before === 0 && now === 0) return "–";
  return delta(before === 0 ? null : ((now - before) / before) * 100, { goodWhenDown: measure !== "tasks" });
}
