/** Registers or changes the agents of a file. */

import { AGENT_FIELDS } from "../../core/agent_form.js";
import { getAll, segment, send } from "../../core/api.js";
import { h } from "../../core/dom.js";
import { dialog, field, form, toast } from "../../core/form.js";
import { plural } from "../../core/format.js";
import { setParams } from "../../core/router.js";
import { fromCsv } from "./csv.js";

/** Registers or changes the agents of a file. A missing column leaves the setting unchanged. */
export function importAgents() {
  dialog("Import agents", (close) =>
    form({
      fields: [
        h(
          "p",
          null,
          "A CSV file with a header row. The column ",
          h("code", null, "id"),
          " is needed, others are settings: ",
          h("code", null, AGENT_FIELDS.join(", ")),
          ". A column that is missing leaves a setting as it is; the export has the same columns.",
        ),
        field({ label: "File", name: "file", type: "file", accept: ".csv,text/csv", required: true }),
      ],
      action: "Import",
      submit: async (data) => {
        const rows = fromCsv(await data.get("file").text());
        if (rows.length === 0 || !("id" in rows[0])) throw new Error("The file has no rows, or no column id.");
        const { items } = await getAll("/api/agents", "items");
        await putAll(rows, new Map(items.map((agent) => [agent.id, agent])));
        close();
        toast(`${plural(rows.length, "agent")} imported.`);
        setParams({}, { replace: true });
      },
    }),
  );
}

async function putAll(rows, known) {
  for (const [at, row] of rows.entries()) {
    const before = known.get(row.id) ?? {};
    const setting = (name) => (name in row ? row[name] || null : (before[name] ?? null));
    const body = Object.fromEntries(AGENT_FIELDS.map((name) => [name, setting(name)]));
    await send("PUT", `/api/agents/${segment(row.id)}`, body).catch((error) => {
      throw new Error(`Row ${at + 2}, ${row.id}: ${error.message} The rows before it are imported.`);
    });
  }
}
