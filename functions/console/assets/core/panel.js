/** The parts of a view. Each loads by itself, and has content for loading, failed and empty. */

import { button, fill, h } from "./dom.js";
import * as session from "./session.js";

/**
 * @param {object} options
 * @param {string} [options.title]
 * @param {any} [options.hint] a sentence below the title
 * @param {any} [options.actions] buttons beside the title
 * @param {string | string[]} [options.needs] the scopes without which there is nothing to load
 * @param {() => Promise<any>} options.load the content; null if there is none
 * @param {any} [options.empty] what to show then: what is missing, and what to do
 * @param {string} [options.class]
 * @param {string} [options.id]
 */
export function panel({ title, hint, actions, needs = [], load, empty, class: name = "", id }) {
  const body = h("div", { class: "panel-body" });
  const heading =
    title &&
    h(
      "header",
      { class: "panel-head" },
      h("div", null, h("h2", null, title), hint && h("p", { class: "hint" }, hint)),
      actions && h("div", { class: "actions" }, actions),
    );
  const section = h("section", { class: `panel ${name}`, id }, heading, body);
  section.reload = () => show(body, needs, load, empty);
  section.reload();
  return section;
}

async function show(body, needs, load, empty) {
  if (!session.has(needs)) return fill(body, noScope(needs));
  body.setAttribute("aria-busy", "true");
  // The old content stays until the new one is ready: a table that flickers at each keystroke cannot be read.
  if (!body.hasChildNodes()) fill(body, skeleton());
  try {
    const content = await load();
    fill(body, content ?? emptyState(empty ?? "Nothing here yet."));
  } catch (error) {
    fill(
      body,
      failure(error, () => show(body, needs, load, empty)),
    );
  } finally {
    body.removeAttribute("aria-busy");
  }
}

function skeleton() {
  return h(
    "div",
    { class: "skeleton", role: "status" },
    h("span", { class: "sr" }, "Loading"),
    ...[70, 90, 55].map((width) => h("i", { style: { width: `${width}%` } })),
  );
}

export function emptyState(...content) {
  return h("div", { class: "state" }, ...content);
}

export function noScope(needs) {
  const missing = [needs].flat().filter((scope) => !session.has(scope));
  const names = missing.flatMap((scope, at) => [at > 0 && " and ", h("code", null, scope)]);
  return h(
    "div",
    { class: "state" },
    h("strong", null, "Not included in your access"),
    h("p", null, "This part needs the scope ", names, ". Ask whoever gave you the token or key for one that has it."),
  );
}

export function failure(error, retry) {
  // A query that is not possible is not a failure: the API's message says what is possible.
  if (error.status === 422)
    return h("div", { class: "state" }, h("strong", null, "This query is not possible"), h("p", null, error.message));
  const gone = error.status === 401;
  return h(
    "div",
    { class: "state error", role: "alert" },
    h("strong", null, gone ? "You are signed out" : "This could not be loaded"),
    h("p", null, error.message),
    retry && !gone && button("Try again", retry),
  );
}

/**
 * A view: its title, with the elements above, below and beside it, and its parts.
 * @param {{ title: any, above?: any, note?: any, actions?: any }} head
 * @param {...any} parts
 */
export function page({ title, above, note, actions }, ...parts) {
  const words = h(
    "div",
    null,
    above && h("p", null, above),
    h("h1", { class: "name" }, title),
    note && h("p", null, note),
  );
  const head = h("header", { class: "view-head" }, words, actions && h("div", { class: "actions" }, actions));
  return h("div", { class: "view" }, head, parts);
}

/** Waits for the parts of a view, but not for long: a slow part shows that it is loading. */
export function whenReady(view, patience) {
  const parts = [...view.querySelectorAll(".panel")].map((section) => section.ready);
  return Promise.race([Promise.all(parts), new Promise((resolve) => setTimeout(resolve, patience))]);
}

/** A banner about incomplete data, with a way to fix it. */
export function banner(tone, text, action) {
  return h("div", { class: `banner ${tone}`, role: "status" }, h("span", { class: "banner-text" }, text), action);
}

/** A figure with its label, and a link to its rows. */
export function kpi({ label, value, note, href, extra }) {
  return h(
    "div",
    { class: "kpi" },
    h("div", { class: "kpi-label" }, href ? h("a", { href }, label) : label),
    h("div", { class: "kpi-value" }, value),
    note && h("div", { class: "kpi-note" }, note),
    extra,
  );
}

/** A bar that shows how much of a budget is used, and what the forecast adds. */
export function meter({ used, forecast = used, label }) {
  const width = (share) => `${Math.min(Math.max(share, 0), 1) * 100}%`;
  const tone = used > 1 ? "over" : forecast > 1 ? "warn" : "";
  return h(
    "div",
    { class: `meter ${tone}`, role: "img", "aria-label": label, title: label },
    h("i", { class: "meter-forecast", style: { width: width(forecast) } }),
    h("i", { class: "meter-used", style: { width: width(used) } }),
  );
}
