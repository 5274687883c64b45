/** The lines that connect a tool, with a newly created key. */

import { get } from "../../core/api.js";
import { button, fill, h, link } from "../../core/dom.js";
import { copyable, toast } from "../../core/form.js";
import { badge, plural } from "../../core/format.js";
import { createKey } from "../../core/keys.js";
import { href } from "../../core/router.js";
import * as session from "../../core/session.js";
import { TOOLS } from "./tools.js";

/** The interval and duration of polling for the first call of a new key. */
const EVERY_MS = 2000;

const TRIES = 150;

/** The lines to paste, with a newly created key. */
export function connect(name) {
  const tool = TOOLS[name];
  const lines = h("div", null);
  const show = (key) => fill(lines, copyable(tool.lines({ origin: location.origin, key })));
  show("$KEY");
  const status = h("div", { role: "status", "aria-live": "polite" });
  const choice = ([key, { label }]) =>
    h("a", { href: href("sources", { tool: key }), "aria-current": key === name ? "true" : null }, label);
  const make = button("Make a key and fill it in", (event) => madeKey(name, event.currentTarget, show, status), {
    class: "primary",
  });
  return h(
    "section",
    { class: "panel", id: "connect" },
    h(
      "header",
      { class: "panel-head" },
      h(
        "div",
        null,
        h("h2", null, "Connect a tool"),
        h("p", { class: "hint" }, "Tools that already report their calls need no code."),
      ),
    ),
    h("nav", { class: "segmented", "aria-label": "Tool" }, Object.entries(TOOLS).map(choice)),
    h("h3", null, tool.where),
    lines,
    tool.note && h("p", { class: "hint" }, tool.note),
    session.has("registry:write")
      ? h("div", { class: "actions" }, make)
      : h(
          "p",
          { class: "hint" },
          "To make a key you need the scope ",
          h("code", null, "registry:write"),
          ". Put a key of yours in place of ",
          h("code", null, "$KEY"),
          ".",
        ),
    status,
  );
}

async function madeKey(name, button, show, status) {
  button.disabled = true;
  try {
    const before = await calls();
    const { key } = await createKey({ name: TOOLS[name].label, scopes: ["events:write"] });
    show(key);
    fill(
      status,
      h(
        "p",
        null,
        badge("waiting", "warn"),
        " The key is in the lines above, and is shown this once. Paste them; the first call is looked for.",
      ),
    );
    await waitForCall(before, status);
  } catch (error) {
    toast(error.message, "bad");
    button.disabled = false;
  }
}

/** The calls of the last days, read without the cache of earlier responses. */
async function calls() {
  if (!session.has("metrics:read")) return null;
  return (await get(`/v1/metrics/summary?days=7&at=${Date.now()}`)).total_requests;
}

async function waitForCall(before, status) {
  for (let tries = 0; before !== null && tries < TRIES && status.isConnected; tries++) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    const now = await calls();
    if (now > before) {
      fill(
        status,
        h(
          "p",
          null,
          badge("arrived", "good"),
          ` ${plural(now - before, "new call")} counted. `,
          link(href("agents"), "See the agents"),
        ),
      );
      return;
    }
  }
}
