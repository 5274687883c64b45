// The console in a browser, on the local stack with the demo. One stack and one browser serve all tests, which follow one
// another: the last ones change the demo.

import { mkdirSync } from "node:fs";
import { after, before, describe } from "node:test";

import { launch } from "./browser.mjs";
import { changesTests } from "./changes.mjs";
import { figuresTests } from "./figures.mjs";
import { signInTests } from "./sign_in.mjs";
import { PICTURES, startStack } from "./stack.mjs";
import { stateTests } from "./state.mjs";
import { viewsTests } from "./views.mjs";

/** Filled before the first test. */
const shared = { stack: null, browser: null };

before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  [shared.stack, shared.browser] = await Promise.all([startStack(), launch()]);
});

after(async () => {
  await shared.browser?.close();
  await shared.stack?.stop();
});

describe("views", () => viewsTests(shared));
describe("figures", () => figuresTests(shared));
describe("state", () => stateTests(shared));
describe("sign-in", () => signInTests(shared));
describe("changes", () => changesTests(shared));
