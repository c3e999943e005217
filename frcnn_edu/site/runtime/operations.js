// Operations on tensors, element by element, and the methods of tensors.

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
