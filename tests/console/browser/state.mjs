// The address is the state: filters are in it, and reload, back and a shared link work.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newPage, open, settled } from "./browser.mjs";

export function stateTests(shared) {
  test("a filter is in the address, and a reload shows the same", async () => {
    const page = await newPage(shared.browser);
    await open(page, shared.stack, "/console/agents");
    await page.getByLabel("Search").fill("opus");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    assert.equal(new URL(page.url()).searchParams.get("q"), "opus");
    assert.equal(await page.evaluate(() => document.activeElement.id), "agents-q");
    const before = await page.locator("main").innerText();
    await page.reload();
    await settled(page);
    assert.equal(await page.locator("main").innerText(), before);
    assert.equal(await page.getByLabel("Search").inputValue(), "opus");
    await page.done();
  });

  test("a shared link shows the same to somebody else", async () => {
    const first = await newPage(shared.browser);
    await open(first, shared.stack, "/console/explore");
    await first.getByLabel("Group by").selectOption("model");
    await first.getByLabel("Over time").selectOption("total");
    await settled(first);
    await first.getByRole("button", { name: "Calls" }).click();
    await settled(first);
    const address = new URL(first.url());
    assert.equal(address.searchParams.get("group"), "model");
    const second = await newPage(shared.browser);
    await open(second, shared.stack, address.pathname + address.search);
    assert.equal(await second.locator("#rows").innerText(), await first.locator("#rows").innerText());
    await first.done();
    await second.done();
  });

  test("back and forward go through views and filters", async () => {
    const page = await newPage(shared.browser);
    await open(page, shared.stack, "/console/agents");
    await page.getByRole("link", { name: "Nova" }).click();
    await page.getByRole("heading", { name: "Nova" }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get("agent"), "nova");
    await page.goBack();
    await page.getByRole("heading", { name: "Agents", level: 1 }).waitFor();
    await page.goForward();
    await page.getByRole("heading", { name: "Nova" }).waitFor();
    await page.done();
  });

  test("the activity log goes on page by page, and back", async () => {
    const page = await newPage(shared.browser);
    await open(page, shared.stack, "/console/activity");
    const first = await page.locator("tbody").innerText();
    await page.getByRole("button", { name: "Next" }).click();
    await page.waitForFunction((before) => document.querySelector("tbody")?.innerText !== before, first);
    assert.ok(new URL(page.url()).searchParams.get("cursor"));
    await page.goBack();
    await page.waitForFunction((before) => document.querySelector("tbody")?.innerText === before, first);
    await page.done();
  });

  test("a view that does not exist says so", async () => {
    const page = await newPage(shared.browser);
    await open(page, shared.stack, "/console/nonsense");
    assert.match(await page.locator("main").innerText(), /no view called “nonsense”/);
    await page.done();
  });
}
