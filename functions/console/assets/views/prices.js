/** What calls cost: what has no price, the organization's own prices, the price book, and what retires. */

import { get, segment, send, withQuery } from "../core/api.js";
import { h, link } from "../core/dom.js";
import { dialog, field, form, text, toast, confirm } from "../core/form.js";
import { badge, count, money, short, status } from "../core/format.js";
import { panel } from "../core/panel.js";
import { repriceDialog } from "../core/reprice.js";
import { href, setParams } from "../core/router.js";
import * as session from "../core/session.js";
import { table } from "../core/table.js";
import { daysBetween, getToday, monthStart, showDay, showInstant } from "../core/time.js";

/** Why a call has no price, and what to do about it. */
const REASONS = {
  unknown_provider: "The price book does not know this provider.",
  unknown_model: "The price book does not know this model of the provider.",
  no_price_at_that_time: "The model had no price yet, or no more, when it was called.",
  no_price_for_tier: "There is no price for this service tier.",
  no_price_for_region: "There is no price for this region.",
  no_price_for_modality: "There is no price for audio or images of this model.",
  no_price_for_cache_write: "There is no price for writing to this cache.",
  no_price_for_unit: "The tokens are priced, but not what is billed by count.",
};

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

/** Days ahead within which a retirement is shown. */
const AHEAD = 180;
/** Models in use that are looked up, each with a request. */
const USED = 40;

export async function view({ params }) {
  const canSet = session.has("registry:write");
  return h(
    "div",
    { class: "view" },
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        null,
        h("h1", null, "Prices"),
        h(
          "p",
          null,
          "Each call is priced by the rate in force when it was made. Your own price wins over the price book.",
        ),
      ),
      canSet &&
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => priceDialog({}) }, "Set a price"),
          h(
            "button",
            { type: "button", onclick: () => repriceDialog({ from: monthStart(getToday()) }) },
            "Reprice calls",
          ),
        ),
    ),
    unpriced(canSet),
    repricings(),
    retirements(),
    book(params),
  );
}

function unpriced(canSet) {
  return panel({
    title: "Calls without a price",
    hint: "This month. They count in requests and tokens, and add nothing to cost until they have a price.",
    id: "unpriced",
    needs: "costs:read",
    load: async () => {
      const { unpriced } = await get("/api/cost-analysis/unpriced");
      if (unpriced.length === 0) return null;
      return table({
        id: "unpriced",
        caption: "Calls without a price",
        rows: unpriced,
        columns: [
          {
            label: "Model",
            by: (row) => row.model,
            cell: (row) => [
              h("span", { class: "name" }, row.model),
              h(
                "span",
                { class: "sub" },
                [row.provider, row.tier !== "standard" && row.tier, row.region].filter(Boolean).join(" · "),
              ),
            ],
          },
          {
            label: "Why",
            wide: true,
            cell: (row) => [
              REASONS[row.reason] ?? row.reason,
              row.nearest.length > 0 && h("span", { class: "sub" }, `Similar: ${row.nearest.join(", ")}`),
            ],
          },
          { label: "Calls", num: true, by: (row) => row.requests, cell: (row) => count(row.requests) },
          { label: "Tokens", num: true, by: (row) => row.tokens, cell: (row) => short(row.tokens) },
          {
            label: "Last seen",
            num: true,
            wide: true,
            by: (row) => row.lastSeen,
            cell: (row) => showInstant(row.lastSeen),
          },
          canSet && {
            label: "",
            class: "row-actions",
            cell: (row) =>
              row.model !== "(other)" &&
              h(
                "button",
                {
                  type: "button",
                  class: "primary",
                  onclick: () => priceDialog({ ...row, effectiveFrom: row.firstSeen.slice(0, 10) }),
                },
                "Set a price",
              ),
          },
        ].filter(Boolean),
      });
    },
    empty: h(
      "span",
      null,
      h("strong", null, "Every call of this month has a price"),
      "Calls of a model that nobody has a price for would show here.",
    ),
  });
}

