/** The controls that make up a query. */

import { button, h } from "../../core/dom.js";
import { dialog, field, form, text } from "../../core/form.js";
import { setParams } from "../../core/router.js";
import { plusDays } from "../../core/time.js";
import { MEASURES } from "./measures.js";
import { FILTER, STEPS } from "./question.js";
import { RANGES } from "./range.js";

/** The choice for a tag whose name is still to be entered. */
const TAG = "tag.";

export function controls(params, { from, to, granularity, groupBy, compare, measure }, groups) {
  const change = (name) => (event) => setParams({ [name]: event.target.value, "rows.page": null });
  const custom = params.range === "custom";
  return h(
    "div",
    { class: "filters" },
    field({
      label: "Range",
      id: "x-range",
      choices: RANGES,
      value: params.range ?? "30",
      onchange: (event) =>
        setParams({
          range: event.target.value,
          ...(event.target.value === "custom" ? { from, to: plusDays(to, -1) } : { from: null, to: null }),
        }),
    }),
    custom && field({ label: "From", id: "x-from", type: "date", value: from, onchange: change("from") }),
    custom && field({ label: "Through", id: "x-to", type: "date", value: plusDays(to, -1), onchange: change("to") }),
    field({
      label: "Group by",
      id: "x-group",
      choices: [["none", "nothing"], ...groups, [TAG, "a tag…"]],
      value: groupBy[0] ?? "none",
      onchange: (event) => (event.target.value === TAG ? askForTag() : change("group")(event)),
    }),
    field({
      label: "Then by",
      id: "x-then",
      choices: [["", "nothing"], ...groups.filter(([one]) => one !== groupBy[0])],
      value: groupBy[1] ?? "",
      onchange: change("then"),
    }),
    field({ label: "Over time", id: "x-by", choices: STEPS, value: granularity, onchange: change("by") }),
    field({
      label: "Measure",
      id: "x-measure",
      choices: Object.entries(MEASURES).map(([name, { label }]) => [name, label]),
      value: measure,
      onchange: change("measure"),
    }),
    field({
      label: "Compare",
      id: "x-compare",
      choices: [
        ["", "with nothing"],
        ["1", "with the period before"],
      ],
      value: compare ? "1" : "",
      onchange: change("compare"),
    }),
  );
}

export function filterChips({ filters }, groups) {
  const names = new Map(groups);
  const chip = ([name, value]) =>
    h(
      "span",
      { class: "chip" },
      `${names.get(name) ?? name}: ${value}`,
      button("×", () => setParams({ [FILTER + name]: null }), {
        class: "link",
        "aria-label": `Remove the filter ${name}`,
      }),
    );
  return h(
    "div",
    { class: "chips" },
    Object.entries(filters).map(chip),
    button("Add a filter", () => addFilter(groups)),
  );
}

/** Groups by a tag whose name a person enters. */
function askForTag() {
  dialog("Group by a tag", (close) =>
    form({
      fields: field({
        label: "Tag, as events name it",
        name: "tag",
        required: true,
        placeholder: "customer",
        pattern: "[a-z0-9_.\\-]+",
      }),
      action: "Group",
      submit: async (data) => {
        close();
        setParams({ group: `tag.${text(data, "tag")}`, "rows.page": null });
      },
    }),
  );
}

function addFilter(groups) {
  dialog("Add a filter", (close) =>
    form({
      fields: h(
        "div",
        { class: "fields" },
        field({
          label: "Only where",
          name: "name",
          list: "dimensions",
          required: true,
          placeholder: "agent",
          hint: "Also a tag, such as tag.customer.",
        }),
        h(
          "datalist",
          { id: "dimensions" },
          groups.map(([value]) => h("option", { value })),
        ),
        field({ label: "is", name: "value", required: true, hint: "(none) stands for calls that do not say." }),
      ),
      action: "Add",
      submit: async (data) => {
        close();
        setParams({ [FILTER + text(data, "name")]: text(data, "value") });
      },
    }),
  );
}
