/** The answer as a file, and the question as a command. */

import { button, h } from "../../core/dom.js";
import { busyButton, exportButton, saveTable } from "../../core/export.js";
import { copyable, dialog, download } from "../../core/form.js";
import { address, askAll, hasQuery } from "../../core/query.js";

export function exports(question) {
  const path = address(question);
  const curl = `curl -H "Authorization: Bearer $TOKEN" '${location.origin}${path}'`;
  return [
    busyButton("CSV", () => csv(question)),
    exportButton(
      `focus-${question.from}`,
      `/api/exports/focus?from=${question.from}&to=${question.to}`,
      "csv",
      "FOCUS",
    ),
    button("curl", () =>
      dialog(
        "The same request",
        () => [h("p", null, "With a token or key that has the scope costs:read:"), copyable(curl)],
        { wide: true },
      ),
    ),
  ];
}

/** The API's own table of the rows, or the same made here where it has none. */
async function csv(question) {
  const { rows } = await askAll(question);
  if (hasQuery()) return saveTable(`costs-${question.from}`, address(question));
  const cells = rows.map((row) => [
    row.period ?? "",
    ...question.groupBy.map((name) => row.group[name]),
    row.cost,
    row.requests,
  ]);
  // A spreadsheet would run text that begins like a formula.
  const safe = (cell) =>
    typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) && Number.isNaN(Number(cell)) ? `'${cell}` : String(cell);
  const line = (row) => row.map((cell) => `"${safe(cell).replaceAll('"', '""')}"`).join(",");
  download(
    `costs-${question.from}.csv`,
    "text/csv",
    [["period", ...question.groupBy, "cost", "requests"], ...cells].map(line).join("\r\n") + "\r\n",
  );
}
