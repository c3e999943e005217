// Python's built-in functions, the methods of its lists and texts, and what the translated programs use of its modules.

// ----------------------------------------------------------------------------------------------------- built-in functions

const withKeywords = (parameters, body) => Object.assign(body, { parameters });
const extreme = (sign) => Object.assign((...given) => {
  const named = given.at(-1)?.constructor === Object ? given.pop() : {};
  const values = given.length === 1 ? $.iterable(given[0]) : given;
  if (!values.length) {
    if (named.default === undefined) throw $.error("ValueError", "no values");
    return named.default;
  }
  const measure = named.key ?? ((value) => (isTensor(value) ? value.item() : value));
  let best = values[0], most = measure(best);
  for (const value of values.slice(1)) {
    const next = measure(value);
    if (sign * compare(next, most) > 0) [best, most] = [value, next];
  }
  return best;
}, { takesKeywords: true });

// A class that is only asked for: isinstance(value, str).
const kind = (test, convert = () => null) => Object.assign(convert, { holds: test });

Object.assign($, {
  len: (a) => (isTensor(a) ? a.shape[0] : a.length),
  max: extreme(1),
  min: extreme(-1),
  abs: (a) => (isTensor(a) ? a.abs() : Math.abs(a)),
  sum: (values, start = 0) => $.iterable(values).reduce((total, value) => $.add(total, value), start),
  any: (values) => $.iterable(values).some($.truth),
  all: (values) => $.iterable(values).every($.truth),
  range: (first, last, step = 1) => {
    const [from, to] = last === undefined ? [0, first] : [first + 0, last], made = []; // + 0: a whole number is never −0
    for (let k = from; step > 0 ? k < to : k > to; k += step) made.push(k);
    return made;
  },
  enumerate: withKeywords(["values", "start"], (values, start = 0) => $.iterable(values).map((value, k) => $.pack(k + start, value))),
  zip: (...sources) => {
    const columns = sources.map($.iterable);
    return Array.from({ length: columns.length && Math.min(...columns.map((column) => column.length)) }, (_, k) => $.pack(...columns.map((column) => column[k])));
  },
  map: (apply, ...sources) => $.zip(...sources).map((given) => $.call(apply, given)),
  filter: (test, values) => $.iterable(values).filter((value) => $.truth(test ? test(value) : value)),
  reversed: (values) => [...$.iterable(values)].reverse(),
  sorted: withKeywords(["values", "key", "reverse"], (values, key = (value) => value, reverse = false) => {
    const sign = reverse ? -1 : 1;
    return [...$.iterable(values)].map((value) => [key(value), value]).sort((a, b) => sign * compare(a[0], b[0])).map(([, value]) => value);
  }),
  next: (values, otherwise) => {
    const [first] = $.iterable(values);
    if (first === undefined && otherwise === undefined) throw $.error("StopIteration", "");
    return first === undefined ? otherwise : first;
  },
  divmod: (a, b) => $.pack($.floordiv(a, b), $.mod(a, b)),
  round: (a, digits) => {
    const near = Number(fixed(isTensor(a) ? a.item() : a, digits ?? 0));
    return digits === undefined ? near + 0 : near; // a whole number is never −0
  },
  isinstance: (value, type) => Array.isArray(type) ? type.some((one) => $.isinstance(value, one)) : type.holds ? type.holds(value) : value instanceof type || prototypes(value).includes(type.prototype),
  type: (value) => value.constructor,
  vars: (object) => $.dict(Object.entries(object)),
  getattr: (owner, name, otherwise) => (owner[name] === undefined ? otherwise : $.attribute(owner, name)),
  list: kind((value) => Array.isArray(value) && !Object.isFrozen(value), (values = []) => [...$.iterable(values)]),
  tuple: kind((value) => Array.isArray(value) && Object.isFrozen(value), (values = []) => Object.freeze([...$.iterable(values)])),
  int: kind((value) => Number.isInteger(value), (value) => Math.trunc(isTensor(value) ? value.item() : Number(value)) + 0),
  float: kind((value) => typeof value === "number", (value) => isTensor(value) ? Number(value.item()) : value === "inf" ? Infinity : Number(value)),
  bool: kind((value) => typeof value === "boolean", (value) => $.truth(value)),
  str: kind((value) => typeof value === "string", (value) => $.format(value)),
});
$.str.maketrans = (from, to) => $.dict([...from].map((letter, k) => [letter.codePointAt(0), [...to][k]]));
$.dict.holds = (value) => value instanceof Dict;
$.ValueError = "ValueError";

function prototypes(value) {
  const found = [];
  for (let one = Object(value); one; one = Object.getPrototypeOf(one)) found.push(one);
  return found;
}

// --------------------------------------------------------------------------------------------------------- lists and texts

const lists = {
  append: (list, value) => (list.push(value), null),
  extend: (list, values) => (list.push(...$.iterable(values)), null),
  insert: (list, place, value) => (list.splice(place, 0, value), null),
  index: (list, value) => {
    const place = list.findIndex((one) => same(one, value));
    if (place < 0) throw $.error("ValueError", `${$.repr(value)} is not in the list`);
    return place;
  },
  count: (list, value) => list.filter((one) => same(one, value)).length,
  pop: (list, place = -1) => list.splice(place, 1)[0],
  copy: (list) => [...list],
};
const trimmed = (text, characters, start, end) => {
  const drop = new Set(characters ?? " \n\t"), letters = [...text];
  while (start && drop.has(letters[0])) letters.shift();
  while (end && drop.has(letters.at(-1))) letters.pop();
  return letters.join("");
};
const texts = {
  join: (text, parts) => $.iterable(parts).join(text),
  split: (text, by) => (by === undefined ? text.split(/\s+/).filter(Boolean) : text.split(by)),
  strip: (text, characters) => trimmed(text, characters, true, true),
  lstrip: (text, characters) => trimmed(text, characters, true, false),
  rstrip: (text, characters) => trimmed(text, characters, false, true),
  startswith: (text, start) => (Array.isArray(start) ? start : [start]).some((one) => text.startsWith(one)),
  replace: (text, before, after) => text.replaceAll(before, after),
  removesuffix: (text, end) => (end && text.endsWith(end) ? text.slice(0, -end.length) : text),
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  capitalize: (text) => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase(),
  index: (text, part) => text.indexOf(part),
  translate: (text, table) => [...text].map((letter) => table.get(letter.codePointAt(0), letter)).map((to) => (typeof to === "number" ? String.fromCodePoint(to) : to)).join(""),
  isdigit: (text) => /^\d+$/.test(text),
};

