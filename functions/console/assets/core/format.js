/** Formats numbers and words for people. */

import { h } from "./dom.js";
import * as usd from "./usd.js";

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** An amount with its exact value on hover. */
export function money(value, attributes) {
  const amount = typeof value === "bigint" ? value : usd.parse(value);
  return h(
    "data",
    { class: "num", value: usd.exact(amount), title: usd.exact(amount), ...attributes },
    usd.format(amount),
  );
}

export function count(value) {
  return WHOLE.format(value);
}

/** A large number, short, with its exact value on hover. */
export function short(value) {
  return h("data", { class: "num", value, title: count(value) }, value < 10_000 ? count(value) : SHORT.format(value));
}

export function percent(value, decimals = 1) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return `${new Intl.NumberFormat("en-US", options).format(value).replace("-", "−")} %`;
}

/** Return as a multiple of the cost. */
export function returnOn(cost, worth) {
  return cost > 0 && worth > 0 ? `${count(worth / cost)} ×` : "–";
}

/** A change with its direction, so that color is not its only sign. Higher cost is bad. */
export function delta(percentage, { goodWhenDown = true, fallback = "new" } = {}) {
  if (percentage === null) return h("span", { class: "delta flat" }, fallback);
  if (Math.abs(percentage) < 0.05) return h("span", { class: "delta flat" }, "unchanged");
  const up = percentage > 0;
  const tone = up === goodWhenDown ? "bad" : "good";
  return h("span", { class: `delta ${tone}` }, `${up ? "▲" : "▼"} ${percent(Math.abs(percentage))}`);
}

/** "1 call", "2 calls". */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A word with a colored dot, whose meaning the word repeats. */
export function badge(text, tone = "flat") {
  return h("span", { class: `badge ${tone}` }, text);
}

const STATUS_TONES = {
  online: "good",
  sent: "good",
  delivered: "good",
  applied: "good",
  active: "good",
  paused: "warn",
  pending: "warn",
  draft: "flat",
  offline: "flat",
  archived: "flat",
  trialing: "warn",
  dead_lettered: "bad",
  gone: "bad",
  past_due: "bad",
  unpaid: "bad",
  withdrawing: "warn",
};

export function status(word) {
  return badge(word.replaceAll("_", " "), STATUS_TONES[word] ?? "flat");
}
