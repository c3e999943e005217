// Tensors: values in one array, row by row, with PyTorch's names, types and rules of broadcasting. A result that lies in one piece
// of another tensor's memory is a view of it, as in PyTorch; other views are copies here, and refuse to be written to.

const STORES = { float32: Float32Array, float64: Float64Array, int64: Int32Array, uint8: Uint8Array, bool: Uint8Array };
const RANKS = { bool: 0, uint8: 1, int64: 2, float32: 3, float64: 4 }; // of two types, the higher one is that of the result
const count = (shape) => shape.reduce((product, side) => product * side, 1);

class Tensor {
  constructor(data, shape, dtype) {
    this.data = data;
    this.shape = Object.isFrozen(shape) ? shape : Object.freeze([...shape]);
    this.dtype = dtype;
    this.isCopy = false; // of what would be a view in PyTorch
  }
  static empty(shape, dtype = "float32") { return new Tensor(new STORES[dtype](count(shape)), shape, dtype); }

  get ndim() { return this.shape.length; }
  get device() { return { type: "cpu" }; }
  get T() { return this.permute(1, 0); }
  get isFloat() { return RANKS[this.dtype] >= 3; }
  *[Symbol.iterator]() { for (let k = 0; k < this.shape[0]; k++) yield this.at(k); }

  item() {
    if (this.data.length !== 1) throw $.error("RuntimeError", `a tensor of shape ${$.repr(this.shape)} is not one number`);
    return this.dtype === "bool" ? Boolean(this.data[0]) : this.data[0];
  }
  to(dtype) {
    const wanted = isTensor(dtype) ? dtype.dtype : dtype;
    if (wanted === this.dtype || !STORES[wanted]) return this;
    if (wanted === "bool") return this.map((value) => value !== 0, "bool");
    return new Tensor(new STORES[wanted](this.data), this.shape, wanted); // which cuts off what is behind the point of a whole number
  }
  map(change, dtype = this.dtype) {
    const made = Tensor.empty(this.shape, dtype);
    for (let k = 0; k < made.data.length; k++) made.data[k] = change(this.data[k]);
    return made;
  }
  floats(name) {
    if (!this.isFloat) throw $.error("RuntimeError", `${name} of a tensor of type ${this.dtype}`);
    return this;
  }
  asFloat() { return this.isFloat ? this : this.to("float32"); }
  tolist() {
    if (!this.ndim) return this.item();
    if (this.ndim === 1) return this.dtype === "bool" ? Array.from(this.data, Boolean) : Array.from(this.data);
    return [...this].map((row) => row.tolist());
  }

  // ------------------------------------------------------------------------------------------------------------- shapes