// A number as JavaScript writes it (`near`), and with many more digits (`exact`): exactly between two numbers JavaScript takes the
// larger one, Python the even one.
function tiesToEven(near, exact, digits) {
  const [mantissa, power = ""] = exact.split("e"), point = mantissa.indexOf("."), end = point + 1 + digits;
  if (point < 0 || !/^50*$/.test(mantissa.slice(end))) return near;
  const below = mantissa.slice(0, digits ? end : point);
  return Number(below.at(-1)) % 2 === 0 ? below + (power && `e${power}`) : near;
}

// With this many digits after the point.
function fixed(value, digits) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (digits < 0) return String(Number(fixed(value / 10 ** -digits, 0)) * 10 ** -digits);
  const size = Math.abs(value), near = size.toFixed(digits);
  const written = size < 1e21 ? tiesToEven(near, size.toFixed(Math.min(100, digits + 40)), digits) : near;
  return (value < 0 || Object.is(value, -0) ? "-" : "") + written;
}

// With one digit before the point, and a power of ten.
function exponential(value, digits) {
  if (!Number.isFinite(value)) return fixed(value, 0);
  const size = Math.abs(value), written = tiesToEven(size.toExponential(digits), size.toExponential(Math.min(100, digits + 40)), digits);
  const [mantissa, power] = written.split("e");
  return `${value < 0 ? "-" : ""}${mantissa}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

function general(value, digits) {
  if (!Number.isFinite(value)) return fixed(value, 0);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const [mantissa, power] = exponential(value, digits - 1).split("e");
  return power < -4 || power >= digits ? `${short(mantissa)}e${power}` : short(fixed(value, digits - 1 - power));
}

// A value in a text: f"{value:…}".
$.format = (value, how = "") => {
  if (isTensor(value)) value = value.item();
  if (!how) return typeof value === "string" ? value : $.repr(value);
  const parts = /^(?:(.)?([<>^]))?(\+)?(0)?(\d+)?(,)?(?:\.(\d+))?([fegds%])?$/.exec(how);
  if (typeof value === "boolean") value = Number(value);
  const isText = typeof value === "string", type = parts?.[8];
  if (!parts || (isText ? parts[7] || (type && type !== "s") : typeof value !== "number" || type === "s")) throw $.error("ValueError", `no format ${how} for ${$.repr(value)}`);
  const [, fill, align, plus, zero, width, comma, digits] = parts;
  let written = isText ? value
    : type === "f" ? fixed(value, Number(digits ?? 6))
    : type === "%" ? `${fixed(100 * value, Number(digits ?? 6))}%`
    : type === "e" ? exponential(value, Number(digits ?? 6))
    : type === "g" || digits !== undefined ? general(value, Number(digits ?? 6) || 1)
    : $.repr(value);
  if (comma) written = written.replace(/^(-?\d+)/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
  if (plus && !isText && !written.startsWith("-")) written = `+${written}`;
  const missing = Math.max(0, Number(width ?? 0) - written.length), padding = (fill ?? (zero ? "0" : " ")).repeat(missing);
  if (align === "^") return padding.slice(0, missing >> 1) + written + padding.slice(missing >> 1);
  if (zero && !align && !isText) return written.replace(/^[+-]?/, (sign) => sign + padding);
  return (align ? align === ">" : !isText) ? padding + written : written + padding;
};

$.repr = (value) => {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return `'${value}'`;
  if (Array.isArray(value)) {
    const inside = value.map($.repr).join(", ");
    return Object.isFrozen(value) ? `(${inside}${value.length === 1 ? "," : ""})` : `[${inside}]`;
  }
  return typeof value === "number" ? numeral(value) : String(value);
};

// A number with all its digits. Python writes small ones as 1e-05.
function numeral(value) {
  if (!Number.isFinite(value)) return fixed(value, 0);
  const size = Math.abs(value);
  return size && size < 1e-4 ? value.toExponential().replace(/-(\d)$/, "-0$1") : String(value);
}

// ------------------------------------------------------------------------------------------------- modules that come along

const math = {
  pi: Math.PI, inf: Infinity, nan: NaN,
  floor: Math.floor, ceil: Math.ceil, sqrt: Math.sqrt, exp: Math.exp, log2: Math.log2, log10: Math.log10, hypot: Math.hypot,
  isfinite: Number.isFinite, isclose: (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b)),
  log: (value, base) => (base === undefined ? Math.log(value) : Math.log(value) / Math.log(base)),
  prod: (values) => $.iterable(values).reduce((product, value) => product * value, 1),
};
const collections_abc = { Sequence: kind((value) => Array.isArray(value)), Mapping: kind((value) => value instanceof Dict) };
const itertools = { pairwise: (values) => { const all = $.iterable(values); return $.zip(all, all.slice(1)); } };
const html = { escape: (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#x27;") };
