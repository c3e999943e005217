// Tensors: values in one array, row by row, with PyTorch's names, types and rules of broadcasting. Results are copies, never views.

const STORES = { float32: Float32Array, float64: Float64Array, int64: Int32Array, uint8: Uint8Array, bool: Uint8Array };
const RANKS = { bool: 0, uint8: 1, int64: 2, float32: 3, float64: 4 }; // of two types, the higher one is that of the result
const count = (shape) => shape.reduce((product, side) => product * side, 1);

class Tensor {
  constructor(data, shape, dtype) {
    this.data = data;
    this.shape = Object.isFrozen(shape) ? shape : Object.freeze([...shape]);
    this.dtype = dtype;
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
    const made = Tensor.empty(this.shape, wanted), whole = RANKS[wanted] < 3;
    for (let k = 0; k < made.data.length; k++) made.data[k] = wanted === "bool" ? this.data[k] !== 0 : whole ? Math.trunc(this.data[k]) : this.data[k];
    return made;
  }
  map(change, dtype = this.dtype) {
    const made = Tensor.empty(this.shape, dtype);
    for (let k = 0; k < made.data.length; k++) made.data[k] = change(this.data[k]);
    return made;
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
    return new Tensor(this.data, sides, this.dtype);
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
    const offsets = crossed(0, axes.map((axis) => line(this.shape[axis], steps[axis])));
    return gathered(this, offsets, axes.map((axis) => this.shape[axis]));
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
    return this.at($.pack(...this.shape.map((side, axis) => (turned.has(axis) ? $.slice(null, null, -1) : ALL))));
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
    const { offsets, shape, start } = located(this, index);
    if (!offsets) return new Tensor(this.data.slice(start, start + count(shape)), shape, this.dtype);
    return gathered(this, offsets, shape);
  }
  put(index, value) {
    const { offsets, shape, start } = located(this, index), given = isTensor(value) ? spread(value.to(this.dtype), shape) : value;
    const length = count(shape);
    for (let k = 0; k < length; k++) this.data[offsets ? offsets[k] : start + k] = isTensor(given) ? given.data[k] : given;
  }
  clone() { return new Tensor(this.data.slice(), this.shape, this.dtype); }
  index_fill(dim, index, value) {
    const made = this.clone();
    for (const k of index.data) made.data[k] = value;
    return made;
  }

  // -------------------------------------------------------------------------------------------- along one or more axes

