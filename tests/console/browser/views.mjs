// Each view with the demo: nothing goes wrong, everybody can use it, and pictures for people to look at.

import assert from "node:assert/strict";
import { test } from "node:test";

import { audit, newPage, open, settled, tokenFor } from "./browser.mjs";
import { PICTURES } from "./stack.mjs";

const VIEWS = {
  overview: "/",
  explore: "/console/explore?compare=1",
  agents: "/console/agents",
  agent: "/console/agents?agent=nova",
  workforce: "/console/workforce",
  sessions: "/console/sessions",
  budgets: "/console/budgets",
  activity: "/console/activity",
  prices: "/console/prices",
  sources: "/console/sources",
  settings: "/console/settings",
  "settings-agents": "/console/settings?tab=agents",
  "settings-projects": "/console/settings?tab=projects",
  "settings-plan": "/console/settings?tab=plan",
  "settings-keys": "/console/settings?tab=keys",
};

const LOOKS = { light: {}, dark: { dark: true }, narrow: { width: 360 } };

/** The first view may take this long, in milliseconds, on a machine that is busy with other things, too. */
const FIRST = 6000;

/** Rows of a page of the API. */
const PAGE = 4000;

export function viewsTests(shared) {
  for (const [look, options] of Object.entries(LOOKS)) {
    test(`every view in ${look} is without faults and violations`, async () => {
      const page = await newPage(shared.browser, options);
      for (const [name, path] of Object.entries(VIEWS)) {
        await open(page, shared.stack, path);
        assert.deepEqual(await audit(page), [], name);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
        await page.screenshot({ path: `${PICTURES}/${name}-${look}.png`, fullPage: true });
      }
      await page.done();
    });
  }

  test("an organization without any data is told what to do", async () => {
    const token = tokenFor(shared.stack, { scope: allScopes(shared.stack), org: "newcomer" });
    const page = await newPage(shared.browser);
    for (const [name, path] of Object.entries(VIEWS).filter(([name]) => name !== "agent")) {
      await open(page, shared.stack, path, token);
      assert.deepEqual(await audit(page), [], name);
      await page.screenshot({ path: `${PICTURES}/${name}-empty.png`, fullPage: true });
    }
    await open(page, shared.stack, "/console/overview", token);
    await page.getByRole("link", { name: "How to connect" }).first().click();
    await page.getByRole("heading", { name: "Connect a tool" }).waitFor();
    await page.done();
  });

  test("views load quickly, and stay quick with 10,000 agents", async (context) => {
    // The agents that are made up have no days of their own.
    const page = await newPage(shared.browser, { expected: [404] });
    const started = Date.now();
    await open(page, shared.stack, "/console/overview");
    const first = Date.now() - started;
    assert.ok(first < FIRST, `${first} ms`);
    const others = {};
    for (const name of await page.locator("nav.nav a").allInnerTexts()) others[name.trim()] = await timeOf(page, name.trim());
    context.diagnostic(`first view ${first} ms; then, in ms: ${JSON.stringify(others)}`);
    await many(page);
    await open(page, shared.stack, "/console/agents");
    await page.getByText("1–50 of 10,000").waitFor();
    const typed = await page.evaluate(async () => {
      const input = document.getElementById("agents-q");
      const started = performance.now();
      input.focus();
      input.value = "agent-9999";
      input.dispatchEvent(new Event("input", { bubbles: true }));
      while (document.querySelectorAll("tbody tr").length !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
      return Math.round(performance.now() - started);
    });
    assert.ok(typed < 1000, `${typed} ms`);
    assert.equal(await page.evaluate(() => document.activeElement.id), "agents-q");
    context.diagnostic(`a filter over 10,000 agents ${typed} ms`);
    await page.screenshot({ path: `${PICTURES}/agents-many.png`, fullPage: true });
    await page.done();
  });

  test("the page can be used without a mouse", async () => {
    const page = await newPage(shared.browser);
    await open(page, shared.stack, "/console/overview");
    // A new view has the focus, so that the next key goes on from there.
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.locator(".skip").focus();
    assert.equal(await page.locator(".skip").evaluate((link) => link.getBoundingClientRect().left > 0), true);
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.locator("nav.nav a", { hasText: "Prices" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Prices", level: 1 }).waitFor();
    await settled(page);
    await page.getByRole("button", { name: "Set a price" }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.done();
  });

  test("a view can be printed", async () => {
    const page = await newPage(shared.browser);
    await open(page, shared.stack, "/console/overview");
    const pdf = await page.pdf({ path: `${PICTURES}/overview.pdf`, format: "A4" });
    assert.ok(pdf.length > 20_000);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("nav.nav").isVisible(), false);
    await page.done();
  });
}

/** How long a view of the navigation takes until everything on it is shown. */
async function timeOf(page, name) {
  const link = page.locator("nav.nav a", { hasText: name }).first();
  const started = Date.now();
  await link.click();
  await page.locator("nav.nav a[aria-current]", { hasText: name }).first().waitFor();
  await settled(page);
  return Date.now() - started;
}

/** Has the API list 10,000 agents, in pages. */
function many(page) {
  const agents = Array.from({ length: 10_000 }, (_, at) => ({
    id: `agent-${at}`,
    name:
      at === 7
        ? "An agent with a name that is as long as names get, since somebody thought that it should say all that it does"
        : `Agent ${at}`,
    modelName: "claude-sonnet-4-5",
    actualCost: 10_000 - at,
    budget: at % 3 ? null : 5000,
    utilization: at % 3 ? 0 : (10_000 - at) / 5000,
    overBudget: at % 3 === 0 && at < 5000,
    status: "online",
    unpricedRequests: 0,
  }));
  return page.route(/\/api\/cost-analysis\/agents/, (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const next = from + PAGE < agents.length ? { nextCursor: String(from + PAGE) } : {};
    return route.fulfill({ json: { agents: agents.slice(from, from + PAGE), unpricedRequests: 0, ...next } });
  });
}

function allScopes(stack) {
  return JSON.parse(Buffer.from(stack.token.split(".")[1], "base64url")).scope;
}
