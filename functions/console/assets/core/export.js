/** Tables as files. The API writes them, so that they have exactly the API's figures. */

import { raw } from "./api.js";
import { button } from "./dom.js";
import { download, toast } from "./form.js";

const FORMATS = {
  csv: { accept: "text/csv", type: "text/csv", label: "CSV" },
  ndjson: { accept: "application/x-ndjson", type: "application/x-ndjson", label: "JSON lines" },
};

/**
 * A button that saves all pages of a list as a file.
 * @param {string} name of the file, without its extension
 * @param {string} path
 * @param {"csv" | "ndjson"} [format]
 * @param {string} [title]
 */
export function exportButton(name, path, format = "csv", title = FORMATS[format].label) {
  const { accept, type } = FORMATS[format];
  const save = async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    try {
      download(`${name}.${format}`, type, await allPages(path, accept, format));
    } catch (error) {
      toast(error.message, "bad");
    } finally {
      pressed.disabled = false;
    }
  };
  return button(title, save);
}

/** Follows the cursors, which tables have in a header. */
async function allPages(path, accept, format) {
  const pages = [];
  let cursor = null;
  do {
    const separator = path.includes("?") ? "&" : "?";
    const response = await raw(cursor ? `${path}${separator}cursor=${encodeURIComponent(cursor)}` : path, accept);
    pages.push(await response.text());
    cursor = response.headers.get("x-next-cursor");
  } while (cursor);
  return format === "csv" ? joined(pages) : pages.join("");
}

/** Joins pages of a table, each of which may begin with the header row. */
export function joined([first, ...others]) {
  const header = first.slice(0, first.indexOf("\n") + 1);
  return first + others.map((page) => (page.startsWith(header) ? page.slice(header.length) : page)).join("");
}