  // Calls `step(group, value, place)` for each element: its group is its place in the result, its place that along the axes.
  along(dim, step) {
    const axes = (dim === null || dim === undefined ? this.shape.map((_, axis) => axis) : [dim].flat()).map((one) => this.axis(one)).sort((a, b) => a - b);
    if (axes.some((axis, k) => axis !== axes[0] + k)) throw $.error("NotImplementedError", `axes ${axes} are not side by side`);
    const [first = 0, end = first + axes.length] = axes.length ? [axes[0], axes.at(-1) + 1] : [];
    const outer = count(this.shape.slice(0, first)), side = count(this.shape.slice(first, end)), inner = count(this.shape.slice(end));
    for (let o = 0, at = 0; o < outer; o++)
      for (let p = 0; p < side; p++)
        for (let i = 0; i < inner; i++) step(o * inner + i, this.data[at++], p);
    return { each: side };
  }
  // The shape of a result along some axes: without them, or with a length of 1.
  shrunk(dim, keepdim) {
    const axes = new Set((dim === null || dim === undefined ? this.shape.map((_, axis) => axis) : [dim].flat()).map((one) => this.axis(one)));
    return keepdim ? this.shape.map((side, axis) => (axes.has(axis) ? 1 : side)) : this.shape.filter((_, axis) => !axes.has(axis));
  }
  folded(dim, keepdim, start, step, dtype = this.dtype) {
    const shape = this.shrunk(dim, keepdim), totals = new Float64Array(count(shape)).fill(start);
    const { each } = this.along(dim, (group, value) => { totals[group] = step(totals[group], value); });
    return { made: new Tensor(STORES[dtype].from(totals), shape, dtype), totals, each };
  }
  best(dim, keepdim, better) {
    const shape = this.shrunk(dim, keepdim), number = count(shape), most = new STORES[this.dtype](number), where = new Int32Array(number);
    if (number && !this.data.length) throw $.error("IndexError", "no elements");
    this.along(dim, (group, value, place) => {
      if (place === 0 || better(value, most[group])) { most[group] = value; where[group] = place; }
    });
    return pair(new Tensor(most, shape, this.dtype), new Tensor(where, shape, "int64"));
  }
  order(descending) {
    const places = Array.from(this.data, (_, k) => k), sign = descending ? -1 : 1;
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

function line(length, step, first = 0) {
  const places = new Int32Array(length);
  for (let k = 0; k < length; k++) places[k] = first + k * step;
  return places;
}

// All sums of one offset of each group, the last group fastest.
function crossed(base, groups) {
  let offsets = Int32Array.of(base);
  for (const group of groups) {
    const next = new Int32Array(offsets.length * group.length);
    for (let i = 0, k = 0; i < offsets.length; i++) for (let j = 0; j < group.length; j++) next[k++] = offsets[i] + group[j];
    offsets = next;
  }
  return offsets;
}

function gathered(tensor, offsets, shape) {
  const data = new STORES[tensor.dtype](offsets.length);
  for (let k = 0; k < offsets.length; k++) data[k] = tensor.data[offsets[k]];
  return new Tensor(data, shape, tensor.dtype);
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
    if (part === null) { shape.push(1); groups.push(line(1, 0)); continue; }
    if (part.isSlice) {
      const [from, to, by] = $.ends(part, side), length = Math.max(0, Math.ceil((to - from) / by));
      groups.push(line(length, by * step, from * step));
      shape.push(length);
    } else if (Array.isArray(part) || (isTensor(part) && part.ndim)) {
      const places = Array.isArray(part) ? [Tensor.of(part.map(Number), "int64")] : part.dtype === "bool" ? torch.where(part) : [part];
      places.forEach((place, k) => chosen.push({ place, step: steps[axis + k], side: tensor.shape[axis + k] }));
      if (first < 0) { first = groups.length; groups.push(null); shape.push(null); }
      axis += places.length - 1;
    } else {
      const place = Number(isTensor(part) ? part.item() : part);
      if (place >= side || place < -side) throw $.error("IndexError", `${place} of ${side}`);
      start += (place < 0 ? place + side : place) * step;
    }
    axis += 1;
  }
  if (!chosen.length && groups.every((group, k) => k >= 0 && group.length === shape[k]) && isWhole(groups, shape)) return { shape, start };
  if (chosen.length) {
    const common = broadcast(...chosen.map(({ place }) => place.shape));
    const table = new Int32Array(count(common));
    for (const { place, step, side } of chosen) spread(place, common).data.forEach((value, k) => { table[k] += (value < 0 ? value + side : value) * step; });
    groups[first] = table;
    shape.splice(first, 1, ...common);
  }
  return { offsets: crossed(start, groups), shape };
}

// Whether the groups are all that follows in memory, so that a piece of it can be taken.
function isWhole(groups, shape) {
  let step = 1;
  for (let k = groups.length - 1; k >= 0; k--) {
    if (groups[k].length && groups[k][0] !== 0) return false;
    if (groups[k].length > 1 && groups[k][1] !== step) return false;
    step *= shape[k];
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------------- broadcasting

function broadcast(...shapes) {
  const length = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length }, (_, k) => {
    const sides = shapes.map((shape) => shape[k - length + shape.length] ?? 1), wide = sides.filter((side) => side !== 1);
    if (wide.some((side) => side !== wide[0])) throw $.error("RuntimeError", `shapes ${shapes.map($.repr).join(" and ")} do not fit`);
    return wide[0] ?? 1;
  });
}

function spread(tensor, shape) {
  if (same(tensor.shape, shape)) return tensor;
  const steps = strides(tensor.shape), missing = shape.length - tensor.ndim;
  const groups = shape.map((side, k) => line(side, k < missing || tensor.shape[k - missing] === 1 ? 0 : steps[k - missing]));
  return gathered(tensor, crossed(0, groups), shape);
}

const OPERATIONS = {
  add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b, pow: (a, b) => a ** b,
  floordiv: (a, b) => Math.floor(a / b), mod: (a, b) => a - b * Math.floor(a / b), or: (a, b) => a | b, and: (a, b) => a & b,
  eq: (a, b) => a === b, ne: (a, b) => a !== b, lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b,
  max: (a, b) => (Number.isNaN(a) || a > b ? a : b), min: (a, b) => (Number.isNaN(a) || a < b ? a : b),
};
const COMPARISONS = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);