/** Sets an own price. Afterwards the stored calls can be repriced. */
function priceDialog({ provider = "", model = "", effectiveFrom = monthStart(getToday()), nearest = [] }) {
  const rate = (label, name, attributes) =>
    field({ label, name, inputmode: "decimal", pattern: "[0-9]*\\.?[0-9]*", placeholder: "0.00", ...attributes });
  dialog("Set a price", (close) =>
    form({
      fields: [
        h(
          "div",
          { class: "fields" },
          field({ label: "Provider", name: "provider", value: provider, required: true }),
          field({ label: "Model", name: "model", value: model, required: true }),
          field({
            label: "From this UTC day on",
            name: "effectiveFrom",
            type: "date",
            value: effectiveFrom,
            required: true,
          }),
        ),
        h("h3", null, "Rates, in dollars per million tokens"),
        h(
          "div",
          { class: "fields" },
          rate("Input", "inputPricePerMillion"),
          rate("Output", "outputPricePerMillion"),
          rate("Cache read", "cacheReadPricePerMillion", { placeholder: "as the list" }),
          rate("Cache write, 5 min", "cacheWrite5mPricePerMillion", { placeholder: "as the list" }),
        ),
        h("h3", null, "Or one of these instead"),
        h(
          "div",
          { class: "fields" },
          rate("Factor on the list price", "multiplier", {
            placeholder: "0.85",
            hint: "0.85 is a discount of 15 %.",
          }),
          field({
            label: "The price of another model",
            name: "alias",
            placeholder: nearest[0]?.replace(`${provider}/`, "") ?? "gpt-4o",
            hint: "For names of your own, such as a deployment.",
          }),
        ),
      ],
      action: "Set the price",
      submit: async (data) => {
        const names = [
          "inputPricePerMillion",
          "outputPricePerMillion",
          "cacheReadPricePerMillion",
          "cacheWrite5mPricePerMillion",
          "multiplier",
          "alias",
          "effectiveFrom",
        ];
        const body = Object.fromEntries(
          names.map((name) => [name, text(data, name)]).filter(([, value]) => value !== null),
        );
        if (!body.alias && !body.multiplier && !(body.inputPricePerMillion && body.outputPricePerMillion))
          throw new Error("Give the rates of input and output, or a factor, or another model.");
        const [one, other] = [text(data, "provider"), text(data, "model")];
        await send("PUT", `/api/cost-analysis/pricing/${segment(one)}/${segment(other)}`, body);
        close();
        repriceDialog({ provider: one, model: other, from: body.effectiveFrom, isNew: true });
      },
    }),
  );
}

function repricings() {
  const section = panel({
    title: "Repricing",
    hint: "Stored calls that were given the cost by later prices. Raw events stay as they are, so each can be taken back.",
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
            cell: (one) =>
              one.status !== "withdrawing" &&
              h("button", { type: "button", onclick: () => takeBack(one, section) }, "Take back"),
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
    text: "Within minutes, every figure is again what it was without it, to the last digit.",
    action: "Take back",
    run: async () => {
      await send("DELETE", `/api/cost-analysis/reprice/${segment(entry.id)}`);
      toast("It is being taken back.");
      section.reload();
    },
  });
}

/** Models in use this month that their provider will stop serving. */
function retirements() {
  return panel({
    title: "Retirements ahead",
    hint: `Models that you called this month and that retire within ${AHEAD} days`,
    needs: "costs:read",
    load: async () => {
      const { models } = await get("/api/cost-analysis/by-model");
      const asked = await Promise.all(models.slice(0, USED).map(find));
      const soon = models
        .map((one, at) => ({ ...one, price: asked[at] }))
        .filter(({ price }) => price?.retiresOn && daysBetween(getToday(), price.retiresOn) < AHEAD);
      if (soon.length === 0) return null;
      soon.sort((a, b) => a.price.retiresOn.localeCompare(b.price.retiresOn));
      return table({
        id: "retire",
        caption: "Models that retire",
        rows: soon,
        columns: [
          {
            label: "Model",
            cell: (one) => [h("span", { class: "name" }, one.model), h("span", { class: "sub" }, one.provider)],
          },
          {
            label: "Retires",
            num: true,
            cell: (one) =>
              badge(
                `${one.price.retired ? "retired " : ""}${showDay(one.price.retiresOn)}`,
                daysBetween(getToday(), one.price.retiresOn) < 30 ? "bad" : "warn",
              ),
          },
          { label: "Successor", wide: true, cell: (one) => one.price.successor ?? "" },
          { label: "Cost this month", num: true, cell: (one) => money(one.totalCost) },
        ],
      });
    },
    empty: "None of the models in use retires soon.",
  });
}

/** The book's entry of a model as events spell it. */
async function find({ provider, model }) {
  const { models } = await get(withQuery("/api/cost-analysis/pricing", { provider, q: model, limit: 50 }));
  const id = model.toLowerCase();
  return (
    models.find((one) => one.id.toLowerCase() === id || one.aliases?.some((alias) => alias.toLowerCase() === id)) ??
    null
  );
}

