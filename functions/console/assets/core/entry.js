/** Entries of the activity log in words. */

/** The details of an entry in one line. */
export function entryDetails({ eventType, details }) {
  if (eventType === "config_change") return configChange(details);
  return Object.entries(details)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(", ");
}

/** Who changed what, and the changed fields. */
function configChange({ who, what, before, after }) {
  const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const changed = [...fields].filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]));
  const one = (name) =>
    before ? `${name} ${plain(before[name])} → ${plain(after?.[name])}` : `${name} ${plain(after[name])}`;
  const list = changed.slice(0, 3).map(one).join(", ") + (changed.length > 3 ? `, and ${changed.length - 3} more` : "");
  return [what, who && `by ${who}`, list].filter(Boolean).join(" · ");
}

function plain(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
