/** Reads CSV (RFC 4180). */

/**
 * @param {string} text with a header row
 * @returns {Record<string, string>[]}
 */
export function fromCsv(text) {
  const [header, ...rows] = records(text.replace(/^\uFEFF/, ""));
  const filled = rows.filter((row) => row.some((cell) => cell !== ""));
  return filled.map((row) => Object.fromEntries(header.map((name, at) => [name.trim(), harmful(row[at] ?? "")])));
}

/** The export puts an apostrophe before text that a spreadsheet would interpret as a formula. */
function harmful(cell) {
  return /^'[=+\-@]/.test(cell) ? cell.slice(1) : cell.trim();
}

function records(text) {
  const all = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[at + 1] === '"') cell += text[++at];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ",") (row.push(cell), (cell = ""));
    else if (c === "\n") (row.push(cell), all.push(row), (row = []), (cell = ""));
    else if (c !== "\r") cell += c;
  }
  if (cell !== "" || row.length > 0) all.push([...row, cell]);
  return all;
}
