/** The page for people who are not signed in. */

import { h } from "./core/dom.js";
import { field, form } from "./core/form.js";
import * as oidc from "./core/oidc.js";
import * as session from "./core/session.js";

/**
 * @param {{ settings: any, problem: string | null, enter: () => Promise<void> }} options
 */
export function signInPage({ settings, problem, enter }) {
  return h(
    "main",
    { class: "sign-in" },
    h(
      "div",
      { class: "sign-in-card" },
      h("p", { class: "brand" }, h("span", { class: "logo", "aria-hidden": "true" }), "Fleetledger"),
      h("h1", null, "Sign in"),
      h("p", null, "See what your AI agents cost, check the numbers, and act on them."),
      problem && h("p", { class: "banner bad", role: "alert" }, problem),
      settings.signIn && provider(settings.signIn),
      settings.signIn && h("p", { class: "or" }, "or"),
      pasted(enter),
      h(
        "p",
        { class: "hint" },
        "It stays in this browser tab and is sent to this API only. ",
        h("code", null, "cargo run"),
        " prints a link that signs you in on the demo. The API is described at ",
        h("a", { href: "/docs" }, "/docs"),
        ".",
      ),
    ),
  );
}

function provider(settings) {
  const host = new URL(settings.issuer).host;
  return form({
    fields: h("p", { class: "sr" }, `You will be sent to ${host}.`),
    action: `Sign in with ${host}`,
    submit: () => oidc.start(settings),
  });
}

function pasted(enter) {
  return form({
    fields: field({
      label: "Token or key",
      name: "token",
      type: "password",
      required: true,
      spellcheck: "false",
      placeholder: "eyJ… or flk_…",
      autofocus: true,
    }),
    action: "Use this token",
    submit: async (data) => {
      const token = String(data.get("token"))
        .trim()
        .replace(/^Bearer\s+/i, "");
      if (!/^[\x21-\x7e]+$/.test(token))
        throw new Error("This is not a token: it has spaces or other characters that a token cannot have.");
      session.signIn(token);
      await enter();
    },
  });
}
