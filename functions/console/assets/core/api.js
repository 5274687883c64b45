/** Requests to the API. */

import * as session from "./session.js";

/** How long a response is reused, so that navigating back and forth is instant. */
const FRESH_MS = 15_000;

/** @type {Map<string, { at: number, response: Promise<any> }>} */
const cache = new Map();

/** Called when a token is rejected, and with the freshness that every response states. */
export const events = new EventTarget();

export class ApiError extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(describe(status, body));
    this.status = status;
    /** The faults of an invalid request, with their locations. */
    this.faults = Array.isArray(body?.detail) ? body.detail : [];
  }
}

function describe(status, body) {
  const detail = body?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((fault) => `${fault.loc.slice(1).join(" ")}: ${fault.msg}`).join("; ");
  if (status === 429) return "Too many requests. Try again in a moment.";
  return `The API answered with status ${status}.`;
}

async function request(method, path, { body, headers = {}, as = "json" } = {}) {
  const options = { method, headers: { authorization: `Bearer ${session.token()}`, ...headers }, cache: "no-store" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["content-type"] ??= "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(0, { detail: "The API cannot be reached. Check your connection." });
  }
  if (response.status === 401) events.dispatchEvent(new Event("expired"));
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => null));
  if (response.status === 204) return null;
  return as === "json" ? read(response) : response;
}

/** The body. A response that is a bare list has its cursor in a header. */
async function read(response) {
  const body = await response.json();
  if (Array.isArray(body)) body.nextCursor = response.headers.get("x-next-cursor");
  return body;
}

/**
 * Reads JSON. Two views that read the same path share one request.
 * @param {string} path
 */
export function get(path) {
  const known = cache.get(path);
  if (known && Date.now() - known.at < FRESH_MS) return known.response;
  const response = request("GET", path).then((body) => {
    if (body?.completeThrough) events.dispatchEvent(new CustomEvent("fresh", { detail: body.completeThrough }));
    return body;
  });
  cache.set(path, { at: Date.now(), response });
  response.catch(() => cache.delete(path));
  return response;
}

/** Rows of a page: the API's maximum. */
const ROWS = 10_000;

/**
 * Reads all pages of a list as one response.
 * @param {string} path
 * @param {string} [name] the field with the rows; without one the response is a list
 */
export async function getAll(path, name) {
  const rows = [];
  let page = null;
  do {
    const separator = path.includes("?") ? "&" : "?";
    page = await get(
      `${path}${separator}${new URLSearchParams({ limit: ROWS, ...(page && { cursor: page.nextCursor }) })}`,
    );
    rows.push(...(name ? page[name] : page));
  } while (page.nextCursor);
  return name ? { ...page, [name]: rows } : rows;
}

/** Changes something. Earlier responses are no longer reused. */
export async function send(method, path, body, headers) {
  try {
    return await request(method, path, { body, headers });
  } finally {
    cache.clear();
  }
}

/** Reads a table in another format, with the whole response. */
export function raw(path, accept) {
  return request("GET", path, { headers: { accept }, as: "response" });
}

export function forget() {
  cache.clear();
}

/** A path with parameters, without those that are empty. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return query ? `${path}?${query}` : path;
}

/** An id as one segment of a path, percent-encoded. */
export function segment(id) {
  return encodeURIComponent(id).replace(/[!'()*.]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The paths that show which scopes a key has, because a key cannot be read. Keys have no other scopes. */
const PROBES = {
  "metrics:read": "/v1/metrics/summary?days=7",
  "billing:read": "/v1/billing/trial-status",
  "usage:read": "/api/usage/totals",
  "costs:read": "/api/cost-analysis/summary",
  "workforce:read": "/api/agents/workforce/trends?months=1",
  "activity:read": "/api/activity?limit=1",
};

/** Finds the scopes of a key by trying to read with it. */
export async function probeScopes() {
  const tries = Object.entries(PROBES).map(async ([scope, path]) => {
    try {
      await get(path);
      return scope;
    } catch (error) {
      if (error.status === 403) return null;
      throw error;
    }
  });
  session.setProbed((await Promise.all(tries)).filter((scope) => scope !== null));
}
