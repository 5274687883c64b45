// The arithmetic of the console's modules.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { joined } from "../../../functions/console/assets/core/export.js";
import { breakdown } from "../../../functions/console/assets/core/breakdown.js";
import { toDate } from "../../../functions/console/assets/core/month.js";
import * as time from "../../../functions/console/assets/core/time.js";
import * as usd from "../../../functions/console/assets/core/usd.js";
import { fromCsv } from "../../../functions/console/assets/views/settings/csv.js";

/** An amount of dollars with up to twelve decimals, as the API writes it. */
const amount = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 26n }), fc.integer({ min: 0, max: 12 }))
  .map(([isNegative, units, decimals]) => {
    const text = String(units).padStart(decimals + 1, "0");
    const whole = text.slice(0, text.length - decimals);
    const part = text.slice(text.length - decimals);
    return `${isNegative ? "-" : ""}${whole}${part ? `.${part}` : ""}`;
  });

const day = fc.integer({ min: 0, max: 40_000 }).map((days) => time.plusDays("1970-01-01", days));

test("an amount keeps all its digits", () => {
  fc.assert(
    fc.property(amount, (text) => {
      const shown = usd.exact(usd.parse(text)).replace("$", "").replace("−", "-").replaceAll(",", "");
      assert.equal(usd.parse(shown), usd.parse(text));
      const plain = (one) =>
        one
          .replace(/^-0+(\.0*)?$/, "0")
          .replace(/(\.\d*?)0+$/, "$1")
          .replace(/\.$/, "")
          .replace(/^(-?)0+(?=\d)/, "$1");
      assert.equal(plain(shown), plain(text));
    }),
  );
});

test("a shown amount is off by half a cent at most, and none is shown as nothing", () => {
  fc.assert(
    fc.property(amount, (text) => {
      const exact = usd.parse(text);
      const shown = usd.parse(usd.format(exact).replace("$", "").replace("−", "-").replaceAll(",", ""));
      const off = shown > exact ? shown - exact : exact - shown;
      assert.ok(off <= 5n * 10n ** 9n, `${text}: ${usd.format(exact)}`);
      assert.equal(shown === 0n, exact === 0n, text);
    }),
  );
});

test("numbers of the API are read to the sixth decimal", () => {
  for (const [number, units] of [
    [0.1, 100_000_000_000n],
    [62.1, 62_100_000_000_000n],
    [-0.000001, -1_000_000n],
    [1e-7, 0n],
    [123456789.123456, 123456789123456000000n],
  ]) {
    assert.equal(usd.parse(number), units, String(number));
  }
  assert.equal(usd.parse(null), 0n);
});

test("days are counted without gaps", () => {
  fc.assert(
    fc.property(day, fc.integer({ min: 0, max: 800 }), (from, length) => {
      const to = time.plusDays(from, length);
      assert.equal(time.daysBetween(from, to), length);
      const all = time.days(from, to);
      assert.equal(all.length, length);
      assert.deepEqual(all, [...all].sort());
      if (length > 0) assert.deepEqual([all[0], all.at(-1)], [from, time.plusDays(to, -1)]);
    }),
  );
});

test("the days of a week have one name, and the next week another", () => {
  fc.assert(
    fc.property(day, (one) => {
      const monday = time.weekStart(one);
      for (let at = 0; at < 7; at++) assert.equal(time.weekOf(time.plusDays(monday, at)), time.weekOf(one));
      assert.ok(time.weekOf(time.plusDays(monday, 7)) > time.weekOf(one));
    }),
  );
  // ISO 8601: a year has 53 weeks if it begins or ends with a Thursday.
  for (const [date, week] of [
    ["2026-12-31", "2026-W53"],
    ["2027-01-01", "2026-W53"],
    ["2027-01-04", "2027-W01"],
    ["2024-12-30", "2025-W01"],
    ["2026-11-28", "2026-W48"],
  ]) {
    assert.equal(time.weekOf(date), week);
  }
});