  reshaped(shape) {
    const sides = [...shape], open = sides.indexOf(-1);
    if (open >= 0) sides[open] = this.data.length / -count(sides);
    if (count(sides) !== this.data.length) throw $.error("RuntimeError", `${$.repr(this.shape)} cannot have the shape ${$.repr(sides)}`);
    const made = new Tensor(this.data, sides, this.dtype);
    made.isCopy = this.isCopy;
    return made;
  }
  axis(dim) { return dim < 0 ? dim + this.ndim : dim; }
  view(...shape) { return this.reshaped(shape.flat()); }
  reshape(...shape) { return this.reshaped(shape.flat()); }
  flatten(start_dim = 0) {
    const first = this.axis(start_dim);
    return this.reshaped([...this.shape.slice(0, first), -1]);
  }
  unflatten(dim, sizes) {
    const at = this.axis(dim), known = -sizes.reduce((a, b) => a * b, 1);
    const sides = sizes.map((side) => (side === -1 ? this.shape[at] / known : side));
    return this.reshaped([...this.shape.slice(0, at), ...sides, ...this.shape.slice(at + 1)]);
  }
  permute(...order) {
    const axes = order.flat().map((dim) => this.axis(dim)), steps = strides(this.shape);
    return walked(this, 0, axes.map((axis) => this.shape[axis]), axes.map((axis) => steps[axis]));
  }
  transpose(first, second) {
    const order = this.shape.map((_, axis) => axis), [a, b] = [this.axis(first), this.axis(second)];
    [order[a], order[b]] = [b, a];
    return this.permute(order);
  }
  split(sizes, dim = 0) {
    const at = this.axis(dim), parts = Array.isArray(sizes) ? sizes : Array(Math.ceil(this.shape[at] / sizes)).fill(sizes);
    let start = 0;
    return Object.freeze(parts.map((size) => this.at($.pack(...Array(at).fill(ALL), $.slice(start, (start += size), null)))));
  }
  flip(...dims) {
    const turned = new Set(dims.flat().map((dim) => this.axis(dim)));
    const made = this.at($.pack(...this.shape.map((side, axis) => (turned.has(axis) ? $.slice(null, null, -1) : ALL))));
    if (!made.isCopy) return made.clone(); // axes of length 1
    made.isCopy = false; // in PyTorch, too
    return made;
  }
  repeat(...times) {
    let made = this;
    times.flat().forEach((n, axis) => { made = torch.cat(Array(n).fill(made), axis); });
    return made;
  }
  repeat_interleave(each) {
    return Tensor.of(Array.from(this.data).flatMap((value, k) => Array(isTensor(each) ? each.data[k] : each).fill(value)), this.dtype);
  }

  // ----------------------------------------------------------------------------------------------------------- elements

  at(index) {
    const { start, shape, groups, regular } = located(this, index);
    return regular ? walked(this, start, shape, groups.map(({ step }) => step)) : gathered(this, crossed(start, groups), shape);
  }
  writable() {
    if (this.isCopy) throw $.error("NotImplementedError", "write to a view that is not in one piece");
    return this;
  }
  // Another operator's result in place of the elements: `x += 1`.
  changed(name, other) {
    const made = elementwise(name, this.writable(), other);
    if (!same(made.shape, this.shape) || RANKS[made.dtype] > Math.max(RANKS[this.dtype], this.isFloat ? 4 : 0)) throw $.error("RuntimeError", `the result of ${name} does not fit`);
    this.data.set(made.data);
    return this;
  }
  put(index, value) {
    this.writable();
    const { start, shape, groups } = located(this, index), offsets = crossed(start, groups);
    const given = isTensor(value) ? spread(value.to(this.dtype), shape).data : new STORES[this.dtype](offsets.length).fill(value);
    for (let k = 0; k < offsets.length; k++) this.data[offsets[k]] = given[k];
  }
  clone() { return new Tensor(this.data.slice(), this.shape, this.dtype); }
  index_fill(dim, index, value) {
    const made = this.clone();
    if (this.ndim !== 1) throw $.error("NotImplementedError", "index_fill along one of several axes");
    for (const k of index.data) made.data[inside(k, made.data.length)] = value;
    return made;
  }

  // -------------------------------------------------------------------------------------------- along one or more axes

