/** The overview: is the month on track? */

import { get } from "../core/api.js";
import { breakdown } from "../core/breakdown.js";
import { stackedBars } from "../core/chart.js";
import { h, link } from "../core/dom.js";
import { plural } from "../core/format.js";
import { freshnessBanners } from "../core/freshness.js";
import { banner, page, panel } from "../core/panel.js";
import { ask, askAll, costOf } from "../core/query.js";
import { href } from "../core/router.js";
import * as session from "../core/session.js";
import { getToday, plusDays, showDay, showMonth } from "../core/time.js";
import * as usd from "../core/usd.js";
import { alertsCard, costCard, forecastCard, savingsCard, valueCard } from "./overview/cards.js";
import { changes } from "./overview/changes.js";
import { firstSteps, savings, topAgents, topModels } from "./overview/lists.js";

const RANGES = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
];

const STACKS = [
  ["agent", "by agent"],
  ["model", "by model"],
  ["provider", "by provider"],
];

export async function view({ params, organization }) {
  const selected = selection(params, organization);
  const today = getToday();
  const range = { from: plusDays(today, 1 - selected.days), to: plusDays(today, 1) };
  return page(
    { title: "Overview", note: `${showMonth(today)}, day ${Number(today.slice(8))}` },
    banners(),
    h("div", { class: "kpis" }, costCard(), forecastCard(), savingsCard(), valueCard(), alertsCard()),
    costByDay(range, selected),
    changes(range, selected.days),
    topAgents(today),
    topModels(today),
    savings(),
  );
}

/** The chart's grouping and range. Tracked dimensions are counted from raw events, so only for a few days. */
function selection(params, organization) {
  const words = (dimension) => dimension.replace(/^tag\./, "").replaceAll("_", " ");
  const tracked = (organization?.dimensions ?? []).map((one) => [one, `by ${words(one)}`]);
  const stacks = [...STACKS, ...tracked];
  const [by] = named(stacks, params.by) ?? STACKS[0];
  const ranges = named(tracked, by) ? RANGES.slice(0, 1) : RANGES;
  const [days] = named(ranges, params.days) ?? named(ranges, "30") ?? ranges[0];
  return { by, days: Number(days), stacks, ranges };
}

const named = (choices, value) => choices.find(([one]) => one === value);

function banners() {
  const place = h("div", { class: "banners" });
  Promise.all([freshnessBanners(), unpricedBanner()]).then(
    ([fresh, unpriced]) => place.replaceChildren(...fresh, ...unpriced),
    () => {},
  );
  return place;
}

async function unpricedBanner() {
  if (!session.has("costs:read")) return [];
  const { unpriced, unpricedRequests } = await get("/api/cost-analysis/unpriced");
  if (unpricedRequests === 0) return [];
  const names = [...new Set(unpriced.map((one) => `${one.provider}/${one.model}`))];
  const text = `${plural(unpricedRequests, "call")} this month ${unpricedRequests === 1 ? "has" : "have"} no price (${names.slice(0, 2).join(", ")}${names.length > 2 ? ` and ${names.length - 2} more` : ""}), so the costs shown are lower bounds.`;
  return [banner("warn", text, link(href("prices"), "Set a price"))];
}

function segmented(label, choices, current, name, parameters) {
  const item = ([value, text]) =>
    h(
      "a",
      {
        href: href("overview", { ...parameters, [name]: value }),
        "aria-current": value === current ? "true" : null,
      },
      text,
    );
  return h("nav", { class: "segmented", "aria-label": label }, choices.map(item));
}

function costByDay(range, { by, days, stacks, ranges }) {
  const parameters = { days, by };
  return panel({
    title: "Cost by day",
    hint: h(
      "span",
      null,
      `${showDay(range.from)} to ${showDay(plusDays(range.to, -1))}. The line is the ${days} days before. `,
      link(href("explore", { range: days, group: by, by: "day" }), "Explore"),
    ),
    actions: [
      segmented("Stacked by", stacks, by, "by", parameters),
      segmented("Range", ranges, String(days), "days", parameters),
    ],
    needs: "costs:read",
    load: async () => {
      const before = { from: plusDays(range.from, -days), to: range.from, granularity: "day" };
      const [answer, previous] = await Promise.all([
        askAll({ ...range, granularity: "day", groupBy: [by] }),
        ask(before),
      ]);
      const { labels, series } = breakdown(answer.rows, range, "day", [by]);
      if (series.length === 0) return null;
      const ghost = {
        label: `${days} days before`,
        values: previous.rows.map((row) => usd.toFloat(costOf(row))),
      };
      return stackedBars({
        title: `Cost by day ${stacks.find(([value]) => value === by)[1]}`,
        labels,
        series,
        ghost,
      });
    },
    empty: firstSteps(),
  });
}
