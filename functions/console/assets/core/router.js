/** The address is the state: a view's name is in its path, every filter in its query. */

const BASE = "/console/";

/** Fires when the address has changed. */
export const changes = new EventTarget();

/** The name of the view in the address. */
export function view() {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : "";
  return decodeURIComponent(path).replace(/\/$/, "") || "overview";
}

/** @returns {Record<string, string>} the filters */
export function params() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

/**
 * The address of a view with filters.
 * @param {string} name
 * @param {Record<string, any>} [filters] those that are empty are left out
 */
export function href(name, filters = {}) {
  const given = Object.entries(filters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return `${BASE}${name}${query ? `?${query}` : ""}`;
}

/** Goes to an address. */
export function go(address, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  changes.dispatchEvent(new Event("change"));
}

/** Changes some of the view's filters. Typing replaces the entry in the browser's history instead of adding one. */
export function setParams(changed, options) {
  go(href(view(), { ...params(), ...changed }), options);
}

/** Follows links within the console without loading the page again. */
export function listen() {
  addEventListener("popstate", () => changes.dispatchEvent(new Event("change")));
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!anchor || !plain || event.defaultPrevented || anchor.target || anchor.hasAttribute("download")) return;
    const url = new URL(anchor.href);
    const isOurs = url.origin === location.origin && (url.pathname === "/" || url.pathname.startsWith(BASE));
    if (!isOurs || (url.pathname + url.search === location.pathname + location.search && url.hash)) return;
    event.preventDefault();
    go(url.pathname + url.search);
    scrollTo(0, 0);
  });
}
