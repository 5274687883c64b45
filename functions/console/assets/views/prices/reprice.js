/** Reprices stored calls: first a dry run that shows what would change, then, on request, the real one. */

import { send } from "../../core/api.js";
import { fill, h } from "../../core/dom.js";
import { dialog, field, form, text, toast } from "../../core/form.js";
import { count, money, plural } from "../../core/format.js";
import { setParams } from "../../core/router.js";
import { table } from "../../core/table.js";
import { getToday, showDay } from "../../core/time.js";
import * as usd from "../../core/usd.js";

const PATH = "/api/cost-analysis/reprice";

/** @param {{ provider?: string, model?: string, from: string, isNew?: boolean }} options */
export function repriceDialog({ provider = "", model = "", from, isNew = false }) {
  dialog(
    isNew ? "The price is set. Reprice stored calls?" : "Reprice stored calls",
    (close) => {
      const outcome = h("div", { class: "outcome", "aria-live": "polite" });
      const compare = form({
        fields: [
          h(
            "p",
            null,
            "Compare the cost of the stored calls with their cost by current prices. Nothing changes until you confirm.",
          ),
          h(
            "div",
            { class: "fields" },
            field({ label: "From", name: "from", type: "date", value: from, required: true }),
            field({ label: "To", name: "to", type: "date", value: getToday(), required: true }),
            field({ label: "Provider", name: "provider", value: provider, placeholder: "any" }),
            field({ label: "Model", name: "model", value: model, placeholder: "any" }),
          ),
        ],
        action: "Compare",
        submit: async (data) => {
          const range = Object.fromEntries(["from", "to", "provider", "model"].map((name) => [name, text(data, name)]));
          fill(outcome, h("p", { class: "hint" }, "Comparing…"));
          fill(outcome, result(range, await dryRun(range), close));
        },
      });
      return [compare, outcome];
    },
    { wide: true },
  );
}

/** All pages of a dry run, its rows added up by model. */
async function dryRun(range) {
  const rows = new Map();
  let cursor = null;
  do {
    const page = await send("POST", PATH, { ...range, dryRun: true, cursor });
    for (const day of page.days) add(rows, day);
    cursor = page.nextCursor;
  } while (cursor);
  return [...rows.values()];
}

function add(rows, day) {
  const name = `${day.provider}/${day.model}`;
  const row = rows.get(name) ?? {
    name,
    requests: 0,
    stampedUnpricedRequests: 0,
    unpricedRequests: 0,
    stamped: 0n,
    repriced: 0n,
  };
  for (const field of ["requests", "stampedUnpricedRequests", "unpricedRequests"]) row[field] += day[field];
  row.stamped += usd.parse(day.stampedCost);
  row.repriced += usd.parse(day.repricedCost);
  rows.set(name, row);
}

function result(range, rows, close) {
  const changed = rows.filter(
    (row) => row.stamped !== row.repriced || row.unpricedRequests !== row.stampedUnpricedRequests,
  );
  const calls = rows.reduce((sum, row) => sum + row.requests, 0);
  if (changed.length === 0)
    return h(
      "div",
      { class: "state" },
      h("strong", null, "Nothing would change"),
      h(
        "p",
        null,
        `${plural(calls, "call")} from ${showDay(range.from)} on cost what they would cost by the prices of now.`,
      ),
    );
  const total = usd.sum(changed.map((row) => row.repriced - row.stamped));
  const left = rows.reduce((sum, row) => sum + row.unpricedRequests, 0);
  return [
    table({
      id: "dry-run",
      caption: "What would change",
      rows: changed,
      columns: [
        { label: "Model", cell: (row) => h("span", { class: "name" }, row.name) },
        { label: "Calls", num: true, cell: (row) => count(row.requests) },
        {
          label: "Unpriced",
          num: true,
          cell: (row) => `${count(row.stampedUnpricedRequests)} → ${count(row.unpricedRequests)}`,
        },
        { label: "Cost now", num: true, cell: (row) => money(row.stamped) },
        { label: "Repriced", num: true, cell: (row) => money(row.repriced) },
      ],
    }),
    h(
      "p",
      null,
      "In total, the cost would change by ",
      h("strong", null, money(total)),
      ". ",
      left > 0 && `${plural(left, "call")} would still have no price.`,
    ),
    form({
      fields: field({ label: "Why (optional, for the activity log)", name: "why", maxlength: 500 }),
      action: "Reprice these calls",
      submit: async (data) => {
        await send("POST", PATH, { ...range, why: text(data, "why"), dryRun: false });
        close();
        toast("The calls are being repriced. The figures follow within a minute or two.");
        setParams({}, { replace: true });
      },
    }),
  ];
}
