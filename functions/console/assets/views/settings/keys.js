/** The keys. */

import { get, segment, send } from "../../core/api.js";
import { button, h, link } from "../../core/dom.js";
import { confirm, toast } from "../../core/form.js";
import { badge } from "../../core/format.js";
import { keyForm } from "../../core/keys.js";
import { panel } from "../../core/panel.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showDay, showInstant } from "../../core/time.js";
import { canWrite } from "./common.js";

export function keysTab() {
  const section = panel({
    title: "Keys",
    hint: "For tools that can only send a static header. A key cannot read or change settings.",
    needs: "registry:read",
    actions: canWrite() && button("Make a key", () => keyForm(() => section.reload()), { class: "primary" }),
    load: async () => {
      const { items } = await get("/api/keys");
      if (items.length === 0) return null;
      return table({
        id: "keys",
        caption: "Keys",
        rows: items,
        columns: [
          {
            label: "Key",
            by: (key) => key.name,
            cell: (key) => [
              h("span", { class: "name" }, key.name),
              h("span", { class: "sub" }, h("code", null, `flk_${key.id}_…`)),
            ],
          },
          { label: "May", cell: (key) => h("span", { class: "name" }, key.scopes.join(", ")) },
          {
            label: "Made",
            num: true,
            wide: true,
            by: (key) => key.createdAt,
            cell: (key) => showInstant(key.createdAt),
          },
          {
            label: "Last used",
            num: true,
            by: (key) => key.lastUsed,
            cell: (key) => (key.lastUsed ? showDay(key.lastUsed) : "never"),
          },
          { label: "Expires", num: true, wide: true, by: (key) => key.expiresAt, cell: (key) => expiry(key) },
          canWrite() && {
            label: "",
            class: "row-actions",
            cell: (key) => button("Revoke", () => revoke(key, section), { class: "danger" }),
          },
        ].filter(Boolean),
      });
    },
    empty: h(
      "span",
      null,
      h("strong", null, "No keys"),
      "Make one here, or where you ",
      link(href("sources"), "connect a tool"),
      ".",
    ),
  });
  return section;
}

function expiry(key) {
  if (!key.expiresAt) return "never";
  return Date.parse(key.expiresAt) < Date.now() ? badge("expired", "bad") : showInstant(key.expiresAt);
}

function revoke(key, section) {
  confirm({
    title: `Revoke the key ${key.name}?`,
    text: "Tools that use it are rejected within 30 seconds.",
    action: "Revoke",
    run: async () => {
      await send("DELETE", `/api/keys/${segment(key.id)}`);
      toast("Revoked.");
      section.reload();
    },
  });
}
