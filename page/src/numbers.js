// Numbers as the page has them: plain ones, above 2^53 BigInts, exact fractions {n, d}, "all", and
// null for unknown.

const DASH = "–";
const COUNT = ["", "K", "M", "G", "T", "P", "E"];
const BYTES = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
const SECONDS = ["s", "ms", "µs", "ns"];

/** What a sum is called of which a part is unknown. */
export class AtLeast {
  constructor(value) {
    this.value = value;
  }
}

const isFraction = (value) => value !== null && typeof value === "object" && "d" in value;
const FRACTION = /^-?\d+\/\d+$/; // as a text, which figures have

/** As a plain number; NaN where it is none. Of several, along axes, the first. */
export function plain(value) {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof AtLeast) return plain(value.value);
  if (Array.isArray(value)) return plain(value[0] ?? NaN);
  if (typeof value === "string" && FRACTION.test(value)) return plain(exact(value));
  return isFraction(value) ? value.n / value.d : NaN;
}

/** The sum of two counts, exactly; of times, which are no whole numbers, the nearest. */
export function added(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum) || !Number.isInteger(a) || !Number.isInteger(b)) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  return Number.isSafeInteger(Number(sum)) ? Number(sum) : sum;
}

/** Whether two values are the same, exactly. */
export function same(a, b) {
  if (isFraction(a) && isFraction(b)) return BigInt(a.n) * BigInt(b.d) === BigInt(b.n) * BigInt(a.d);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((part, n) => same(part, b[n]));
  if (a instanceof AtLeast && b instanceof AtLeast) return a.value === b.value;
  return Object.is(a, b);
}

/** The exact value of what was typed: "0.35" is 7/20. null where it is no number. */
export function exact(text) {
  const found = /^\s*(-?)(\d*)(?:\.(\d*))?(?:\s*\/\s*([1-9]\d*))?\s*$/.exec(text);
  if (found === null || !/\d/.test(text)) return null;
  const [, sign, whole, part = "", under = "1"] = found;
  const n = Number((sign || "") + whole + part);
  const d = 10 ** part.length * Number(under);
  if (d === 0 || !Number.isSafeInteger(n) || !Number.isSafeInteger(d)) return null;
  const common = divisor(Math.abs(n), d);
  return d === common ? n / common : { n: n / common, d: d / common };
}

function divisor(a, b) {
  while (b) [a, b] = [b, a % b];
  return a || 1;
}

/** As one types it. */
export function typed(value) {
  if (!isFraction(value)) return String(value ?? "");
  const decimal = String(value.n / value.d);
  return same(exact(decimal), value) ? decimal : `${value.n}/${value.d}`;
}

/** In the unit of a figure, in few digits; of several along axes one, where they are the same. */
export function short(value, unit) {
  if (value === null || value === undefined) return DASH;
  if (value instanceof AtLeast) return `≥ ${short(value.value, unit)}`;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value))
    return (value.every((part) => same(part, value[0])) ? value.slice(0, 1) : value)
      .map((part) => short(part, unit))
      .join("×");
  if (typeof value === "string" && !FRACTION.test(value)) return value;
  const number = typeof value === "bigint" ? value : plain(value);
  if (unit === "BYTES") return scaled(number, BYTES, "\u202f");
  if (unit === "SECONDS") return number === 0 ? "0\u202fs" : seconds(number);
  if (unit === "COUNT") return scaled(number, COUNT, "");
  return isWhole(number) ? String(number) : String(Number(number.toFixed(2)));
}

const isWhole = (number) => typeof number === "bigint" || Number.isInteger(number);

function scaled(number, units, space) {
  if (!isWhole(number) || (number > -1000 && number < 1000))
    return String(Number(number.toFixed(2))) + space + units[0];
  const digits = String(number).replace("-", "").length;
  let power = Math.floor((digits - 1) / 3);
  let part = quotient(number, power);
  // Rounding may carry into the next step: 999999 is 1.00M.
  if (Math.abs(Number(hundredths(part))) >= 1000 && power + 1 < units.length)
    [power, part] = [power + 1, part / 1000];
  if (power < units.length) return hundredths(part) + space + units[power];
  const [first, exponent] = Number(number).toExponential(2).split("e+");
  return `${first}e+${exponent.padStart(2, "0")}${space}${units[0]}`;
}

