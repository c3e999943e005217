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
