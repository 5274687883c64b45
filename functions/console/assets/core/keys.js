/** Keys for tools that can only send static headers. */

import { send } from "./api.js";
import { button, h } from "./dom.js";
import { copyable, dialog, field, form, text } from "./form.js";

/** The permissions of a key. */
export const KEY_SCOPES = [
  ["events:write", "send events"],
  ["metrics:read", "read usage"],
  ["billing:read", "read the plan's usage"],
  ["usage:read", "read compute usage"],
  ["costs:read", "read costs"],
  ["workforce:read", "read the agents' value"],
  ["activity:read", "read the activity log"],
];

/** @param {{ name: string, scopes: string[], expiresAt?: string | null }} wanted */
export function createKey(wanted) {
  return send("POST", "/api/keys", wanted);
}

/** Asks for the key's name and permissions, and shows the key once. @param {() => void} changed */
export function keyForm(changed) {
  dialog("Make a key", (close) =>
    form({
      fields: [
        field({
          label: "Name",
          name: "name",
          required: true,
          maxlength: 200,
          placeholder: "who or what uses it",
        }),
        h(
          "fieldset",
          null,
          h("legend", null, "It may"),
          KEY_SCOPES.map(([scope, label], at) => {
            const id = `scope-${at}`;
            return h(
              "div",
              { class: "check" },
              h("input", {
                type: "checkbox",
                name: "scope",
                value: scope,
                id,
                checked: scope === "events:write",
              }),
              h("label", { for: id }, label, " ", h("code", null, scope)),
            );
          }),
        ),
        field({ label: "Expires (optional)", name: "expires", type: "date" }),
      ],
      action: "Make the key",
      submit: async (data, element) => {
        const expires = text(data, "expires");
        const { key } = await createKey({
          name: text(data, "name"),
          scopes: data.getAll("scope"),
          expiresAt: expires && `${expires}T00:00:00Z`,
        });
        changed();
        element.replaceWith(
          h(
            "div",
            null,
            h("p", null, "This is the key. It is only shown once:"),
            copyable(key),
            h("div", { class: "actions" }, button("Done", close, { class: "primary" })),
          ),
        );
      },
    }),
  );
}
