// The three ways to sign in, and what happens to those whose token does not do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, audit, newPage, open, settled, tokenFor } from "./browser.mjs";
import { PICTURES } from "./stack.mjs";

export function signInTests(shared) {
  test("the printed link signs in, and leaves no token behind in the address", async () => {
    const page = await newPage(shared.browser);
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(shared.stack.link);
    await settled(page);
    assert.equal(page.url(), `${shared.stack.origin}/console`);
    assert.ok(asked.every((url) => !url.includes(shared.stack.token)));
    assert.deepEqual(await page.context().cookies(), []);
    assert.equal(await page.evaluate(() => Object.values(localStorage).some((value) => value.startsWith("ey"))), false);
    // Another tab of the same browser is not signed in.
    const other = await page.context().newPage();
    await other.goto(`${shared.stack.origin}/console/prices`);
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.done();
  });

  test("a pasted token signs in, a wrong one does not", async () => {
    const page = await newPage(shared.browser, { expected: [401] });
    await page.goto(`${shared.stack.origin}/console/prices`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.deepEqual(await audit(page), []);
    await page.screenshot({ path: `${PICTURES}/sign-in-light.png`, fullPage: true });
    await page.getByLabel("Token or key").fill("nonsense");
    await page.getByRole("button", { name: "Use this token" }).click();
    await page.getByText("does not accept this token").waitFor();
    await page.getByLabel("Token or key").fill(`Bearer ${shared.stack.token}`);
    await page.getByRole("button", { name: "Use this token" }).click();
    await page.getByRole("heading", { name: "Prices", level: 1 }).waitFor();
    await page.done();
  });

  test("a key signs in, and what it may not do is not offered", async () => {
    const { key, id } = await api(shared.stack, "/api/keys", {
      method: "POST",
      body: { name: "reader", scopes: ["costs:read", "metrics:read"] },
    });
    const page = await newPage(shared.browser, { expected: [403] });
    await page.goto(`${shared.stack.origin}/console/prices`);
    await page.getByLabel("Token or key").fill(key);
    await page.getByRole("button", { name: "Use this token" }).click();
    await settled(page);
    const views = await page.locator("nav.nav a").allInnerTexts();
    assert.deepEqual(views, ["Overview", "Explore", "Agents", "Sessions", "Prices", "Sources"]);
    assert.equal(await page.getByRole("button", { name: "Set a price" }).count(), 0);
    await page.goto(`${shared.stack.origin}/console/settings`);
    await page.getByText("does not include this view").waitFor();
    await api(shared.stack, `/api/keys/${id}`, { method: "DELETE" });
    await page.done();
  });

  test("an identity provider signs in, by code and PKCE", async () => {
    const page = await newPage(shared.browser);
    await page.goto(`${shared.stack.origin}/console/agents?q=opus`);
    const asked = page.waitForRequest((request) => request.url().startsWith(`${shared.stack.provider.issuer}/auth?`));
    await page.getByRole("button", { name: "Sign in with 127.0.0.1" }).click();
    const parameters = new URL((await asked).url()).searchParams;
    assert.equal(parameters.get("code_challenge_method"), "S256");
    await page.locator("input[name=login]").fill("ann");
    await page.locator("input[name=password]").fill("any");
    await page.locator("button[type=submit]").click();
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("heading", { name: "Agents", level: 1 }).waitFor();
    await settled(page);
    assert.equal(page.url(), `${shared.stack.origin}/console/agents?q=opus`);
    assert.equal(await page.locator("tbody tr").count(), 1);
    // What the provider's own pages do wrong is not ours.
    page.faults.splice(0, page.faults.length, ...page.faults.filter((fault) => fault.includes(shared.stack.origin)));
    await page.done();
  });

  test("a return that was not asked for is refused", async () => {
    const page = await newPage(shared.browser);
    await page.goto(`${shared.stack.origin}/console`);
    await page.evaluate(() =>
      sessionStorage.setItem(
        "fleetledger.sign-in",
        JSON.stringify({ state: "mine", verifier: "v", back: "/console/prices", tokenEndpoint: "/none" }),
      ),
    );
    await page.goto(`${shared.stack.origin}/console?code=c&state=other`);
    await page.getByText("was not started in this tab").waitFor();
    assert.equal(page.url(), `${shared.stack.origin}/console/prices`);
    await page.done();
  });

  test("somebody without a scope is told which one", async () => {
    const page = await newPage(shared.browser);
    await open(
      page,
      shared.stack,
      "/console/overview",
      tokenFor(shared.stack, { scope: "metrics:read workforce:read" }),
    );
    assert.match(await page.locator("main").innerText(), /needs the scope costs:read/);
    assert.deepEqual(await page.locator("nav.nav a").allInnerTexts(), ["Overview", "Agents", "Workforce", "Sources"]);
    assert.deepEqual(await audit(page), []);
    await page.screenshot({ path: `${PICTURES}/overview-no-scope.png`, fullPage: true });
    await page.done();
  });

  test("a token that expires in use asks to sign in again, and leads back", async () => {
    const page = await newPage(shared.browser, { expected: [401] });
    await open(
      page,
      shared.stack,
      "/console/agents?q=opus",
      tokenFor(shared.stack, { scope: "costs:read workforce:read", seconds: 3 }),
    );
    // Tokens may be up to 30 seconds old on arrival, since clocks differ; until then the API takes it.
    await page.route("**/api/**", (route) =>
      route.fulfill({ status: 401, json: { detail: "A valid bearer token is required." } }),
    );
    await page.waitForTimeout(3000);
    await page.getByLabel("Search").fill("haiku");
    await page.getByLabel("Month").selectOption({ index: 1 });
    await page.getByText("Your sign-in has expired").waitFor();
    const address = page.url();
    await page.unroute("**/api/**");
    await page.getByLabel("Token or key").fill(shared.stack.token);
    await page.getByRole("button", { name: "Use this token" }).click();
    await settled(page);
    assert.equal(page.url(), address);
    await page.done();
  });
}
