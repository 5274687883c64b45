/**
 * Signs people in with their own identity provider: OpenID Connect, authorization code flow with PKCE (RFC 7636). The
 * console is a public client, and our servers are not involved.
 */

import * as session from "./session.js";

const PENDING = "fleetledger.sign-in";

/** The scopes of the API. All of them are requested, and the provider decides which ones a person gets. */
const SCOPES =
  "metrics:read billing:read usage:read costs:read workforce:read activity:read events:write registry:read registry:write";

const redirectUri = () => `${location.origin}/console`;

/** The provider's discovery document. */
async function discover(issuer) {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!response.ok)
    throw new Error(`The identity provider's discovery document cannot be read (status ${response.status}).`);
  const found = await response.json();
  if (found.issuer !== issuer)
    throw new Error("The identity provider has another issuer URL than the one configured here.");
  return found;
}

/** Redirects to the provider's page. */
export async function start(settings) {
  const provider = await discover(settings.issuer);
  const verifier = random();
  const state = random();
  const back = location.pathname + location.search;
  sessionStorage.setItem(PENDING, JSON.stringify({ state, verifier, back, tokenEndpoint: provider.token_endpoint }));
  const url = new URL(provider.authorization_endpoint);
  const scope = settings.scope ?? ["openid", ...SCOPES.split(" ").map((one) => settings.scopePrefix + one)].join(" ");
  const parameters = {
    response_type: "code",
    client_id: settings.clientId,
    redirect_uri: redirectUri(),
    scope,
    state,
    code_challenge: await challenge(verifier),
    code_challenge_method: "S256",
    // The API that a token is for is named by `audience` at some providers, and by `resource`, a URI (RFC 8707), at others.
    audience: settings.audience,
    ...(URL.canParse(settings.audience) ? { resource: settings.audience } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  location.assign(url);
}

/** Whether the address is the provider's redirect back to the console. */
export function isReturn() {
  const given = new URLSearchParams(location.search);
  return given.has("state") && (given.has("code") || given.has("error")) && sessionStorage.getItem(PENDING) !== null;
}

/** Exchanges the code for a token, and goes back to where the person was. */
export async function finish(settings) {
  const given = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING));
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", pending.back);
  if (given.get("state") !== pending.state) throw new Error("The sign-in was not started in this tab. Start it again.");
  if (given.has("error"))
    throw new Error(given.get("error_description") ?? `The identity provider rejected the sign-in: ${given.get("error")}.`);
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code: given.get("code"),
    redirect_uri: redirectUri(),
    client_id: settings.clientId,
    code_verifier: pending.verifier,
    ...(URL.canParse(settings.audience) ? { resource: settings.audience } : {}),
  });
  const response = await fetch(pending.tokenEndpoint, { method: "POST", body });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || !answer.access_token)
    throw new Error(answer.error_description ?? "The identity provider did not issue a token.");
  session.signIn(answer.access_token);
}

function random() {
  return base64(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier) {
  return base64(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