// The type of a result. A plain number has no type of its own, unless it is not whole.
function common(a, b, name) {
  const [tensor, other] = isTensor(a) ? [a, b] : [b, a];
  const dtype = isTensor(other) ? (rank(other) > rank(tensor) ? other.dtype : tensor.dtype)
    : tensor.isFloat || Number.isInteger(other) || typeof other === "boolean" ? tensor.dtype : "float32";
  if (name === "div" && RANKS[dtype] < 3) return "float32";
  return dtype === "bool" && ["add", "mul", "sub"].includes(name) && !(isTensor(a) && isTensor(b)) ? "int64" : dtype;
}

// A tensor without axes counts less than one with axes, unless it is of another kind.
const rank = (tensor) => (tensor.ndim ? 10 : 0) * (tensor.isFloat ? 1 : 0) + RANKS[tensor.dtype];

function elementwise(name, a, b) {
  const operation = OPERATIONS[name], dtype = common(a, b, name);
  const number = (value) => (dtype === "float32" ? Math.fround(value) : Number(value)); // as PyTorch reads a plain number
  if (!isTensor(b)) { const right = number(b); return a.map((value) => operation(value, right), COMPARISONS.has(name) ? "bool" : dtype); }
  if (!isTensor(a)) { const left = number(a); return b.map((value) => operation(left, value), COMPARISONS.has(name) ? "bool" : dtype); }
  const shape = broadcast(a.shape, b.shape), made = Tensor.empty(shape, COMPARISONS.has(name) ? "bool" : dtype);
  paired(operation, a, b, shape, made.data);
  return made;
}

// All pairs of elements, row by row; a side of length 1 is repeated. Axes that both tensors walk through evenly are walked as one.
function paired(operation, a, b, shape, made) {
  const ways = [a, b].map((one) => {
    const steps = strides(one.shape), missing = shape.length - one.ndim;
    return shape.map((_, axis) => (axis < missing || one.shape[axis - missing] === 1 ? 0 : steps[axis - missing]));
  });
  const axes = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis], [p, q] = [ways[0][axis], ways[1][axis]], inner = axes[0];
    if (side === 1) continue;
    if (inner && p === inner.p * inner.side && q === inner.q * inner.side) inner.side *= side;
    else axes.unshift({ side, p, q });
  }
  const last = axes.pop() ?? { side: 1, p: 0, q: 0 }, [left, right] = [a.data, b.data];
  let place = 0;
  const walk = (axis, from, other) => {
    if (axis < axes.length) {
      const { side, p, q } = axes[axis];
      for (let k = 0; k < side; k++) walk(axis + 1, from + k * p, other + k * q);
      return;
    }
    for (let k = 0; k < last.side; k++, from += last.p, other += last.q) made[place++] = operation(left[from], right[other]);
  };
  if (made.length) walk(0, 0, 0);
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

