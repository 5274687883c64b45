/** The repricing entries and their progress. */

import { get, segment, send } from "../../core/api.js";
import { button, h } from "../../core/dom.js";
import { confirm, toast } from "../../core/form.js";
import { count, money, status } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import * as session from "../../core/session.js";
import { table } from "../../core/table.js";
import { showDay, showInstant } from "../../core/time.js";

export function repricings() {
  const section = panel({
    title: "Repricing",
    hint: "Stored calls that were repriced by later prices. Raw events stay as they are, so each entry can be taken back.",
    id: "repricings",
    needs: "registry:read",
    load: async () => {
      const { items } = await get("/api/cost-analysis/reprice");
      section.hidden = items.length === 0;
      if (items.some((one) => one.status !== "applied"))
        setTimeout(() => section.isConnected && section.reload(), 5000);
      return table({
        id: "repricings",
        caption: "Repricing entries",
        rows: items.toReversed(),
        columns: [
          {
            label: "Asked for",
            cell: (one) => [showInstant(one.requestedAt), h("span", { class: "sub" }, one.why ?? one.who)],
          },
          {
            label: "Calls of",
            cell: (one) => [
              [one.provider, one.model].filter(Boolean).join("/") || "all models",
              h("span", { class: "sub" }, `${showDay(one.from)} to ${showDay(one.to)}`),
            ],
          },
          { label: "Calls", num: true, wide: true, cell: (one) => count(one.result.requests) },
          { label: "Change of cost", num: true, cell: (one) => money(one.result.difference) },
          {
            label: "State",
            cell: (one) => [
              status(one.status),
              one.status === "pending" &&
                h(
                  "span",
                  { class: "sub" },
                  one.appliedThrough ? `through ${showDay(one.appliedThrough)}` : "within a minute or two",
                ),
            ],
          },
          session.has("registry:write") && {
            label: "",
            class: "row-actions",
            cell: (one) => one.status !== "withdrawing" && button("Take back", () => takeBack(one, section)),
          },
        ].filter(Boolean),
      });
    },
  });
  section.hidden = true;
  return section;
}

function takeBack(entry, section) {
  confirm({
    title: "Take the repricing back?",
    text: "Within minutes, every figure is what it would be without it, to the last digit.",
    action: "Take back",
    run: async () => {
      await send("DELETE", `/api/cost-analysis/reprice/${segment(entry.id)}`);
      toast("It is being taken back.");
      section.reload();
    },
  });
}
