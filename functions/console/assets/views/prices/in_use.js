/** The price book's entries of the models that were called this month. */

import { get, withQuery } from "../../core/api.js";

/** The most models that are looked up, each with a request. */
export const USED = 40;

/** The price book's entry for a model under the name that events use. */
export async function find({ provider, model }) {
  const { models } = await get(withQuery("/api/cost-analysis/pricing", { provider, q: model, limit: 50 }));
  const id = model.toLowerCase();
  return (
    models.find((one) => one.id.toLowerCase() === id || one.aliases?.some((alias) => alias.toLowerCase() === id)) ??
    null
  );
}

export async function used() {
  const { models } = await get("/api/cost-analysis/by-model");
  const found = await Promise.all(models.slice(0, USED).map(find));
  const unique = new Map(found.filter(Boolean).map((one) => [`${one.provider}/${one.id}`, one]));
  return { rows: [...unique.values()], isCut: false };
}
