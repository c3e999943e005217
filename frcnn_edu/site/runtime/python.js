// Python's operators, built-in functions and types, as the translated programs call them.
// A list is an array and a tuple a frozen array; dicts and sets compare their keys by value.

const $ = {};

// ------------------------------------------------------------------------------------------------------ dicts and sets

let numbered = 0;
const numbers = new WeakMap(); // objects that are compared by identity

// What a key is known by: equal tuples and equal dataclasses have the same.
function keyOf(value) {
  if (typeof value === "string") return `'${value.length}:${value}`; // so that no text reads like two
  if (value === null) return "None";
  if (typeof value !== "object") return typeof value === "function" ? identity(value) : Number.isNaN(value) ? value : String(+value);
  if (Array.isArray(value)) return `(${value.map(keyOf).join(",")})`;
  const about = value.constructor?.about;
  if (about?.byValue) return `${about.key}(${about.allFields.map((name) => keyOf(value[name])).join(",")})`;
  return identity(value);
}

function identity(value) {
  if (!numbers.has(value)) numbers.set(value, `#${numbered++}`);
  return numbers.get(value);
}

class Dict {
  constructor(pairs = []) {
    this.entries = new Map();
    for (const [key, value] of pairs) this.put(key, value);
  }
  put(key, value) { this.entries.set(keyOf(key), [key, value]); }
  has(key) { return this.entries.has(keyOf(key)); }
  at(key) {
    const found = this.entries.get(keyOf(key));
    if (!found) throw $.error("KeyError", $.repr(key));
    return found[1];
  }
  get(key, otherwise = null) { return this.has(key) ? this.at(key) : otherwise; }
  pop(key, otherwise) {
    if (!this.has(key) && otherwise !== undefined) return otherwise;
    const value = this.at(key);
    this.entries.delete(keyOf(key));
    return value;
  }
  keys() { return new PySet(this); }
  values() { return [...this.entries.values()].map(([, value]) => value); }
  items() { return [...this.entries.values()].map((pair) => $.pack(...pair)); }
  get length() { return this.entries.size; }
  *[Symbol.iterator]() { for (const [key] of this.entries.values()) yield key; }
}

class PySet {
  constructor(elements = []) {
    this.elements = new Map();
    for (const element of elements) this.add(element);
  }
  add(element) { this.elements.set(keyOf(element), element); }
  has(element) { return this.elements.has(keyOf(element)); }
  get length() { return this.elements.size; }
  [Symbol.iterator]() { return this.elements.values(); }
}

Object.assign($, {
  Dict, PySet,
  pack: (...elements) => Object.freeze(elements), // a tuple of these elements
  keywords: (dict) => Object.fromEntries(dict.items()),
});
$.dict = Object.assign((...given) => {
  const named = given.at(-1)?.constructor === Object ? given.pop() : {}, [source = []] = given;
  const pairs = source instanceof Dict ? source.items() : [...source];
  return new Dict([...pairs, ...Object.entries(named)]);
}, { takesKeywords: true });
$.dict.fromkeys = (keys, value = null) => $.dict($.iterable(keys).map((key) => [key, value]));
$.set = (elements = []) => new PySet(elements);

// ------------------------------------------------------------------------------------------------- functions and classes

// A function with the names of its parameters; "**rest" collects further keywords.
$.function = (parameters, body) => Object.assign(body, { parameters });

// Positional arguments from positional and named ones.
function bind(target, given, named) {
  if (target.takesKeywords) return [...given, named];
  const parameters = target.parameters, all = [...given];
  if (!parameters) throw $.error("TypeError", `${target.name} takes no keywords: ${Object.keys(named)}`);
  const rest = parameters.at(-1)?.startsWith("**") ? new Dict() : null;
  for (const [name, value] of Object.entries(named)) {
    const place = parameters.indexOf(name);
    if (place >= 0) all[place] = value;
    else if (rest) rest.put(name, value);
    else throw $.error("TypeError", `${target.name || "function"}: no parameter ${name}`);
  }
  if (rest) all[parameters.length - 1] = rest;
  return all;
}

// Calls a function, a class, or an object that can be called.
$.call = (target, given, named) => {
  const callable = typeof target === "function" ? target : $.attribute(target, target.__call__ ? "__call__" : "forward");
  return named ? callable(...bind(callable, given, named)) : callable(...given);
};
$.invoke = (method, self, given, named) => method.apply(self, bind(method, given, named));

// Calls a method: one of Python's lists and texts, one of the object, or an object that can be called and is stored in it.
$.method = (owner, name, given, named) => {
  const own = typeof owner === "string" ? texts[name] : Array.isArray(owner) ? lists[name] : undefined;
  if (own) return named ? own(owner, ...bind(own, given, named)) : own(owner, ...given);
  const method = owner[name];
  if (typeof method !== "function") {
    if (method === undefined) throw $.error("AttributeError", `${$.repr(owner)} has no ${name}`);
    return $.call(method, given, named);
  }
  return named ? method.apply(owner, bind(method, given, named)) : method.apply(owner, given);
};

