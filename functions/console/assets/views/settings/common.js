/** What the tabs of the settings share. */

import * as session from "../../core/session.js";

export const canWrite = () => session.has("registry:write");

/** Settings that a form does not know keep their values, since a PUT replaces all of them. */
export function rest(settings) {
  const { id: _, etag: __, ...others } = settings;
  return others;
}
