/** Who is signed in. The token stays in this tab: never in a cookie, a log or an address. */

const KEY = "fleetledger.token";

/** @type {{ orgClaim: string, scopeClaim: string | null, scopePrefix: string } | null} */
let claimNames = null;

/** The scopes that a key was found to have, because a key cannot be read. */
let probed = null;

/** The claims for organization and scopes, if the deployment sets them. */
export function setClaimNames(names) {
  claimNames = names;
}

export function token() {
  return sessionStorage.getItem(KEY);
}

export function signIn(newToken) {
  probed = null;
  sessionStorage.setItem(KEY, newToken);
}

export function signOut() {
  probed = null;
  sessionStorage.removeItem(KEY);
}

/** Takes a token from the address's fragment, and removes it there before anything else can read it. */
export function takeFromFragment() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return false;
  history.replaceState(null, "", location.pathname + location.search);
  signIn(given);
  return true;
}

/** The claims of the token; null if it is a key or something else. They are shown, and never trusted. */
export function claims() {
  const payload = token()?.split(".")[1];
  if (!payload) return null;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

export function isKey() {
  return token()?.startsWith("flk_") ?? false;
}

export function setProbed(scopes) {
  probed = new Set(scopes);
}

/** The scopes of the token. */
export function scopes() {
  if (probed) return probed;
  const all = claims() ?? {};
  const given = (claimNames?.scopeClaim ? all[claimNames.scopeClaim] : (all.scope ?? all.scp)) ?? "";
  const words = Array.isArray(given) ? given : String(given).split(" ");
  const prefix = claimNames?.scopePrefix ?? "";
  return new Set(words.filter((word) => word.startsWith(prefix)).map((word) => word.slice(prefix.length)));
}

/** @param {string | string[]} needed */
export function has(needed) {
  const all = scopes();
  return [needed].flat().every((scope) => all.has(scope));
}

/** Seconds until the token expires; null if that is not known. */
export function secondsLeft() {
  const { exp } = claims() ?? {};
  return typeof exp === "number" ? exp - Date.now() / 1000 : null;
}

export function org() {
  return claims()?.[claimNames?.orgClaim ?? "org"] ?? null;
}
