/** Starts the console: signs in, loads what every view needs, and shows the view that the address names. */

import * as api from "./core/api.js";
import { fill, h } from "./core/dom.js";
import * as oidc from "./core/oidc.js";
import * as router from "./core/router.js";
import * as session from "./core/session.js";
import { setToday, setZone } from "./core/time.js";
import { shell } from "./shell.js";
import { signInPage } from "./sign_in.js";

const app = document.getElementById("app");

/** @type {{ version: string, signIn: any }} */
let settings = { version: "", signIn: null };
let page = null;

async function start() {
  const cameWithLink = session.takeFromFragment();
  settings = await fetch("/console/settings.json").then((response) => response.json());
  session.setClaimNames(settings.signIn);
  let problem = null;
  if (!cameWithLink && settings.signIn && oidc.isReturn()) {
    await oidc.finish(settings.signIn).catch((error) => (problem = error.message));
  }
  router.listen();
  router.changes.addEventListener("change", () => page?.show());
  api.events.addEventListener("expired", () => expired());
  // A link that signs in was opened in a tab with the console.
  addEventListener("hashchange", () => session.takeFromFragment() && enter());
  if (session.token()) await enter();
  else askToSignIn(problem);
}

function askToSignIn(problem) {
  page = null;
  document.title = "Sign in – Fleetledger";
  fill(app, signInPage({ settings, problem, enter }));
}

/** Shows the page with a new token. If the token is rejected, the person is asked for another one. */
async function enter() {
  api.forget();
  try {
    // A key cannot be read, so its scopes have to be tried out. This also detects text that is not a token.
    if (session.claims() === null) await api.probeScopes();
    const context = await load();
    page = shell({ version: settings.version, context, leave });
    fill(app, page.element);
    await page.show();
  } catch (error) {
    if (error.status !== 401) throw error;
  }
}

/** Loads what all views need: the organization, and the current day in its time zone. */
async function load() {
  const optional = (scope, path) =>
    session.has(scope) ? api.get(path).catch((error) => nothingUnless401(error)) : null;
  const [organization, usage] = await Promise.all([
    optional("registry:read", "/api/organization"),
    optional("metrics:read", "/v1/metrics/usage?days=90"),
  ]);
  // A new time zone applies once all days have been recomputed.
  if (organization) setZone(organization.timezone_change?.shown ?? organization.timezone);
  if (usage) setToday(usage.points.at(-1).date);
  return { organization };
}

function nothingUnless401(error) {
  if (error.status === 401) throw error;
  return null;
}

function leave() {
  session.signOut();
  api.forget();
  askToSignIn(null);
}

/** Keeps the address, so that signing in again leads back to where the person was. */
function expired() {
  if (!session.token()) return;
  const had = session.secondsLeft();
  session.signOut();
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  askToSignIn(
    had !== null && had <= 0
      ? "Your sign-in has expired. Sign in again to continue where you were."
      : "The API does not accept this token or key.",
  );
}

start().catch((error) =>
  fill(app, h("p", { class: "state error", role: "alert" }, `The console could not start: ${error.message}`)),
);