  // Of the axes that are given, or of all: the number of elements before, along and behind them. Element (o, p, i) has its place in memory at
  // (o · along + p) · behind + i; it belongs to element o · behind + i of a result.
  spans(dim) {
    const axes = (dim === null || dim === undefined ? this.shape.map((_, axis) => axis) : [dim].flat()).map((one) => this.axis(one)).sort((a, b) => a - b);
    if (axes.some((axis, k) => axis !== axes[0] + k)) throw $.error("NotImplementedError", `axes ${axes} are not side by side`);
    const [first = 0, end = first + axes.length] = axes.length ? [axes[0], axes.at(-1) + 1] : [];
    return [this.shape.slice(0, first), this.shape.slice(first, end), this.shape.slice(end)].map(count);
  }
  // The shape of a result along some axes: without them, or with a length of 1.
  shrunk(dim, keepdim) {
    const axes = new Set((dim === null || dim === undefined ? this.shape.map((_, axis) => axis) : [dim].flat()).map((one) => this.axis(one)));
    return keepdim ? this.shape.map((side, axis) => (axes.has(axis) ? 1 : side)) : this.shape.filter((_, axis) => !axes.has(axis));
  }
  // The sums, with all digits that JavaScript has.
  totals(dim) {
    const [before, along, behind] = this.spans(dim), totals = new Float64Array(before * behind), { data } = this;
    for (let o = 0, at = 0; o < before; o++)
      for (let p = 0; p < along; p++) for (let i = 0; i < behind; i++) totals[o * behind + i] += data[at++];
    return totals;
  }
  // What `change` makes of the sums, and of how many elements each has.
  folded(dim, keepdim, dtype, change) {
    const [, along] = this.spans(dim);
    const totals = this.totals(dim), made = Tensor.empty(this.shrunk(dim, keepdim), dtype);
    for (let k = 0; k < totals.length; k++) made.data[k] = change(totals[k], along);
    return made;
  }
  // The largest elements (sign 1) or the smallest (sign −1), and the first place of each. What is no number stays.
  best(dim, keepdim, sign) {
    const [before, along, behind] = this.spans(dim), number = before * behind, most = new STORES[this.dtype](number), where = new Int32Array(number), { data } = this;
    if (number && !data.length) throw $.error("IndexError", "no elements");
    for (let o = 0, at = 0; o < before; o++)
      for (let p = 0; p < along; p++)
        for (let to = o * behind; to < (o + 1) * behind; to++, at++)
          if (p === 0 || (!(sign * data[at] <= sign * most[to]) && most[to] === most[to])) { most[to] = data[at]; where[to] = p; }
    const shape = this.shrunk(dim, keepdim);
    return pair(new Tensor(most, shape, this.dtype), new Tensor(where, shape, "int64"));
  }
  order(descending) {
    const places = Array.from(this.data, (_, k) => k), sign = descending ? -1 : 1, gap = this.isFloat && this.data.some(Number.isNaN);
    if (gap) { // what is no number counts as the largest
      const [none, known] = [true, false].map((wanted) => places.filter((k) => Number.isNaN(this.data[k]) === wanted));
      known.sort((a, b) => sign * (this.data[a] - this.data[b]) || a - b);
      return descending ? [...none, ...known] : [...known, ...none];
    }
    return places.sort((a, b) => sign * (this.data[a] - this.data[b]) || a - b);
  }
}

const ALL = { start: null, stop: null, step: null, isSlice: true };
const pair = (values, indices) => Object.freeze(Object.assign([values, indices], { values, indices }));

Tensor.of = (values, dtype) => new Tensor(STORES[dtype].from(values), [values.length], dtype);

function strides(shape) {
  const steps = Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) steps[axis] = steps[axis + 1] * shape[axis + 1];
  return steps;
}

// All sums of `base` and one offset of each group, the last group fastest. A group has a table of offsets, or the same step between them.
function crossed(base, groups) {
  let offsets = Int32Array.of(base);
  for (const { side, step, table } of groups) {
    const next = new Int32Array(offsets.length * side);
    for (let i = 0, k = 0; i < offsets.length; i++) for (let j = 0; j < side; j++) next[k++] = offsets[i] + (table ? table[j] : j * step);
    offsets = next;
  }
  return offsets;
}

function gathered(tensor, offsets, shape) {
  const data = new STORES[tensor.dtype](offsets.length);
  for (let k = 0; k < offsets.length; k++) data[k] = tensor.data[offsets[k]];
  return new Tensor(data, shape, tensor.dtype);
}