methods({
  "abs()": function () { return this.map(Math.abs); },
  "exp()": floating(Math.exp), "log()": floating(Math.log), "log2()": floating(Math.log2), "log10()": floating(Math.log10),
  "sqrt()": floating(Math.sqrt), "sigmoid()": floating((x) => 1 / Math.fround(1 + Math.fround(Math.exp(-x)))), "logit()": floating((x) => Math.log(x / (1 - x))),
  "square()": function () { return this.map((x) => x * x); },
  "floor()": function () { return this.map(Math.floor); },
  "round()": function () { return this.map(toEven); },
  "isfinite()": function () { return this.map(Number.isFinite, "bool"); },
  "clamp(min, max)": function (min = null, max = null) {
    const low = isTensor(min) ? min : min === null ? null : this.isFloat ? Math.fround(min) : min;
    const high = max === null ? null : this.isFloat ? Math.fround(max) : max;
    return this.map((x) => { const raised = low !== null && x < low ? low : x; return high !== null && raised > high ? high : raised; });
  },
  "nan_to_num(nan, posinf, neginf)": function (nan = 0, posinf = 3.4028234663852886e38, neginf = -3.4028234663852886e38) {
    return this.map((x) => (Number.isNaN(x) ? nan : x === Infinity ? posinf : x === -Infinity ? neginf : x));
  },
  "float()": function () { return this.to("float32"); }, "double()": function () { return this.to("float64"); },
  "int()": function () { return this.to("int64"); }, "long()": function () { return this.to("int64"); },
  "byte()": function () { return this.to("uint8"); }, "bool()": function () { return this.to("bool"); },
  "numel()": function () { return this.data.length; }, "dim()": function () { return this.ndim; },
  "cpu()": function () { return this; }, "detach()": function () { return this; }, "contiguous()": function () { return this; }, "numpy()": function () { return this; },
  "is_floating_point()": function () { return this.isFloat; },
  "new_empty(shape)": function (...shape) { return Tensor.empty(shape.flat(), this.dtype); },
  "equal(other)": function (other) { return same(this.shape, other.shape) && this.data.every((value, k) => value === other.data[k]); },
  "new_full(shape, value)": function (shape, value) { return filled(shape, value, this.dtype); },
  "new_zeros(shape)": function (...shape) { return Tensor.empty(shape.flat(), this.dtype); },

  "sum(dim, keepdim)": function (dim, keepdim) { return this.folded(dim, keepdim, 0, (a, b) => a + b, this.isFloat ? this.dtype : "int64").made; },
  "prod(dim, keepdim)": function (dim, keepdim) { return this.folded(dim, keepdim, 1, (a, b) => a * b, this.isFloat ? this.dtype : "int64").made; },
  "mean(dim, keepdim)": function (dim, keepdim) {
    const { made, totals, each } = this.folded(dim, keepdim, 0, (a, b) => a + b);
    for (let k = 0; k < made.data.length; k++) made.data[k] = totals[k] / each;
    return made;
  },
  "std(dim)": function (dim) {
    const average = this.mean(dim, true), { made, totals, each } = elementwise("sub", this, average).square().folded(dim, false, 0, (a, b) => a + b);
    for (let k = 0; k < made.data.length; k++) made.data[k] = Math.sqrt(totals[k] / (each - 1));
    return made;
  },
  "norm(dim)": function (dim) { return this.square().sum(dim).sqrt(); },
  "any(dim, keepdim)": function (dim, keepdim) { return this.folded(dim, keepdim, 0, (a, b) => a || b !== 0, "bool").made; },
  "all(dim, keepdim)": function (dim, keepdim) { return this.folded(dim, keepdim, 1, (a, b) => a && b !== 0, "bool").made; },
  "amax(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, (a, b) => a > b).values; },
  "amin(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, (a, b) => a < b).values; },
  "argmax(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, (a, b) => a > b).indices; },
  "argmin(dim, keepdim)": function (dim, keepdim) { return this.best(dim, keepdim, (a, b) => a < b).indices; },
  "max(dim, keepdim)": function (dim, keepdim) { const found = this.best(dim, keepdim, (a, b) => a > b); return dim === undefined ? found.values : found; },
  "min(dim, keepdim)": function (dim, keepdim) { const found = this.best(dim, keepdim, (a, b) => a < b); return dim === undefined ? found.values : found; },
  "softmax(dim)": function (dim) {
    const raised = elementwise("sub", this, this.amax(dim, true)).exp();
    return elementwise("div", raised, raised.sum(dim, true));
  },
  "cumsum(dim)": function (dim) {
    const made = Tensor.empty(this.shape, this.isFloat ? this.dtype : "int64"), totals = [], axis = this.axis(dim), inner = count(this.shape.slice(axis + 1));
    this.along(dim, (group, value, place) => {
      totals[group] = (totals[group] ?? 0) + value;
      made.data[(Math.floor(group / inner) * this.shape[axis] + place) * inner + (group % inner)] = totals[group];
    });
    return made;
  },
  "cummax(dim)": function () {
    const made = this.clone();
    for (let k = 1; k < made.data.length; k++) made.data[k] = Math.max(made.data[k], made.data[k - 1]);
    return pair(made, made);
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
    const made = new Tensor(new Int32Array(Math.max(minlength, 1 + Math.max(-1, ...this.data))), [0], "int64");
    for (const value of this.data) made.data[value] += 1;
    return new Tensor(made.data, [made.data.length], "int64");
  },
});
