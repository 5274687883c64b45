/** The price book, searchable. */

import { get, withQuery } from "../../core/api.js";
import { h, link } from "../../core/dom.js";
import { field } from "../../core/form.js";
import { count } from "../../core/format.js";
import { panel } from "../../core/panel.js";
import { href, setParams } from "../../core/router.js";
import { used } from "./in_use.js";
import { priceTable } from "./price_table.js";

const MODES = [
  "chat",
  "completion",
  "embedding",
  "image",
  "transcription",
  "speech",
  "video",
  "realtime",
  "rerank",
  "search",
  "ocr",
  "moderation",
  "other",
];

/** The models that were called this month, unless there is a filter: nobody reads a list of thousands. */
export function book(params) {
  const filter = (name) => (event) => setParams({ [name]: event.target.value, "book.page": null }, { replace: true });
  const isFiltered = ["q", "provider", "mode", "own"].some((name) => params[name]);
  return panel({
    title: "Price book",
    hint: "In dollars per million tokens, as of today",
    needs: "costs:read",
    id: "book",
    load: async () => {
      const { rows, isCut } = isFiltered ? await search(params) : await used();
      return [
        h(
          "div",
          { class: "filters" },
          field({
            label: "Search",
            type: "search",
            id: "book-q",
            value: params.q ?? "",
            placeholder: "claude, gpt-4o, …",
            class: "grow",
            onchange: filter("q"),
          }),
          field({
            label: "Provider",
            id: "book-provider",
            value: params.provider ?? "",
            placeholder: "any",
            onchange: filter("provider"),
          }),
          field({
            label: "Mode",
            id: "book-mode",
            choices: [["", "any"], ...MODES],
            value: params.mode ?? "",
            onchange: filter("mode"),
          }),
          field({
            label: "Models",
            id: "book-own",
            choices: [
              ["", isFiltered ? "all that match" : "called this month"],
              ["all", "all"],
              ["own", "with a price of your own"],
            ],
            value: params.own ?? "",
            onchange: filter("own"),
          }),
        ),
        rows.length === 0
          ? h(
              "div",
              { class: "state" },
              h("strong", null, "No model matches"),
              link(href("prices"), "Clear the filters"),
            )
          : priceTable(rows),
        isCut && h("p", { class: "hint" }, `These are the first ${count(MOST)} models. Search to see others.`),
      ];
    },
  });
}

const MOST = 2000;

async function search(params) {
  const { models, nextCursor } = await get(
    withQuery("/api/cost-analysis/pricing", {
      q: params.q,
      provider: params.provider,
      mode: params.mode,
      limit: params.own === "own" ? null : MOST,
    }),
  );
  const rows = params.own === "own" ? models.filter((one) => one.overridden || one.multiplier) : models;
  return { rows, isCut: nextCursor !== null };
}