// Walks through several tensors side by side, in rows along the longest axis. `ways`: the steps of each tensor along each axis.
// Calls `row(places, steps, length)` for each row: its first place in each tensor, and the step to the next. Axes that all tensors walk
// through evenly are walked as one.
function inRows(shape, ways, row) {
  const axes = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis], steps = ways.map((way) => way[axis]), behind = axes[0];
    if (side === 0) return;
    if (side === 1) continue;
    if (behind && steps.every((step, k) => step === behind.steps[k] * behind.side)) behind.side *= side;
    else axes.unshift({ side, steps });
  }
  const longest = axes.reduce((a, b) => (b.side > a.side ? b : a), { side: 1, steps: ways.map(() => 0) });
  let starts = [ways.map(() => 0)];
  for (const { side, steps } of axes.filter((axis) => axis !== longest))
    starts = starts.flatMap((start) => Array.from({ length: side }, (_, k) => start.map((place, way) => place + k * steps[way])));
  for (const places of starts) row(places, longest.steps, longest.side);
}

// Whether elements with these steps along the axes lie one behind the other in memory.
function dense(shape, steps) {
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) if (shape[axis] !== 1 && steps[axis] !== step) return false;
  return true;
}

// The elements from `start` on, with steps of their own along each axis; in the memory of the tensor, if that is possible without a copy.
function walked(tensor, start, shape, steps) {
  if (dense(shape, steps)) return new Tensor(tensor.data.subarray(start, start + count(shape)), shape, tensor.dtype);
  const made = Tensor.empty(shape, tensor.dtype);
  inRows(shape, [strides(shape), steps], ([to, from], [t, p], length) => copied(made.data, to, t, tensor.data, start + from, p, length));
  made.isCopy = true;
  return made;
}

// A place that may be counted from the end.
function inside(place, side) {
  const at = place < 0 ? place + side : place;
  if (!(at >= 0 && at < side)) throw $.error("IndexError", `${place} of ${side}`);
  return at;
}

function copied(to, m, t, a, i, p, length) {
  if (t === 1 && p === 1) to.set(a.subarray(i, i + length), m);
  else for (let k = 0; k < length; k++, m += t, i += p) to[m] = a[i];
}

// Where the elements of tensor[index] are: whole numbers and slices first, then tensors of indices and masks.
function located(tensor, index) {
  const parts = Array.isArray(index) && Object.isFrozen(index) ? [...index] : [index]; // a list is one index, a tuple several
  const taken = parts.reduce((sum, one) => sum + (one === null || one === Ellipsis ? 0 : isTensor(one) && one.dtype === "bool" ? one.ndim : 1), 0);
  const dots = parts.indexOf(Ellipsis), rest = Array(tensor.ndim - taken).fill(ALL);
  if (dots >= 0) parts.splice(dots, 1, ...rest);
  else parts.push(...rest);
  const steps = strides(tensor.shape), groups = [], shape = [], chosen = [];
  let start = 0, axis = 0, first = -1;
  for (const part of parts) {
    const side = tensor.shape[axis], step = steps[axis];
    if (part === null) { shape.push(1); groups.push({ side: 1, step: 0 }); continue; }
    if (part.isSlice) {
      const [from, to, by] = $.ends(part, side), length = Math.max(0, Math.ceil((to - from) / by));
      groups.push({ side: length, step: by * step });
      shape.push(length);
      start += length ? from * step : 0;
    } else if (Array.isArray(part) || (isTensor(part) && part.ndim)) {
      const places = Array.isArray(part) ? [Tensor.of(part.map(Number), "int64")] : part.dtype === "bool" ? torch.where(part) : [part];
      places.forEach((place, k) => chosen.push({ place, step: steps[axis + k], side: tensor.shape[axis + k] }));
      if (first < 0) { first = groups.length; groups.push(null); shape.push(null); }
      axis += places.length - 1;
    } else {
      const place = Number(isTensor(part) ? part.item() : part);
      start += inside(place, side) * step;
    }
    axis += 1;
  }
  if (chosen.length) {
    const common = broadcast(...chosen.map(({ place }) => place.shape));
    const table = new Int32Array(count(common));
    for (const { place, step, side } of chosen) {
      const { data } = spread(place, common);
      for (let k = 0; k < table.length; k++) table[k] += inside(data[k], side) * step;
    }
    groups[first] = { side: table.length, table };
    shape.splice(first, 1, ...common);
  }
  return { start, shape, groups, regular: !chosen.length };
}

