// What the page changes: prices, repricing, keys, budgets, webhooks, settings.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { api, audit, eventually, newPage, open, settled } from "./browser.mjs";
import { PICTURES } from "./stack.mjs";

export function changesTests(shared) {
  test("an unpriced model is given a price, and its calls are repriced", async () => {
    const { stack, browser } = shared;
    const { unpricedRequests } = await api(stack, "/api/cost-analysis/unpriced");
    assert.ok(unpricedRequests > 0);
    const page = await newPage(browser);
    await open(page, stack, "/console/overview");
    await page.getByRole("link", { name: "Set a price" }).click();
    await settled(page);
    await page.locator("#unpriced").getByRole("button", { name: "Set a price" }).click();
    await page.getByLabel("Input").fill("0.20");
    await page.getByLabel("Output").fill("0.60");
    assert.deepEqual(await audit(page), []);
    await page.screenshot({ path: `${PICTURES}/prices-set.png` });
    await page.getByRole("button", { name: "Set the price" }).click();
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("In total, the cost would change by").waitFor();
    assert.match(await page.locator("dialog").innerText(), new RegExp(`${unpricedRequests} → 0`));
    assert.deepEqual(await audit(page), []);
    await page.screenshot({ path: `${PICTURES}/prices-dry-run.png` });
    await page.getByLabel("Why").fill("Agreed with the model's owner");
    await page.getByRole("button", { name: "Reprice these calls" }).click();
    await page.locator("#repricings").getByText("Agreed with").waitFor();
    await page.done();
    await eventually(
      async () => assert.equal((await api(stack, "/api/cost-analysis/unpriced")).unpricedRequests, 0),
      150,
    );
  });

  test("a key is made, the shown command sends a call, and it appears", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/sources?tool=event");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("is shown this once").waitFor();
    const command = await page.locator("#connect pre").innerText();
    assert.match(command, /flk_/);
    const answer = await eventually(() => {
      const text = execFileSync("bash", ["-c", `${command} --silent`], { encoding: "utf8" });
      assert.equal(JSON.parse(text).accepted, 1, text);
      return text;
    }, 40);
    assert.ok(answer);
    await page.getByText("1 new call counted").waitFor({ timeout: 60_000 });
    await page.screenshot({ path: `${PICTURES}/sources-connected.png`, fullPage: true });
    await page.getByRole("link", { name: "See the agents" }).click();
    await page.getByRole("link", { name: "my-agent" }).waitFor();
    await page.done();
  });

  test("a webhook is added, tested and deleted", async () => {
    const { stack, browser } = shared;
    const received = [];
    const receiver = createServer((request, response) => {
      received.push(request.headers["webhook-id"]);
      response.writeHead(204).end();
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const page = await newPage(browser);
    await open(page, stack, "/console/budgets");
    await page.getByRole("button", { name: "Add a webhook" }).click();
    await page.getByLabel("Name").fill("ops");
    await page.getByLabel("URL").fill(`http://127.0.0.1:${receiver.address().port}/hook`);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("whsec_").waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("The receiver answered 204").waitFor();
    assert.equal(received.length, 1);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.locator("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("Nobody is notified yet").waitFor();
    receiver.close();
    await page.done();
  });

  test("a budget is set, and its alert says what caused it", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/budgets");
    await page.getByLabel("Dollars per month").fill("123.45");
    await page.getByLabel("Warn at these percentages of it").fill("60, 90");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.getByText("Saved.").waitFor();
    const budget = await api(stack, "/api/budget");
    assert.deepEqual([budget.monthly, budget.thresholds], [123.45, [60, 90]]);
    await page.locator("#alerts").getByRole("button", { name: "Details" }).first().click();
    const alert = (await api(stack, "/api/alerts")).items[0];
    assert.ok((await page.locator("dialog").innerText()).includes(alert.summary));
    assert.deepEqual(await audit(page), []);
    await page.screenshot({ path: `${PICTURES}/budgets-alert.png` });
    await page.getByRole("link", { name: /The agent's calls|The month by agent/ }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    await settled(page);
    await page.done();
  });

  test("agents are edited, and imported from a file", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser);
    await open(page, stack, "/console/settings?tab=agents");
    await page.locator("tr", { hasText: "Lyra" }).getByRole("button", { name: "Edit" }).click();
    assert.deepEqual(await audit(page), []);
    await page.getByLabel("Budget, dollars per month").fill("12.50");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    assert.equal((await api(stack, "/api/agents/lyra")).cost_budget_monthly, 12.5);
    await page.getByRole("button", { name: "Import CSV" }).click();
    const buffer = Buffer.from('id,name,department\nlyra,"Lyra, the second",Marketing\nteam/new one,New,Sales\n');
    await page.getByLabel("File").setInputFiles({ name: "agents.csv", mimeType: "text/csv", buffer });
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByText("2 agents imported").waitFor();
    const lyra = await api(stack, "/api/agents/lyra");
    assert.deepEqual([lyra.name, lyra.cost_budget_monthly], ["Lyra, the second", 12.5]);
    assert.equal((await api(stack, "/api/agents/team%2Fnew%20one")).department, "Sales");
    await page.done();
  });

  test("what somebody else has changed meanwhile is not overwritten", async () => {
    const { stack, browser } = shared;
    const page = await newPage(browser, { expected: [412] });
    await open(page, stack, "/console/settings?tab=projects");
    await page.locator("tr", { hasText: "Website" }).getByRole("button", { name: "Rename" }).click();
    await api(stack, "/api/projects/website", { method: "PUT", body: { name: "Changed meanwhile" } });
    await page.getByRole("textbox", { name: "Name" }).fill("Mine");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Somebody else has changed this").waitFor();
    assert.equal((await api(stack, "/api/projects/website")).name, "Changed meanwhile");
    await page.done();
  });
}
