/** The webhooks that alerts go to. */

import { get, segment, send } from "../../core/api.js";
import { button, h } from "../../core/dom.js";
import { confirm, copyable, dialog, field, form, text, toast } from "../../core/form.js";
import { panel } from "../../core/panel.js";
import { table } from "../../core/table.js";
import { alerts } from "./alerts.js";

/** The message formats of webhooks. */
const FORMATS = [
  ["json", "a program, with every figure"],
  ["slack", "Slack"],
  ["teams", "Microsoft Teams"],
];

export function destinations(canSet) {
  const section = panel({
    title: "Where alerts go",
    hint: "Webhooks, signed as Standard Webhooks specifies",
    class: "half",
    needs: "registry:read",
    actions: canSet && button("Add a webhook", () => destinationForm(section)),
    load: async () => {
      const { items } = await get("/api/alerts/destinations");
      if (items.length === 0) return null;
      return table({
        id: "destinations",
        caption: "Webhooks",
        rows: items,
        columns: [
          {
            label: "Webhook",
            cell: (one) => [
              h("span", { class: "name" }, one.id),
              h("span", { class: "sub" }, [one.format, one.url].filter(Boolean).join(" · ")),
            ],
          },
          canSet && {
            label: "",
            class: "row-actions",
            cell: (one) => [
              button("Test", (event) => test(one, event.currentTarget)),
              button("Delete", () => remove(one, section), { class: "danger" }),
            ],
          },
        ].filter(Boolean),
      });
    },
    empty: h(
      "span",
      null,
      h("strong", null, "Nobody is notified yet"),
      "Add a webhook, and each alert is sent there once, signed, and retried for a day.",
    ),
  });
  return section;
}

async function test(destination, button) {
  button.disabled = true;
  try {
    const { delivered, detail } = await send("POST", `/api/alerts/destinations/${segment(destination.id)}/test`);
    toast(detail, delivered ? "good" : "bad");
  } catch (error) {
    toast(error.message, "bad");
  } finally {
    button.disabled = false;
  }
}

function destinationForm(section) {
  dialog("Add a webhook", (close) =>
    form({
      fields: [
        field({ label: "Name", name: "id", required: true, placeholder: "ops" }),
        field({
          label: "URL",
          name: "url",
          type: "url",
          required: true,
          placeholder: "https://example.com/hook",
        }),
        field({ label: "Messages for", name: "format", choices: FORMATS }),
      ],
      action: "Add",
      submit: async (data, element) => {
        const { secret } = await send(
          "PUT",
          `/api/alerts/destinations/${segment(text(data, "id"))}`,
          { url: text(data, "url"), ...(data.get("format") === "json" ? {} : { format: data.get("format") }) },
          { "if-none-match": "*" },
        );
        section.reload();
        element.replaceWith(
          h(
            "div",
            null,
            h("p", null, "Added. Messages are signed with this secret, which is only shown once:"),
            copyable(secret),
            h("div", { class: "actions" }, button("Done", close, { class: "primary" })),
          ),
        );
      },
    }),
  );
}

function remove(destination, section) {
  confirm({
    title: `Delete the webhook ${destination.id}?`,
    text: "Alerts that were not delivered yet will not be sent there.",
    action: "Delete",
    run: async () => {
      await send("DELETE", `/api/alerts/destinations/${segment(destination.id)}`);
      section.reload();
    },
  });
}