// An attribute; a method stays bound to its object.
$.attribute = (owner, name) => {
  if (name === "__name__") return owner.about?.name ?? owner.name;
  if (name === "__getitem__") return (index) => $.get(owner, index);
  const value = owner[name];
  if (typeof value !== "function" || Object.hasOwn(owner, name)) return value;
  return Object.assign(value.bind(owner), { parameters: value.parameters });
};

// A class, which is called without `new`, as in Python.
$.class = (about) => {
  const base = about.base?.about;
  const inherited = base?.allFields.map((name) => [name, base.defaults[name]]) ?? [];
  const own = [...inherited, ...about.fields];
  about.allFields = [...new Set(own.map(([name]) => name))];
  about.defaults = Object.fromEntries(own.filter(([, make]) => make));
  const made = (...given) => {
    const object = Object.create(made.prototype);
    if (about.isData) fill(object, about, given);
    else if (object.__init__) object.__init__(...given);
    return object;
  };
  made.prototype = Object.create(about.base?.prototype ?? Object.prototype);
  made.prototype.constructor = made;
  for (const [name, method] of Object.entries(about.methods)) {
    if (about.properties.includes(name)) Object.defineProperty(made.prototype, name, { get: method });
    else made.prototype[name] = method;
  }
  for (const target of [made, made.prototype]) Object.assign(target, about.attributes);
  for (const [name, make] of Object.entries(about.defaults)) Object.defineProperty(made, name, { get: make });
  if (about.base === enum_.Enum) for (const [name, value] of Object.entries(about.attributes)) made[name] = { name, value };
  made.about = about;
  made.parameters = about.isData ? about.allFields : made.prototype.__init__?.parameters;
  return made;
};

function fill(object, about, given) {
  about.allFields.forEach((name, k) => {
    if (given[k] === undefined && !about.defaults[name]) throw $.error("TypeError", `${about.name} needs ${name}`);
    object[name] = given[k] === undefined ? about.defaults[name]() : given[k];
  });
}

const enum_ = { Enum: {} };
const dataclasses = {
  replace: Object.assign((object, named) => {
    const made = Object.create(Object.getPrototypeOf(object));
    return Object.assign(made, object, named);
  }, { takesKeywords: true }),
};
const copy = { copy: (object) => Object.assign(Object.create(Object.getPrototypeOf(object)), object) };

// A constant that is computed when it is first read; a function that is computed once for each of its arguments.
$.once = (compute) => {
  let value;
  return () => (value === undefined ? (value = compute()) : value);
};
// At most `most` results are kept; the one that has not been used for longest goes first.
$.cache = (compute, most) => {
  const known = new Map(); // the one that was used last is the last
  let latest = null;
  const cached = (...given) => {
    const key = given.map(keyOf).join();
    if (known.has(key)) {
      const value = known.get(key);
      if (most === Infinity || key === latest) return value;
      known.delete(key);
      known.set(latest = key, value);
      return value;
    }
    const value = compute(...given);
    if (known.size >= most) known.delete(known.keys().next().value);
    known.set(latest = key, value);
    return value;
  };
  return Object.assign(cached, { parameters: compute.parameters });
};

$.error = (kind, text) => Object.assign(new Error(`${kind}: ${text}`), { kind });

// -------------------------------------------------------------------------------------------------------------- operators

const isTensor = (value) => value instanceof Tensor;

// Tensors have their own operator; other values an own rule.
function operator(name, rule) {
  $[name] = (a, b) => (isTensor(a) || isTensor(b) ? elementwise(name, a, b) : rule(a, b));
}

const joined = (a, b) => (Object.isFrozen(a) ? Object.freeze([...a, ...b]) : [...a, ...b]);
const repeated = (a, n) => Array.from({ length: Math.max(n, 0) }, () => a).flat(1);

operator("add", (a, b) => (Array.isArray(a) ? joined(a, b) : a + b));
operator("sub", (a, b) => (a instanceof PySet ? $.set([...a].filter((one) => !$.in(one, b))) : a - b));
operator("mul", (a, b) => (Array.isArray(a) ? (Object.isFrozen(a) ? Object.freeze(repeated(a, b)) : repeated(a, b)) : typeof a === "string" ? a.repeat(Math.max(b, 0)) : a * b));
const divisor = (b) => { if (Number(b) === 0) throw $.error("ZeroDivisionError", "division by zero"); return b; };
// What is left has the sign of the divisor, and is computed first: 1 % 0.1 is almost 0.1, so 1 // 0.1 is 9.
const left = (a, b) => { const rest = a % divisor(b); return rest === 0 ? 0 : rest < 0 === b < 0 ? rest : rest + b; };
operator("div", (a, b) => a / divisor(b));
operator("floordiv", (a, b) => Math.round((a - left(a, b)) / b) + 0);
operator("mod", left);
operator("pow", (a, b) => a ** b);
const alternatives = (type) => (Array.isArray(type) ? type : [type]); // of `str | Term`
operator("or", (a, b) => typeof a === "function" || typeof b === "function" ? $.pack(...alternatives(a), ...alternatives(b)) : a instanceof Dict ? $.dict([...a.items(), ...b.items()]) : a instanceof PySet ? $.set([...a, ...b]) : typeof a === "boolean" ? a || b : a | b);
operator("and", (a, b) => a instanceof PySet ? $.set([...a].filter((one) => $.in(one, b))) : typeof a === "boolean" ? a && b : a & b);
operator("eq", (a, b) => same(a, b));
operator("ne", (a, b) => !same(a, b));
operator("lt", (a, b) => compare(a, b) < 0);
operator("le", (a, b) => a instanceof PySet ? [...a].every((one) => $.in(one, b)) : compare(a, b) <= 0);
operator("gt", (a, b) => compare(a, b) > 0);
operator("ge", (a, b) => compare(a, b) >= 0);