/** A whole number divided by a power of 1000: the nearest number that there is. */
function quotient(number, power) {
  if (typeof number === "number") return number / 1000 ** power;
  const by = 1000n ** BigInt(power);
  const bits = 128n; // more than a number has, of which the last says that there is a rest
  const [size, sign] = number < 0n ? [-number, -1] : [number, 1];
  const found = (size << bits) / by;
  return (sign * Number((size << bits) % by ? found | 1n : found)) / 2 ** Number(bits);
}

/** To two decimals; of what is as near to both sides the even one, as the command line has it. */
function hundredths(number) {
  const below = Math.floor(number * 100);
  const isBetween = Number.isInteger(8 * number) && number * 100 - below === 0.5; // exactly
  if (!isBetween) return number.toFixed(2);
  return ((below + (below % 2 === 0 ? 0 : 1)) / 100).toFixed(2);
}

function seconds(number) {
  let power = 0;
  let rest = number;
  while (Math.abs(rest) < 1 && power < SECONDS.length - 1) {
    rest *= 1000;
    power += 1;
  }
  return `${Number(rest.toPrecision(3))}\u202f${SECONDS[power]}`;
}

/** With all digits, in groups. */
export function full(value, unit) {
  if (Array.isArray(value)) {
    const parts = value.map((part) => full(part, unit));
    if (value.every((part) => typeof part !== "number" && same(part, value[0]))) return parts[0] ?? DASH;
    return parts.join(unit === "STEP" ? ", " : " × ");
  }
  if (value instanceof AtLeast) return `≥ ${full(value.value, unit)}`;
  if (isFraction(value)) return `${value.n}/${value.d}`;
  if (typeof value === "string" && FRACTION.test(value)) return value;
  if (!["number", "bigint"].includes(typeof value) || unit === "SECONDS") return short(value, unit);
  const digits = isWhole(value) ? grouped(value) : String(value);
  return unit === "BYTES" ? `${digits}\u202fB` : digits;
}

const grouped = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

/** A part of a whole, as a percentage. */
export function percent(part) {
  if (!(part > 0)) return part === 0 ? "0\u202f%" : "";
  if (part < 0.0005) return "<\u202f0.1\u202f%";
  return `${(100 * part).toFixed(1)}\u202f%`;
}

/** How many times as large; nothing where they are the same. */
export function times(now, before) {
  const ratio = plain(now) / plain(before);
  const rounded = Number(ratio.toPrecision(3));
  return Number.isFinite(ratio) && rounded !== 1 ? `×${rounded}` : "";
}

/** A shape, such as 64×112×112. */
export const shapeText = (shape) => (shape ? shape.map((size) => short(size, "")).join("×") : "");

/** minimum + number * step, exactly. */
export function valueAt({ minimum, step }, number) {
  const [a, b] = [fraction(minimum), fraction(step ?? 1)];
  return exact(`${a.n * b.d + number * b.n * a.d}/${a.d * b.d}`);
}

/** The number of the step at which a value is, or next to which. */
export function stepOf({ minimum, step }, value) {
  return Math.round((plain(value) - plain(minimum)) / plain(step ?? 1));
}

/** Whether a variable has a value: one of its choices, or of its steps from the least to the most. */
export function isOffered(variable, value) {
  const { own, choices, minimum, maximum } = variable;
  if (choices) return choices.some((choice) => same(choice, value));
  if (same(value, own)) return true;
  if (!Number.isFinite(plain(value))) return false;
  if (minimum === null || minimum === undefined) return true;
  const number = stepOf(variable, value);
  const last = maximum === null || maximum === undefined ? Infinity : stepOf(variable, maximum);
  return number >= 0 && number <= last && same(valueAt(variable, number), value);
}

/** What values a variable has, as an answer to one that it has not. */
export function rangeText({ label, choices, minimum, maximum, step }, value) {
  if (choices) return `${label}: one of ${choices.map(typed).join(", ")}`;
  const steps = same(step ?? 1, 1) ? "" : ` in steps of ${typed(step)}`;
  const given = Number.isFinite(plain(value)) ? ` (it is ${typed(value)})` : "";
  return `${label}: a number from ${typed(minimum)} to ${typed(maximum)}${steps}${given}`;
}

const fraction = (value) => {
  const found = isFraction(value) ? value : exact(String(value));
  return typeof found === "number" ? { n: found, d: 1 } : found;
};
