/** The most expensive and the latest sessions; one session is in `sessions/one.js`. */

import { button, h, link } from "../core/dom.js";
import { field } from "../core/form.js";
import { page, panel } from "../core/panel.js";
import { href, setParams } from "../core/router.js";
import { SESSION_DAYS, listSessions, sessionRange, sessionTable } from "../core/sessions.js";
import { getToday, showDay } from "../core/time.js";
import { oneSession } from "./sessions/one.js";

const ORDERS = [
  ["cost", "most expensive first"],
  ["time", "latest first"],
];

export async function view({ params }) {
  const range = sessionRange(params.through ?? getToday());
  if (params.session) return oneSession(params.session, range);
  return page(
    {
      title: "Sessions",
      note: `Calls that name the same session or conversation, in the ${SESSION_DAYS} days from ${showDay(range.from)}`,
    },
    panel({
      needs: "costs:read",
      load: async () => {
        const order = params.order ?? "cost";
        const { rows, nextCursor } = await listSessions({
          agent: params.agent,
          order,
          ...range,
          cursor: params.cursor,
        });
        return [
          filters(params),
          rows.length > 0 ? sessionTable(rows, range) : nothing(),
          nextCursor &&
            h(
              "div",
              { class: "pager" },
              button("Next", () => setParams({ cursor: nextCursor })),
            ),
        ];
      },
    }),
  );
}

function filters(params) {
  const change = (name) => (event) => setParams({ [name]: event.target.value, cursor: null }, { replace: true });
  const { agent = "", through = getToday(), order = "cost" } = params;
  return h(
    "div",
    { class: "filters" },
    field({ label: "Agent", id: "sessions-agent", value: agent, placeholder: "any", onchange: change("agent") }),
    field({ label: "Through", id: "sessions-through", type: "date", value: through, onchange: change("through") }),
    // With an agent, sessions are ordered by what it cost in them.
    !agent && field({ label: "Order", id: "sessions-order", choices: ORDERS, value: order, onchange: change("order") }),
  );
}

function nothing() {
  return h(
    "div",
    { class: "state" },
    h("strong", null, "No sessions in these days"),
    h(
      "p",
      null,
      "Send ",
      h("code", null, "session_id"),
      " or ",
      h("code", null, "conversation_id"),
      " with a call, or use Claude Code or an OpenTelemetry SDK, which do so by themselves. ",
      link(href("sources"), "How to connect"),
    ),
  );
}