/** The models that were called this month, unless a filter asks for others: nobody reads a list of thousands. */
function book(params) {
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

async function used() {
  const { models } = await get("/api/cost-analysis/by-model");
  const found = await Promise.all(models.slice(0, USED).map(find));
  const unique = new Map(found.filter(Boolean).map((one) => [`${one.provider}/${one.id}`, one]));
  return { rows: [...unique.values()], isCut: false };
}

const RATE = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 6 });

function priceTable(rows) {
  const rate = (name, missing) => (one) =>
    one[name] === undefined || (missing && one.withoutPrice?.includes(missing))
      ? h("span", { class: "muted" }, "–")
      : RATE.format(one[name]);
  return table({
    id: "book",
    caption: "Price book",
    rows,
    rowClass: (one) => (one.retired ? "dim" : null),
    columns: [
      {
        label: "Model",
        by: (one) => one.id,
        cell: (one) => [
          h("span", { class: "name" }, one.id),
          " ",
          one.overridden && badge("your price", "good"),
          one.multiplier && badge(`× ${one.multiplier}`, "good"),
          one.retired && badge("retired"),
          h("span", { class: "sub" }, one.provider),
        ],
      },
      { label: "Mode", wide: true, by: (one) => one.mode, cell: (one) => one.mode ?? "" },
      {
        label: "Input",
        num: true,
        by: (one) => one.inputPricePerMillion,
        cell: rate("inputPricePerMillion", "input"),
      },
      {
        label: "Output",
        num: true,
        by: (one) => one.outputPricePerMillion,
        cell: rate("outputPricePerMillion", "output"),
      },
      {
        label: "Cache read",
        num: true,
        wide: true,
        by: (one) => one.cacheReadPricePerMillion,
        cell: rate("cacheReadPricePerMillion"),
      },
      {
        label: "Context",
        num: true,
        wide: true,
        by: (one) => one.contextTokens,
        cell: (one) => (one.contextTokens ? short(one.contextTokens) : ""),
      },
      {
        label: "Retires",
        num: true,
        wide: true,
        by: (one) => one.retiresOn,
        cell: (one) => (one.retiresOn ? showDay(one.retiresOn) : ""),
      },
      {
        label: "",
        class: "row-actions",
        cell: (one) => h("button", { type: "button", class: "link", onclick: () => details(one) }, "Details"),
      },
    ],
  });
}

/** Every price of a model: tiers, regions, lengths, units. */
function details(one) {
  const rows = [
    { name: "Standard", ...one },
    ...(one.longContext ?? []).map(named),
    ...(one.otherPrices ?? []).map(named),
  ];
  const units = Object.entries(one.units ?? {});
  dialog(
    `${one.provider}/${one.id}`,
    () => [
      one.aliases && h("p", { class: "hint" }, `Also: ${one.aliases.join(", ")}`),
      h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Rates" },
        h(
          "table",
          null,
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              h("th", null, "Price for"),
              ["Input", "Output", "Cache read", "Write 5 min", "Write 1 h"].map((label) =>
                h("th", { class: "num" }, label),
              ),
            ),
          ),
          h(
            "tbody",
            null,
            rows.map((row) =>
              h(
                "tr",
                null,
                h("th", { scope: "row" }, row.name),
                ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"].map((name) =>
                  h(
                    "td",
                    { class: "num" },
                    row[`${name}PricePerMillion`] === undefined ? "–" : RATE.format(row[`${name}PricePerMillion`]),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
      units.length > 0 &&
        h("p", null, "Per unit: ", units.map(([name, price]) => `${name.replaceAll("_", " ")} $${price}`).join(", ")),
      session.has("registry:write") &&
        h(
          "div",
          { class: "actions" },
          h(
            "button",
            { type: "button", onclick: () => priceDialog({ provider: one.provider, model: one.id }) },
            "Set your own price",
          ),
          one.overridden &&
            one.effectiveFrom &&
            h("button", { type: "button", class: "danger", onclick: () => removePrice(one) }, "Remove your price"),
        ),
    ],
    { wide: true },
  );
}

function named(row) {
  const long = row.aboveInputTokens && `above ${count(row.aboveInputTokens)} input tokens`;
  return { ...row, name: [row.tier, row.region, row.hours, long].filter(Boolean).join(", ") };
}

function removePrice(one) {
  confirm({
    title: "Remove your price?",
    text: "Later calls are priced by the version before it, or by the price book. Stored calls keep their cost.",
    action: "Remove",
    run: async () => {
      await send(
        "DELETE",
        withQuery(`/api/cost-analysis/pricing/${segment(one.provider)}/${segment(one.id)}`, {
          effectiveFrom: one.effectiveFrom,
        }),
      );
      document.querySelectorAll("dialog").forEach((box) => box.close());
      toast("Your price is removed.");
      setParams({}, { replace: true });
    },
  });
}
