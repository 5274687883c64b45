// A browser whose pages remember what went wrong on them.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Without the last ones, Chromium asks for updates and the like, which fails on machines without a way out.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/**
 * A page in a new profile.
 * @param {{ dark?: boolean, width?: number, expected?: number[] }} [options] `expected` are statuses that are part of the test
 */
export async function newPage(browser, { dark = false, width = 1360, expected = [] } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
    acceptDownloads: true,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on(
    "console",
    (message) =>
      ["error", "warning"].includes(message.type()) &&
      !isExpected(message, expected) &&
      faults.push(`${message.text()} ${message.location().url}`),
  );
  await page.addInitScript(() =>
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    ),
  );
  page.setDefaultTimeout(15_000);
  return Object.assign(page, { faults, done: () => finish(page, context) });
}

function isExpected(message, expected) {
  return expected.includes(Number(/status of (\d+)/.exec(message.text())?.[1]));
}

async function finish(page, context) {
  assert.deepEqual(page.faults, []);
  await context.close();
}

/** Waits until every part of the view has what it shows. */
export async function settled(page) {
  await page.waitForSelector(".shell main h1");
  await page.waitForFunction(
    () => !document.querySelector("[aria-busy], .skeleton") && !/^…$/m.test(document.body.innerText),
  );
}

export async function open(page, stack, path, token = stack.token) {
  await page.goto(`${stack.origin}${path}#token=${token}`);
  await settled(page);
}

/** What axe-core finds wrong. */
export async function audit(page) {
  // The page's policy forbids scripts of others, so axe comes in by the debugger.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  const { result } = await session.send("Runtime.evaluate", {
    expression:
      "axe.run(document).then((found) => found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' ')}`))",
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return result.value;
}

/** Asks the API what the page asks. */
export async function api(stack, path, { method = "GET", body, token = stack.token } = {}) {
  const response = await fetch(stack.origin + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

/** A token with these scopes that expires in `seconds`. */
export function tokenFor(stack, { scope, seconds = 3600, org = "demo" }) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: "fleetledger-local",
    aud: "fleetledger",
    sub: "test",
    org,
    scope,
    iat: now,
    exp: now + seconds,
  };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", stack.secret).update(signed).digest("base64url")}`;
}

/** Tries until `check` does not throw. */
export async function eventually(check, seconds = 20) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** An amount as the page writes it: cents with thousands separators, or two digits if it is less than a cent. */
export function dollars(amount) {
  const size = Number(amount);
  if (size > 0 && size < 0.01) return `$${size.toFixed(1 - Math.floor(Math.log10(size)))}`;
  const [whole, part = ""] = String(amount).split(".");
  const cents = BigInt(whole + part.padEnd(2, "0").slice(0, 2)) + (Number(part[2] ?? 0) >= 5 ? 1n : 0n);
  const text = String(cents).padStart(3, "0");
  return `$${text.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",")}.${text.slice(-2)}`;
}
