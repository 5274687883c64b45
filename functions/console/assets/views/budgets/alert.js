/** One alert: its cause, and where it was sent. */

import { segment, send } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { dialog, form, toast } from "../../core/form.js";
import { money, percent, plural, status } from "../../core/format.js";
import { href } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showDay, showInstant, showMonth } from "../../core/time.js";

/** @param {any} alert @param {boolean} canSend @param {() => void} changed */
export function alertDetails(alert, canSend, changed) {
  dialog(
    "Alert",
    (close) => [
      h("p", null, alert.summary),
      cause(alert, close),
      h("h3", null, "Deliveries"),
      deliveries(alert),
      canSend && redeliver(alert, close, changed),
    ],
    { wide: true },
  );
}

function cause(alert, close) {
  const { subject, forecast } = alert;
  const facts = [
    ["Budget", alert.budget === null ? "removed" : money(alert.budget)],
    ["Cost so far", [money(alert.cost), ` (${percent(alert.utilization_percent)})`]],
    forecast && [
      "Forecast",
      [
        money(forecast.cost),
        ` (${percent(forecast.utilization_percent)}): `,
        money(forecast.basis.mean_daily_cost),
        ` a day, the mean of ${showDay(forecast.basis.from)} to ${showDay(forecast.basis.to)}, for ${plural(forecast.days_left, "day")} more`,
      ],
    ],
    ["Month", showMonth(alert.month)],
    ["Decided", showInstant(alert.decided_at)],
    alert.resolved_at && ["Resolved", showInstant(alert.resolved_at)],
    alert.is_lower_bound && [
      "Unpriced",
      link(href("prices"), `${plural(alert.unpriced_requests, "call")} without a price, so the cost is higher`),
    ],
    [
      "Where it comes from",
      subject.type === "agent"
        ? link(href("agents", { agent: subject.id }), "The agent's calls by day and model")
        : link(href("explore", { range: "month", group: "agent", by: "day" }), "The month by agent and day"),
    ],
  ].filter(Boolean);
  const list = h(
    "dl",
    { class: "facts" },
    facts.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]),
  );
  list.addEventListener("click", (event) => event.target.closest("a") && close());
  return list;
}

function deliveries(alert) {
  if (alert.deliveries.length === 0)
    return h(
      "p",
      { class: "hint" },
      alert.status === "superseded"
        ? "An alert of a higher threshold was sent instead."
        : "There was no webhook when it was decided.",
    );
  return table({
    id: "deliveries",
    caption: "Deliveries",
    rows: alert.deliveries,
    columns: [
      {
        label: "To",
        cell: (one) => [one.destination ?? one.outlet, h("span", { class: "sub" }, one.host ?? "")],
      },
      { label: "Attempts", num: true, cell: (one) => one.attempts },
      {
        label: "State",
        cell: (one) => [status(one.state), one.last_failure && h("span", { class: "sub" }, one.last_failure)],
      },
      {
        label: "When",
        num: true,
        cell: (one) =>
          one.delivered_at
            ? showInstant(one.delivered_at)
            : one.next_attempt_at
              ? `again ${showInstant(one.next_attempt_at)}`
              : "",
      },
    ],
  });
}

function redeliver(alert, close, changed) {
  if (alert.status === "superseded" || alert.deliveries.length === 0) return null;
  return form({
    fields: [],
    action: "Send it again",
    submit: async () => {
      await send("POST", `/api/alerts/${segment(alert.id)}/redeliver`);
      close();
      toast("It is sent again within minutes, with the same id.");
      changed();
    },
  });
}
