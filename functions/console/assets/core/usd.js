/**
 * Exact amounts of dollars: whole numbers of 10^-12 dollars. The API's strings have up to twelve decimals, and its numbers
 * are rounded to six, so neither loses a digit here.
 */

const SCALE = 12;
const ONE = 10n ** BigInt(SCALE);

/**
 * @param {string | number | null | undefined} text an amount as the API gives it
 * @returns {bigint}
 */
export function parse(text) {
  if (text === null || text === undefined) return 0n;
  const plain = typeof text === "number" ? text.toFixed(6) : text;
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(plain) ?? [null, "", "0"];
  const units = BigInt(whole) * ONE + BigInt(part.slice(0, SCALE).padEnd(SCALE, "0"));
  return sign ? -units : units;
}

/** @param {Iterable<bigint>} amounts */
export function sum(amounts) {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}

/** For charts and bars, where a pixel is coarser than a float. */
export function toFloat(amount) {
  return Number(amount) / Number(ONE);
}

/** All digits, with at least two decimals. */
export function exact(amount) {
  const [whole, part] = digits(amount, SCALE);
  return `${sign(amount)}$${whole}.${part.replace(/0+$/, "").padEnd(2, "0")}`;
}

/**
 * For people: cents, or two significant digits below a cent.
 * @param {bigint} amount
 */
export function format(amount) {
  const size = amount < 0n ? -amount : amount;
  if (size === 0n || size >= ONE / 100n) return text(amount, 2);
  const leading = SCALE - String(size).length;
  return text(amount, Math.min(leading + 2, SCALE));
}

/**
 * For axes: as many decimals as its largest value needs, so that all of them have the same.
 * @param {number} dollars
 * @param {number} [largest]
 */
export function compact(dollars, largest = dollars) {
  const size = Math.abs(largest);
  if (dollars === 0) return "$0";
  if (size < 1) return `$${dollars.toFixed(Math.min(Math.max(1 - Math.floor(Math.log10(size || 1)), 2), 12))}`;
  const decimals = size < 5 ? 2 : 0;
  const options = {
    notation: size >= 10_000 ? "compact" : "standard",
    minimumFractionDigits: decimals,
    maximumFractionDigits: Math.max(decimals, size >= 10_000 ? 1 : 0),
  };
  return `$${new Intl.NumberFormat("en-US", options).format(dollars)}`;
}

function text(amount, decimals) {
  const [whole, part] = digits(amount, decimals);
  return `${sign(amount)}$${whole}.${part}`;
}

function sign(amount) {
  return amount < 0n ? "−" : "";
}

/** The whole part with thousands separators, and the decimals, rounded half away from zero. */
function digits(amount, decimals) {
  const size = amount < 0n ? -amount : amount;
  const step = 10n ** BigInt(SCALE - decimals);
  const rounded = (size + step / 2n) / step;
  const unit = 10n ** BigInt(decimals);
  const whole = String(rounded / unit).replace(/\B(?=(\d{3})+$)/g, ",");
  return [whole, decimals ? String(rounded % unit).padStart(decimals, "0") : ""];
}

/** The change from `before` to `after` in percent, or null where there is nothing to compare with. */
export function change(before, after) {
  if (before === 0n) return null;
  return Number(((after - before) * 1000n) / (before < 0n ? -before : before)) / 10;
}