function same(a, b) {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, k) => same(one, b[k]));
  if (a instanceof PySet && b instanceof PySet) return a.length === b.length && [...a].every((one) => b.has(one));
  if (a instanceof Dict && b instanceof Dict) return a.length === b.length && a.items().every(([key, value]) => b.has(key) && same(value, b.at(key)));
  const about = a?.constructor?.about;
  if (about?.byValue && b?.constructor === a.constructor) return about.allFields.every((name) => $.truth($.eq(a[name], b[name])));
  return typeof a === "boolean" !== (typeof b === "boolean") && Number(a) === Number(b) && typeof a !== "string" && typeof b !== "string" && a !== null && b !== null;
}

function compare(a, b) {
  if (!Array.isArray(a)) return a < b ? -1 : a > b ? 1 : a === b ? 0 : NaN;
  for (let k = 0; k < Math.min(a.length, b.length); k++) if (!same(a[k], b[k])) return compare(a[k], b[k]);
  return a.length - b.length;
}

Object.assign($, {
  extended: (a, b) => (Array.isArray(a) && !Object.isFrozen(a) ? (a.push(...$.iterable(b)), a) : $.add(a, b)),
  inPlace: (name, a, b) => (isTensor(a) ? a.changed(name === "extended" ? "add" : name, b) : $[name](a, b)),
  pos: (a) => a,
  neg: (a) => (isTensor(a) ? elementwise("sub", 0, a) : -a),
  invert: (a) => (isTensor(a) ? a.map((value) => (a.dtype === "bool" ? !value : ~value)) : ~a),
  is: (a, b) => a === b,
  isnot: (a, b) => a !== b,
  in: (a, b) => typeof b === "string" ? b.includes(a) : b instanceof Dict || b instanceof PySet ? b.has(a) : $.iterable(b).some((one) => $.truth($.eq(one, a))),
  notin: (a, b) => !$.in(a, b),
  andThen: (a, next) => ($.truth(a) ? next() : a),
  orElse: (a, next) => ($.truth(a) ? a : next()),
  truth: (a) => isTensor(a) ? Boolean(a.item()) : a instanceof Dict || a instanceof PySet || Array.isArray(a) ? a.length > 0 : Boolean(a),
  iterable: (a) => (Array.isArray(a) ? a : [...a]),
  slice: (first, second, step = null) => ({ start: second === undefined ? null : first, stop: second === undefined ? first : second, step, isSlice: true }),
});

// First and last element of a slice of a sequence, as in Python.
$.ends = ({ start, stop, step }, length) => {
  const by = step ?? 1;
  const within = (value, otherwise) => {
    if (value === null) return otherwise;
    const from = isTensor(value) ? value.item() : value;
    return Math.min(Math.max(from < 0 ? from + length : from, by < 0 ? -1 : 0), by < 0 ? length - 1 : length);
  };
  return [within(start, by < 0 ? length - 1 : 0), within(stop, by < 0 ? -1 : length), by];
};

$.get = (owner, index) => {
  if (isTensor(owner)) return owner.at(index);
  if (owner instanceof Dict) return owner.at(index);
  if (index?.isSlice) {
    const [first, last, by] = $.ends(index, owner.length), found = [];
    for (let k = first; by > 0 ? k < last : k > last; k += by) found.push(owner[k]);
    return typeof owner === "string" ? found.join("") : Object.isFrozen(owner) ? Object.freeze(found) : found;
  }
  const place = isTensor(index) ? index.item() : Number(index), found = owner[place < 0 ? place + owner.length : place];
  if (found === undefined) throw $.error("IndexError", `${place} of ${owner.length}`);
  return found;
};

$.put = (owner, index, value) => {
  if (isTensor(owner)) owner.put(index, value);
  else if (owner instanceof Dict) owner.put(index, value);
  else {
    const place = index < 0 ? index + owner.length : index;
    if (!(place in owner)) throw $.error("IndexError", `${index} of ${owner.length}`);
    owner[place] = value;
  }
};

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
