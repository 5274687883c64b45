/** The parts around a chart: its legend, the tooltip, and the chart as a table. */

import { fill, h } from "./dom.js";

/** Colors of series, and of the rest. Color-blind people can distinguish them (Okabe and Ito). */
const COLORS = 7;

/** The name of the color of the nth series. */
export function colorName(at, isRest = false) {
  return isRest ? "--series-rest" : `--series-${(at % COLORS) + 1}`;
}

/** The tooltip: the parts of the bar under the pointer. */
export function showTip(plot, tip, { labels, series, ghost, format }) {
  const at = plot.cursor.idx;
  tip.hidden = at === null || at === undefined || plot.cursor.left < 0;
  if (tip.hidden) return;
  const line = (swatch, label, value) =>
    h("div", null, swatch, h("span", null, label), h("span", { class: "num" }, format(value)));
  const parts = series
    .map((one, i) => ({ one, i }))
    .filter(({ one }) => one.values[at] !== 0)
    .reverse();
  const total = series.reduce((sum, one) => sum + one.values[at], 0);
  fill(
    tip,
    h("strong", null, labels[at]),
    parts.map(({ one, i }) => line(swatch(colorName(i, one.isRest)), one.label, one.values[at])),
    series.length > 1 && line(h("i"), "Total", total),
    ghost && line(h("i", { class: "dash" }), ghost.label, ghost.values[at]),
  );
  const left = plot.cursor.left + plot.bbox.left / devicePixelRatio;
  const isRight = left > plot.width / 2;
  tip.style.left = isRight ? "auto" : `${left + 14}px`;
  tip.style.right = isRight ? `${plot.width - left + 14}px` : "auto";
}

function swatch(name) {
  return h("i", { class: "swatch", style: { background: `var(${name})` } });
}

export function legend(series, ghost) {
  const items = series.map((one, at) => h("li", null, swatch(colorName(at, one.isRest)), one.label));
  if (ghost) items.push(h("li", null, h("i", { class: "dash" }), ghost.label));
  return (series.length > 1 || ghost) && h("ul", { class: "legend" }, items);
}

export function asTable(title, labels, series, ghost, format) {
  const all = ghost ? [...series, ghost] : series;
  const body = () =>
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      h(
        "table",
        null,
        h("caption", { class: "sr" }, title),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, "Period"),
            all.map((one) => h("th", { scope: "col", class: "num" }, one.label)),
          ),
        ),
        h(
          "tbody",
          null,
          labels.map((label, at) =>
            h(
              "tr",
              null,
              h("th", { scope: "row" }, label),
              all.map((one) => h("td", { class: "num" }, format(one.values[at]))),
            ),
          ),
        ),
      ),
    );
  const details = h("details", { class: "as-table" }, h("summary", null, "Show as table"));
  details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(body()));
  return details;
}
