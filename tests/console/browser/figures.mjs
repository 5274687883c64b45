// The numbers on the screen are the API's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { api, audit, dollars, newPage, open, settled } from "./browser.mjs";
import { PICTURES } from "./stack.mjs";

export function figuresTests(shared) {
  test("the overview shows the month's cost, its forecast, and the dearest agents and models", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/overview");
    const [usage, summary, { agents }, { models }, advice] = await Promise.all([
      api(stack, "/v1/metrics/usage?days=90"),
      api(stack, "/api/cost-analysis/summary"),
      api(stack, "/api/cost-analysis/agents"),
      api(stack, "/api/cost-analysis/by-model"),
      api(stack, "/api/cost-analysis/recommendations"),
    ]);
    const card = (label) => page.locator(".kpi", { hasText: label }).locator(".kpi-value").innerText();
    assert.equal(await card("Cost this month"), dollars(summary.totalSpend));
    assert.equal(await card("Savings found"), dollars(advice.totalPotentialSavings));
    assert.equal(await card("Forecast for the month"), dollars(forecast(usage.points)));
    const cells = (title) =>
      page
        .locator(".panel", { has: page.getByRole("heading", { name: title }) })
        .locator("tbody tr td:last-child .num")
        .allInnerTexts();
    assert.deepEqual(
      await cells("Most expensive agents"),
      agents.slice(0, 6).map((agent) => dollars(agent.actualCost)),
    );
    assert.deepEqual(
      await cells("Most expensive models"),
      models.slice(0, 6).map((model) => dollars(model.totalCost)),
    );
    const exact = await page
      .locator(".kpi", { hasText: "Cost this month" })
      .locator("data")
      .first()
      .getAttribute("value");
    const month = usage.points.at(-1).date.slice(0, 7);
    assert.equal(exact, `$${sum(usage.points.filter((point) => point.date.startsWith(month)))}`);
    await page.done();
  });

  test("the agents' costs and the chart's table are the API's", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/agents");
    const { agents } = await api(stack, "/api/cost-analysis/agents");
    const shown = await page.locator("tbody tr td:nth-child(2)").allInnerTexts();
    assert.deepEqual(
      shown,
      agents.map((agent) => dollars(agent.actualCost)),
    );
    await open(page, stack, "/console/explore?group=none");
    await page.getByText("Show as table").click();
    const { points } = await api(stack, "/v1/metrics/usage?days=30");
    const days = await page.locator(".as-table tbody td").allInnerTexts();
    assert.deepEqual(
      days,
      points.map((point) => dollars(point.estimated_cost_usd)),
    );
    await page.done();
  });

  test("a list is saved as a file with the API's own rows", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/activity?type=config_change");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const download = await saved;
    assert.equal(download.suggestedFilename(), "activity.csv");
    const rows = readFileSync(await download.path(), "utf8")
      .trimEnd()
      .split("\r\n");
    const { pagination } = await api(stack, "/api/activity?eventType=config_change");
    assert.ok(rows[0].startsWith("id,eventType,agentId"));
    assert.equal(rows.length - 1, pagination.total);
    await page.done();
  });

  test("last week by customer is saved as a file", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/explore?range=week&group=tag.customer&by=total");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const rows = readFileSync(await (await saved).path(), "utf8")
      .trimEnd()
      .split("\r\n");
    assert.ok(rows[0].includes("tag.customer"), rows[0]);
    const shown = await page.locator("#rows tbody th").allInnerTexts();
    assert.ok(shown.includes("globex"), shown.join());
    assert.equal(shown.length, rows.length - 1);
    for (const customer of shown)
      assert.ok(
        rows.some((row) => row.includes(customer)),
        customer,
      );
    await page.done();
  });

  test("sessions show what their calls cost, step by step", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/sessions");
    const { sessions } = await api(stack, "/api/sessions?limit=50");
    const costs = await page.locator("tbody td:last-child").allInnerTexts();
    assert.deepEqual(
      costs,
      sessions.map((session) => dollars(session.cost)),
    );
    await page.locator("tbody a").first().click();
    await page.getByRole("heading", { name: "Step by step" }).waitFor();
    await settled(page);
    const session = await api(stack, `/api/sessions/${encodeURIComponent(sessions[0].id)}?limit=5000`);
    assert.equal(await page.locator(".kpi-value").first().innerText(), dollars(session.totals.cost));
    const total = await page.locator("tbody tr:last-child td:last-child data").getAttribute("value");
    assert.equal(Number(total.replace(/[$,]/g, "")).toFixed(4), Number(session.totals.cost).toFixed(4));
    assert.deepEqual(await audit(page), []);
    await page.screenshot({ path: `${PICTURES}/session-light.png`, fullPage: true });
    await page.done();
  });
}

/** Twelve decimals, exactly. */
function units(text) {
  const [whole, part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(12, "0"));
}

function decimal(amount) {
  const text = String(amount).padStart(13, "0");
  return `${text.slice(0, -12)}.${text.slice(-12).replace(/0+$/, "").padEnd(2, "0")}`;
}

function sum(points) {
  return decimal(points.reduce((total, point) => total + units(point.estimated_cost_usd), 0n));
}

/** The cost so far, and the mean of the last seven full days for each day left. */
function forecast(points) {
  const today = points.at(-1).date;
  const [year, month, day] = today.split("-").map(Number);
  const left = new Date(Date.UTC(year, month, 0)).getUTCDate() - day;
  const total = (some) => some.reduce((sum, point) => sum + units(point.estimated_cost_usd), 0n);
  return decimal(
    total(points.filter((point) => point.date.slice(0, 7) === today.slice(0, 7))) +
      (total(points.slice(-8, -1)) * BigInt(left)) / 7n,
  );
}
