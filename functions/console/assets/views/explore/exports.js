/** The result as a file, and the query as a command. */

import { button, h } from "../../core/dom.js";
import { exportButton } from "../../core/export.js";
import { copyable, dialog } from "../../core/form.js";
import { address } from "../../core/query.js";

export function exports(question) {
  const path = address(question);
  const curl = `curl -H "Authorization: Bearer $TOKEN" '${location.origin}${path}'`;
  return [
    exportButton(`costs-${question.from}`, path),
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