// ---------------------------------------------------------------------------------------------------------- broadcasting

function broadcast(...shapes) {
  if (shapes.length === 2 && same(...shapes)) return shapes[0];
  const length = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length }, (_, k) => {
    const sides = shapes.map((shape) => shape[k - length + shape.length] ?? 1), wide = sides.filter((side) => side !== 1);
    if (wide.some((side) => side !== wide[0])) throw $.error("RuntimeError", `shapes ${shapes.map($.repr).join(" and ")} do not fit`);
    return wide[0] ?? 1;
  });
}

// The steps along the axes of a larger shape, in which axes of length 1 are repeated.
function repeating(tensor, shape) {
  const steps = strides(tensor.shape), missing = shape.length - tensor.ndim;
  return shape.map((_, axis) => (axis < missing || tensor.shape[axis - missing] === 1 ? 0 : steps[axis - missing]));
}

const spread = (tensor, shape) => (same(tensor.shape, shape) ? tensor : walked(tensor, 0, shape, repeating(tensor, shape)));

// A row of an operation: from the places m, i and j on, in the steps t, p and q. Each operation has a loop of its own: if one loop
// called a function for each element, all of them would be several times slower.
const OPERATIONS = {
  add(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] + b[j]; },
  sub(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] - b[j]; },
  mul(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] * b[j]; },
  div(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] / b[j]; },
  pow(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] ** b[j]; },
  floordiv(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = Math.floor(a[i] / b[j]); },
  mod(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] - b[j] * Math.floor(a[i] / b[j]); },
  or(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] | b[j]; },
  and(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = a[i] & b[j]; },
  eq(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = +(a[i] === b[j]); },
  ne(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = +(a[i] !== b[j]); },
  lt(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = +(a[i] < b[j]); },
  le(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = +(a[i] <= b[j]); },
  gt(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = +(a[i] > b[j]); },
  ge(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = +(a[i] >= b[j]); },
  max(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = Number.isNaN(a[i]) || a[i] > b[j] ? a[i] : b[j]; },
  min(made, m, t, a, i, p, b, j, q, length) { for (let k = 0; k < length; k++, m += t, i += p, j += q) made[m] = Number.isNaN(a[i]) || a[i] < b[j] ? a[i] : b[j]; },
};
const COMPARISONS = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);

// The type of a result. A plain number has no type of its own, unless it is not whole.
function common(a, b, name) {
  const [tensor, other] = isTensor(a) ? [a, b] : [b, a];
  const dtype = isTensor(other) ? (rank(other) > rank(tensor) ? other.dtype : tensor.dtype)
    : tensor.isFloat || Number.isInteger(other) || typeof other === "boolean" ? tensor.dtype : "float32";
  if (name === "div" && RANKS[dtype] < 3) return "float32";
  return dtype === "bool" && ["add", "mul", "sub"].includes(name) && typeof other === "number" ? "int64" : dtype;
}

// True + True is True.
function logical(name) {
  if (name === "sub") throw $.error("RuntimeError", "no subtraction of bool tensors");
  return name === "add" ? "or" : name;
}

// A tensor without axes counts less than one with axes, unless it is of another kind.
const rank = (tensor) => (tensor.ndim ? 10 : 0) * (tensor.isFloat ? 1 : 0) + RANKS[tensor.dtype];

function elementwise(name, a, b) {
  const dtype = common(a, b, name), row = OPERATIONS[dtype === "bool" ? logical(name) : name], shape = !isTensor(a) ? b.shape : !isTensor(b) ? a.shape : broadcast(a.shape, b.shape);
  const values = (one) => (isTensor(one) ? one.data : Float64Array.of(dtype === "float32" ? Math.fround(one) : one)); // as PyTorch reads a plain number
  const made = Tensor.empty(shape, COMPARISONS.has(name) ? "bool" : dtype), [left, right] = [values(a), values(b)], { length } = made.data;
  const even = [left, right].every((one) => one.length === length || one.length === 1); // no axis of either is repeated
  if (even) row(made.data, 0, 1, left, 0, Number(left.length > 1), right, 0, Number(right.length > 1), length);
  else inRows(shape, [strides(shape), repeating(a, shape), repeating(b, shape)], ([m, i, j], [t, p, q], number) => row(made.data, m, t, left, i, p, right, j, q, number));
  return made;
}

