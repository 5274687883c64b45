/** Tables: sorted by clicking a column's header, and in pages, so that ten thousand rows are as fast as ten. */

import { button, h } from "./dom.js";
import * as router from "./router.js";

const PAGE = 50;

/**
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: any) => any} cell
 * @property {(row: any) => any} [by] what to sort by; a column without it is not sorted
 * @property {boolean} [num] right-aligned
 * @property {boolean} [wide] left out on narrow screens
 * @property {string} [class]
 */

/**
 * @param {object} options
 * @param {string} options.id names the table's filters in the address
 * @param {string} options.caption for screen readers
 * @param {Column[]} options.columns
 * @param {any[]} options.rows in their own order
 * @param {(row: any) => string | null} [options.rowClass]
 * @param {number} [options.page] rows on a page
 */
export function table({ id, caption, columns, rows, rowClass, page = PAGE }) {
  const filters = router.params();
  const [column, descending] = sortOf(filters[`${id}.sort`], columns);
  const ordered = column ? sorted(rows, column.by, descending) : rows;
  const pages = Math.max(Math.ceil(rows.length / page), 1);
  const at = Math.min(Math.max(Number(filters[`${id}.page`]) || 1, 1), pages);
  const shown = ordered.slice((at - 1) * page, at * page);
  return h(
    "div",
    { class: "table" },
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      h(
        "table",
        null,
        h("caption", { class: "sr" }, caption),
        head(id, columns, column, descending),
        h(
          "tbody",
          null,
          shown.map((row) => line(columns, row, rowClass)),
        ),
      ),
    ),
    pages > 1 && pager(id, at, pages, rows.length, page),
  );
}

function head(id, columns, sortedBy, descending) {
  const cell = (column) => {
    const isSorted = column === sortedBy;
    const direction = isSorted ? (descending ? "descending" : "ascending") : null;
    const content =
      column.by && column.label
        ? sorter(id, column, isSorted, descending)
        : column.label || h("span", { class: "sr" }, "Actions");
    return h("th", { scope: "col", class: classes(column), "aria-sort": direction }, content);
  };
  return h("thead", null, h("tr", null, columns.map(cell)));
}

/** A second click reverses the order. Numbers start with the largest. */
function sorter(id, column, isSorted, descending) {
  const next = isSorted ? !descending : Boolean(column.num);
  const value = `${next ? "-" : ""}${column.label}`;
  const mark = isSorted ? (descending ? " ↓" : " ↑") : "";
  return button(
    [column.label, h("span", { "aria-hidden": "true" }, mark)],
    () => router.setParams({ [`${id}.sort`]: value, [`${id}.page`]: null }),
    { class: "sort", id: `sort-${id}-${column.label.replace(/\W+/g, "-")}` },
  );
}

function sortOf(text, columns) {
  const label = text?.replace(/^-/, "");
  const column = columns.find((one) => one.by && one.label === label);
  return [column, text?.startsWith("-") ?? false];
}

function sorted(rows, by, descending) {
  const compare = (a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === y) return 0;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x < y ? -1 : 1;
    return descending ? -order : order;
  };
  return [...rows].sort(compare);
}

function line(columns, row, rowClass) {
  const cell = (column, at) =>
    h(at === 0 ? "th" : "td", { class: classes(column), scope: at === 0 ? "row" : null }, column.cell(row));
  return h("tr", { class: rowClass?.(row) }, columns.map(cell));
}

function classes(column) {
  return [column.num && "num", column.wide && "wide", column.class].filter(Boolean).join(" ") || null;
}

function pager(id, at, pages, total, page) {
  const to = (target, label, disabled) =>
    button(label, () => router.setParams({ [`${id}.page`]: target > 1 ? target : null }), { disabled });
  const range = `${((at - 1) * page + 1).toLocaleString("en-US")}–${Math.min(at * page, total).toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`;
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    h("span", { class: "num" }, range),
    to(at - 1, "Previous", at === 1),
    to(at + 1, "Next", at === pages),
  );
}

/** A number and a bar that compares it with the largest. */
export function barCell(content, share) {
  return h(
    "span",
    { class: "bar-cell" },
    h(
      "span",
      { class: "bar", "aria-hidden": "true" },
      h("i", { style: { width: `${Math.min(Math.max(share, 0), 1) * 100}%` } }),
    ),
    content,
  );
}
