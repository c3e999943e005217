// Python's types, functions, classes and operators, as the translated programs call them. The built-in functions are in builtins.js.
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