// --------------------------------------------------------------------------------------------------------------- methods

// Adds methods, with the names of their parameters: "clamp(min, max)".
function methods(table) {
  for (const [head, body] of Object.entries(table)) {
    const [, name, parameters] = /^(\w+)\((.*)\)$/.exec(head);
    Tensor.prototype[name] = withKeywords(parameters ? parameters.split(", ") : [], body);
  }
}
for (const [name, parameters] of [["flatten", ["start_dim"]], ["split", ["sizes", "dim"]], ["unflatten", ["dim", "sizes"]], ["view", []], ["permute", []], ["flip", []], ["to", ["dtype"]]])
  Tensor.prototype[name].parameters = parameters;

// The nearest whole number; between two, the even one.
const toEven = (x) => { const near = Math.round(x); return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near; };
const floating = (change) => function () { return this.asFloat().map(change); };
const sorted = (tensor, order) => pair(gathered(tensor, Int32Array.from(order), [order.length]), Tensor.of(order, "int64"));

function clamped(tensor, low, high) {
  const made = tensor.clone(), { data } = made;
  for (let k = 0; k < data.length; k++) {
    if (data[k] < low) data[k] = low;
    if (data[k] > high) data[k] = high;
  }
  return made;
}

methods({
  "abs()": function () { return this.map(Math.abs); },
  "exp()": floating(Math.exp), "log()": floating(Math.log), "log2()": floating(Math.log2), "log10()": floating(Math.log10),
  "sqrt()": floating(Math.sqrt), "sigmoid()": floating((x) => 1 / Math.fround(1 + Math.fround(Math.exp(-x)))), "logit()": floating((x) => Math.log(x / (1 - x))),
  "square()": function () { return elementwise("mul", this, this); },
  "floor()": function () { return this.map(Math.floor); },
  "round()": function () { return this.map(toEven); },
  "isfinite()": function () { return this.map(Number.isFinite, "bool"); },
  "clamp(min, max)": function (min = null, max = null) {
    const bound = (value, none) => (value === null ? none : this.isFloat ? Math.fround(value) : value);
    return clamped(this, bound(min, -Infinity), bound(max, Infinity));
  },
  "nan_to_num(nan, posinf, neginf)": function (nan = 0, posinf = 3.4028234663852886e38, neginf = -3.4028234663852886e38) {
    return this.map((x) => (Number.isNaN(x) ? nan : x === Infinity ? posinf : x === -Infinity ? neginf : x));
  },
  "float()": function () { return this.to("float32"); }, "double()": function () { return this.to("float64"); },
  "int()": function () { return this.to("int64"); }, "long()": function () { return this.to("int64"); },
  "byte()": function () { return this.to("uint8"); }, "bool()": function () { return this.to("bool"); },
  "numel()": function () { return this.data.length; }, "dim()": function () { return this.ndim; },
  "cpu()": function () { return this; }, "detach()": function () { return this; }, "contiguous()": function () { return this.isCopy ? this.clone() : this; }, "numpy()": function () { return this; },
  "is_floating_point()": function () { return this.isFloat; },
  "new_empty(shape)": function (...shape) { return Tensor.empty(shape.flat(), this.dtype); },
  "equal(other)": function (other) { return same(this.shape, other.shape) && this.data.every((value, k) => value === other.data[k]); },
  "new_full(shape, value)": function (shape, value) { return filled(shape, value, this.dtype); },
  "new_zeros(shape)": function (...shape) { return Tensor.empty(shape.flat(), this.dtype); },

  "sum(dim, keepdim)": function (dim, keepdim) { return this.folded(dim, keepdim, this.isFloat ? this.dtype : "int64", (total) => total); },
  "prod(dim, keepdim)": function (dim, keepdim) {
    const [before, along, behind] = this.spans(dim), products = new Float64Array(before * behind).fill(1);
    for (let at = 0; at < this.data.length; at++) products[Math.floor(at / (along * behind)) * behind + (at % behind)] *= this.data[at];
    const dtype = this.isFloat ? this.dtype : "int64";
    return new Tensor(new STORES[dtype](products), this.shrunk(dim, keepdim), dtype);
  },
  "mean(dim, keepdim)": function (dim, keepdim) { return this.floats("mean").folded(dim, keepdim, this.dtype, (total, number) => total / number); },
  "std(dim)": function (dim) {
    const squares = elementwise("sub", this.floats("std"), this.mean(dim, true)).square();
    return squares.folded(dim, false, this.dtype, (total, number) => Math.sqrt(total / (number - 1)));
  },
  "norm(dim)": function (dim) { return this.square().sum(dim).sqrt(); },
  "any(dim, keepdim)": function (dim, keepdim) { return this.to("bool").folded(dim, keepdim, "bool", (total) => total > 0); },
  "all(dim, keepdim)": function (dim, keepdim) { return this.to("bool").folded(dim, keepdim, "bool", (total, number) => total === number); },
  "amax(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, 1).values; },
  "amin(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, -1).values; },
  "argmax(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, 1).indices; },
  "argmin(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, -1).indices; },
  "max(dim, keepdim)": function (dim, keepdim) { const found = this.best(dim, keepdim, 1); return dim === undefined ? found.values : found; },
  "min(dim, keepdim)": function (dim, keepdim) { const found = this.best(dim, keepdim, -1); return dim === undefined ? found.values : found; },
  "softmax(dim)": function (dim) {
    const raised = elementwise("sub", this, this.amax(dim, true)).exp();
    return elementwise("div", raised, raised.sum(dim, true));
  },
  "cumsum(dim)": function (dim) {
    const [, along, behind] = this.spans(dim), totals = Float64Array.from(this.data);
    for (let at = 0; at < totals.length; at++) if (Math.floor(at / behind) % along) totals[at] += totals[at - behind];
    const dtype = this.isFloat ? this.dtype : "int64";
    return new Tensor(new STORES[dtype](totals), this.shape, dtype);
  },
  "cummax(dim)": function () {
    if (this.ndim !== 1) throw $.error("NotImplementedError", "cummax along one of several axes");
    const made = this.clone(), { data } = made, places = new Int32Array(data.length);
    for (let k = 1; k < data.length; k++) {
      places[k] = data[k] >= data[k - 1] || data[k] !== data[k] ? k : places[k - 1];
      data[k] = Math.max(data[k], data[k - 1]);
    }
    return pair(made, Tensor.of(places, "int64"));
  },
  "sort(dim, descending, stable)": function (dim, descending = false) { return sorted(this, this.order(descending)); },
  "argsort(dim, descending, stable)": function (dim, descending = false) { return sorted(this, this.order(descending)).indices; },
  "topk(k, dim)": function (k, dim) {
    if (this.ndim === 1) return sorted(this, this.order(true).slice(0, k));
    const rows = [...this].map((row) => row.topk(k));
    return pair(torch.stack(rows.map((row) => row.values)), torch.stack(rows.map((row) => row.indices)));
  },
  "unique()": function () { return Tensor.of([...new Set(this.data)].sort((a, b) => a - b), this.dtype); },
  "bincount(minlength)": function (minlength = 0) {
    let most = minlength - 1;
    for (let k = 0; k < this.data.length; k++) if (this.data[k] > most) most = this.data[k];
    const numbers = new Int32Array(most + 1);
    for (let k = 0; k < this.data.length; k++) numbers[this.data[k]] += 1;
    return new Tensor(numbers, [numbers.length], "int64");
  },
});
