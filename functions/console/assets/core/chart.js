/** Charts of series over time, drawn by uPlot (vendor/uplot.js, a global). Each can also be read as a table. */

import { asTable, colorName, legend, showTip } from "./chart_parts.js";
import { h, svg } from "./dom.js";
import * as usd from "./usd.js";

/** Resolves variables of the style sheet, which have values for light and dark: a canvas cannot use them. */
export function color(name) {
  const probe = h("i", { hidden: true, style: { color: `var(${name})` } });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {number[]} values one for each label
 * @property {boolean} [isRest] whether it is the total of groups without their own series
 */
/**
 * Stacked bars, with the period before as a line.
 * @param {object} options
 * @param {string} options.title for screen readers
 * @param {string[]} options.labels one for each bar
 * @param {Series[]} options.series the first is at the bottom
 * @param {Series | null} [options.ghost]
 * @param {(value: number) => string} [options.format]
 * @param {(value: number) => string} [options.axis]
 */
export function stackedBars({
  title,
  labels,
  series,
  ghost: before = null,
  format = (value) => usd.format(usd.parse(value.toFixed(12))),
  axis = usd.compact,
  height = 260,
}) {
  const ghost = before?.values.some((value) => value !== 0) ? before : null;
  const plot = h("div", { class: "plot", role: "img", "aria-label": title, style: { "min-height": `${height}px` } });
  const tip = h("div", { class: "tip", hidden: true });
  plot.append(tip);
  let drawn = null;
  const draw = (width) => {
    drawn?.destroy();
    drawn = new globalThis.uPlot(
      options({ width, height, labels, series, ghost, axis, tip, format }),
      data(labels, series, ghost),
      plot,
    );
  };
  whenSized(plot, draw);
  return h("figure", { class: "chart" }, legend(series, ghost), plot, asTable(title, labels, series, ghost, format));
}

/** Calls `draw` with the width of an element, now and whenever it or the colors change, as long as it is on the page. */
function whenSized(element, draw) {
  let width = 0;
  const sized = new ResizeObserver(() => {
    const now = Math.floor(element.clientWidth);
    if (now > 0 && now !== width) draw((width = now));
  });
  sized.observe(element);
  const recolored = () => (element.isConnected ? width && draw(width) : removeEventListener("recolored", recolored));
  addEventListener("recolored", recolored);
}

/** uPlot draws each series from zero, so the total of all is drawn first, and then one series less each time. */
function data(labels, series, ghost) {
  const stacked = [];
  for (let at = series.length; at > 0; at--) {
    stacked.push(labels.map((_, i) => series.slice(0, at).reduce((sum, one) => sum + one.values[i], 0)));
  }
  const xs = labels.map((_, at) => at);
  return ghost ? [xs, ...stacked, ghost.values] : [xs, ...stacked];
}

/** The width of an axis's letter, in pixels. */
const LETTER = 7;

function options({ width, height, labels, series, ghost, axis, tip, format }) {
  const bars = globalThis.uPlot.paths.bars({ size: [0.72, 46] });
  const bar = (one, at) => ({
    label: one.label,
    fill: color(colorName(at, one.isRest)),
    width: 0,
    paths: bars,
    points: { show: false },
  });
  const line = { label: ghost?.label, stroke: color("--ghost"), width: 1.5, dash: [5, 4], points: { show: false } };
  const stroke = color("--muted");
  const grid = { stroke: color("--grid"), width: 1 };
  const font = "12px system-ui, sans-serif";
  const room = Math.max(...labels.map((label) => label.length)) * LETTER + 24;
  const spare = Math.max(Math.ceil(labels.length / Math.max(Math.floor(width / room), 1)), 1);
  const splits = labels.map((_, at) => at).filter((at) => (labels.length - 1 - at) % spare === 0);
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: [-0.6, labels.length - 0.4] },
      y: { range: (_, low, high) => [Math.min(low, 0), high > 0 ? roundUp(high) : 1] },
    },
    axes: [
      {
        stroke,
        font,
        grid: { show: false },
        ticks: { show: false },
        splits: () => splits,
        values: (_, all) => all.map((at) => labels[at]),
        size: 28,
        gap: 6,
      },
      {
        stroke,
        font,
        grid,
        ticks: { show: false },
        values: (_, all) => all.map((value) => axis(value, all.at(-1))),
        size: 64,
        gap: 8,
      },
    ],
    series: [{}, ...series.map(bar).reverse(), ...(ghost ? [line] : [])],
    hooks: { setCursor: [(plot) => showTip(plot, tip, { labels, series, ghost, format })] },
  };
}

/** The next number with a grid line, so that no bar ends above the last grid line. */
function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * unit >= value);
}

/** A small line chart without axes, for a table cell. */
export function sparkline(values, label) {
  const [width, height] = [96, 24];
  const high = Math.max(...values, 1e-12);
  const points = values.map(
    (value, at) => `${(at / Math.max(values.length - 1, 1)) * width},${height - 1.5 - (value / high) * (height - 3)}`,
  );
  const line = svg("polyline", { points: points.join(" "), fill: "none", "stroke-width": 1.5 });
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    line,
  );
}