test("months follow one another", () => {
  fc.assert(
    fc.property(day, fc.integer({ min: -30, max: 30 }), (one, months) => {
      const other = time.plusMonths(one, months);
      assert.equal(other.slice(8), "01");
      const count = (date) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7));
      assert.equal(count(other) - count(one), months);
    }),
  );
});

test("the series of a chart add up to the rows", () => {
  const range = { from: "2026-11-01", to: "2026-11-29" };
  const row = fc.record({
    period: fc.constantFrom(...time.days(range.from, range.to)),
    group: fc.record({ agent: fc.constantFrom(..."abcdefghijklm", "(other)") }),
    cost: fc.integer({ min: 0, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const { labels, series } = breakdown(rows, range, "day", ["agent"], (one) => one.cost);
      assert.equal(labels.length, 28);
      assert.ok(series.length <= 8);
      for (const [at, date] of time.days(range.from, range.to).entries()) {
        const expected = rows.filter((one) => one.period === date).reduce((sum, one) => sum + one.cost, 0);
        assert.equal(
          series.reduce((sum, one) => sum + one.values[at], 0),
          expected,
        );
      }
    }),
  );
});

test("a CSV file is read as it was written", () => {
  const cell = fc
    .string()
    .map((text) => text.trim())
    .filter((text) => !/^'[=+\-@]/.test(text));
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          cell.filter((text) => text !== ""),
          cell,
        ),
      ),
      fc.constantFrom("\n", "\r\n"),
      (rows, end) => {
        const text = [["id", "name"], ...rows].map((row) => row.map(quoted).join(",")).join(end);
        assert.deepEqual(
          fromCsv(text),
          rows.map(([id, name]) => ({ id, name })),
        );
      },
    ),
  );
  assert.deepEqual(fromCsv("\uFEFFid\n'=1+1\n\n"), [{ id: "=1+1" }]);
});

test("pages of a table are joined under one header row", () => {
  assert.equal(joined(["a,b\r\n1,2\r\n", "a,b\r\n3,4\r\n"]), "a,b\r\n1,2\r\n3,4\r\n");
  assert.equal(joined(["a,b\r\n1,2\r\n", "3,4\r\n"]), "a,b\r\n1,2\r\n3,4\r\n");
  assert.equal(joined([""]), "");
});

/** Ninety days up to `today`, each of which cost as many dollars as its date has days. */
function series(today) {
  const dates = time.days(time.plusDays(today, -89), time.plusDays(today, 1));
  return dates.map((date) => ({ date, estimated_cost_usd: `${Number(date.slice(8))}.00`, requests: 1 }));
}

test("a month is compared with the one before up to the same day, and forecast by its last seven full days", () => {
  const dollars = (amount) => Number(amount / 10n ** 12n);
  for (const [today, cost, before, label] of [
    ["2026-11-28", 406, 406, "Oct 1 to 28"],
    ["2026-12-01", 1, 1, "Nov 1"],
    ["2026-03-31", 496, 406, "Feb 1 to 28"],
    ["2028-02-29", 435, 435, "Jan 1 to 29"],
  ]) {
    time.setToday(today);
    const month = toDate(series(today), today);
    assert.deepEqual([dollars(month.cost), dollars(month.before), month.beforeLabel], [cost, before, label], today);
  }
  const last = toDate(series("2026-11-30"), "2026-11-30");
  assert.equal(last.forecast, last.cost);
  // The seven days before the first of December cost 24 + … + 30 dollars, 27 a day, for 30 days more.
  assert.equal(dollars(toDate(series("2026-12-01"), "2026-12-01").forecast), 1 + 27 * 30);
  const young = series("2026-12-01").map((point) => ({ ...point, requests: point.date > "2026-11-25" ? 1 : 0 }));
  assert.equal(toDate(young, "2026-12-01").forecast, null);
});
