/** The frame around every view: navigation, freshness, the organization, the theme. */

import { button, fill, h } from "./core/dom.js";
import { freshnessNote } from "./core/freshness.js";
import { failure, whenReady } from "./core/panel.js";
import * as router from "./core/router.js";
import * as session from "./core/session.js";
import { getZone } from "./core/time.js";
import * as activity from "./views/activity.js";
import * as agents from "./views/agents.js";
import * as budgets from "./views/budgets.js";
import * as explore from "./views/explore.js";
import * as overview from "./views/overview.js";
import * as prices from "./views/prices.js";
import * as sessions from "./views/sessions.js";
import * as settings from "./views/settings.js";
import * as sources from "./views/sources.js";
import * as workforce from "./views/workforce.js";

/** The views: their names in the address, and the scopes of which at least one is needed. */
const VIEWS = [
  ["overview", "Overview", ["costs:read", "metrics:read"], overview],
  ["explore", "Explore", ["costs:read"], explore],
  ["agents", "Agents", ["costs:read", "workforce:read"], agents],
  ["workforce", "Workforce", ["workforce:read"], workforce],
  ["sessions", "Sessions", ["costs:read"], sessions],
  ["budgets", "Budgets & alerts", ["registry:read"], budgets],
  ["activity", "Activity", ["activity:read"], activity],
  ["prices", "Prices", ["costs:read"], prices],
  ["sources", "Sources", ["metrics:read", "registry:read"], sources],
  ["settings", "Settings", ["registry:read"], settings],
];

const THEME = "fleetledger.theme";

/**
 * @param {{ version: string, context: any, leave: () => void }} options
 */
export function shell({ version, context, leave }) {
  const main = h("main", { id: "main", tabindex: -1 });
  const nav = h("nav", { class: "nav", "aria-label": "Views" });
  const element = h(
    "div",
    { class: "shell" },
    h("a", { class: "skip", href: "#main" }, "Skip to the content"),
    h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: "/console/overview" },
        h("span", { class: "logo", "aria-hidden": "true" }),
        "Fleetledger",
      ),
      h(
        "div",
        { class: "top-org" },
        context.organization?.name ?? session.org() ?? (session.isKey() ? "Signed in by key" : ""),
      ),
      freshnessNote(),
      h("p", { class: "zone", title: "Days and times are those of the organization's time zone." }, getZone()),
      themeSwitch(),
      button("Sign out", leave),
    ),
    nav,
    main,
    h("footer", { class: "foot" }, h("a", { href: "/docs" }, "API"), ` · version ${version}`),
    h("div", { id: "toasts", role: "status", "aria-live": "polite" }),
  );
  applyTheme();
  return { element, show: () => show(main, nav, context) };
}

/** The name of the view on the page, so that a change of its filters keeps the focus and the scroll. */
let shown = null;
/** Counts the changes of the address, because only the view of the last one is shown. */
let turn = 0;
/** How long the old view stays while the new one loads, in milliseconds: longer if only a filter has changed. */
const PATIENCE = { view: 120, filter: 2000 };

async function show(main, nav, context) {
  const name = router.view();
  const mine = ++turn;
  fillNav(nav, name);
  const isNew = shown !== name || !main.isConnected || !main.hasChildNodes();
  document.title = `${titleOf(name) ?? "Not found"} – Fleetledger`;
  try {
    const content = await contentOf(name, context);
    await whenReady(content, isNew ? PATIENCE.view : PATIENCE.filter);
    if (mine !== turn) return;
    const focused = main.contains(document.activeElement) ? document.activeElement.id : null;
    shown = name;
    fill(main, content);
    if (isNew) main.focus({ preventScroll: true });
    else if (focused) refocus(main, focused);
  } catch (error) {
    fill(
      main,
      failure(error, () => show(main, nav, context)),
    );
  }
}

function titleOf(name) {
  return VIEWS.find(([one]) => one === name)?.[1];
}

async function contentOf(name, context) {
  const [, title, scopes, module] = VIEWS.find(([one]) => one === name) ?? [];
  if (!title) return notFound(name);
  if (!scopes.some((scope) => session.has(scope))) return noAccess(title, scopes);
  return module.view({ params: router.params(), ...context });
}

/** Typing in a filter renders the view again. Puts the caret back as soon as its field exists again. */
function refocus(main, id) {
  const give = () => {
    const element = document.getElementById(id);
    if (element && (document.activeElement === document.body || !document.activeElement)) focusAtEnd(element);
    return element !== null;
  };
  if (give()) return;
  const watcher = new MutationObserver(() => give() && watcher.disconnect());
  watcher.observe(main, { childList: true, subtree: true });
}

function focusAtEnd(element) {
  element.focus({ preventScroll: true });
  if (element.type === "search" || element.type === "text") {
    element.setSelectionRange(element.value.length, element.value.length);
  }
}

function fillNav(nav, current) {
  const visible = VIEWS.filter(([, , scopes]) => scopes.some((scope) => session.has(scope)));
  fill(
    nav,
    h(
      "ul",
      null,
      visible.map(([name, title]) =>
        h("li", null, h("a", { href: router.href(name), "aria-current": name === current ? "page" : null }, title)),
      ),
    ),
  );
  nav.querySelector("[aria-current]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
}

function notFound(name) {
  return h(
    "div",
    { class: "state" },
    h("h1", null, "There is no such page"),
    h(
      "p",
      null,
      `The console has no view called “${name}”. `,
      h("a", { href: "/console/overview" }, "Go to the overview"),
      ".",
    ),
  );
}

function noAccess(title, scopes) {
  return h(
    "div",
    { class: "state" },
    h("h1", null, title),
    h("p", null, "Your token or key does not include this view. It needs the scope ", h("code", null, scopes[0]), "."),
  );
}

function themeSwitch() {
  const button = h("button", { type: "button", class: "theme" });
  const label = () => fill(button, { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" }[theme()]);
  button.addEventListener("click", () => {
    const order = ["auto", "light", "dark"];
    localStorage.setItem(THEME, order[(order.indexOf(theme()) + 1) % order.length]);
    applyTheme();
    label();
  });
  label();
  return button;
}

function theme() {
  return localStorage.getItem(THEME) ?? "auto";
}

function applyTheme() {
  document.documentElement.dataset.theme = theme();
  dispatchEvent(new Event("recolored"));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("recolored")));
