/** Queries of costs: a range, up to two groupings, filters, a measure, and a comparison with the period before. */

import { breakdown } from "../core/breakdown.js";
import { stackedBars } from "../core/chart.js";
import { h } from "../core/dom.js";
import { page, panel } from "../core/panel.js";
import { ask, askAll } from "../core/query.js";
import { plusDays, showDay } from "../core/time.js";
import { controls, filterChips } from "./explore/controls.js";
import { exports } from "./explore/exports.js";
import { byGroup, nothing } from "./explore/groups.js";
import { MEASURES, additive } from "./explore/measures.js";
import { groupsOf, questionOf } from "./explore/question.js";

export async function view({ params, organization }) {
  const question = questionOf(params);
  const groups = groupsOf(params, organization);
  return page(
    {
      title: "Explore",
      note: `${showDay(question.from)} to ${showDay(plusDays(question.to, -1))}`,
      actions: exports(question),
    },
    h("section", { class: "panel" }, controls(params, question, groups), filterChips(question, groups)),
    question.granularity !== "total" && overTime(question),
    byGroup(question),
  );
}

function overTime(question) {
  const { measure, granularity, groupBy } = question;
  const { label, value, format, axis } = MEASURES[measure];
  return panel({
    title: `${label} by ${granularity}`,
    needs: "costs:read",
    load: async () => {
      const isStacked = additive(measure);
      const [answer, before] = await Promise.all([
        askAll({ ...question, compare: false, groupBy: isStacked ? groupBy : [] }),
        question.compare ? previous(question) : null,
      ]);
      const { labels, series } = breakdown(answer.rows, question, granularity, isStacked ? groupBy : [], value);
      if (series.length === 0) return null;
      const ghost = before && {
        label: "The period before",
        values: labels.map((_, at) => (before.rows[at] ? value(before.rows[at]) : 0)),
      };
      return [
        !isStacked && groupBy.length > 0 && h("p", { class: "hint" }, "All groups together, because averages do not add up."),
        stackedBars({ title: `${label} by ${granularity}`, labels, series, ghost, format, axis }),
      ];
    },
    empty: nothing(),
  });
}

/** The same query for as many days before. */
function previous({ from, to, granularity, filters }) {
  const length = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
  return ask({ from: plusDays(from, -length), to: from, granularity, filters });
}
