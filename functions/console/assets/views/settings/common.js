/** Code that the tabs of the settings share. */

import * as session from "../../core/session.js";

export const canWrite = () => session.has("registry:write");

/** Keeps the values of settings that a form does not have, because a PUT replaces all of them. */
export function rest(settings) {
  const { id: _, etag: __, ...others } = settings;
  return others;
}
