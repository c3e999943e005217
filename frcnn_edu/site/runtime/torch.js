// The functions of PyTorch and torchvision that the translated programs call, and the compiled kernels among them.

const Ellipsis = Symbol("Ellipsis");
$.Ellipsis = Ellipsis;

// The shape of nested lists, and their values in a row.
function nested(values) {
  if (isTensor(values)) return { shape: [...values.shape], flat: [...values.data], dtype: values.dtype };
  if (!Array.isArray(values)) return { shape: [], flat: [values] };
  const parts = values.map(nested);
  return { shape: [values.length, ...(parts[0]?.shape ?? [])], flat: parts.flatMap((part) => part.flat), dtype: parts[0]?.dtype };
}

// Whole numbers make a tensor of whole numbers in PyTorch; here a list does not know whether its numbers were written with a
// point. Only what indexes, counts or labels needs whole ones, and that gives its type or is given it by the translator.
function tensor(values, dtype) {
  const { shape, flat, dtype: own } = nested(values);
  const kindOf = dtype ?? own ?? (typeof flat[0] === "boolean" ? "bool" : "float32");
  return new Tensor(STORES[kindOf].from(flat, Number), shape, kindOf);
}

const filled = (shape, value, dtype) => { const made = Tensor.empty([shape].flat(), dtype); made.data.fill(Number(value)); return made; };
const like = (value) => withKeywords(["other", "dtype"], (other, dtype) => filled(other.shape, value, dtype ?? other.dtype));

const torch = {
  float32: "float32", float64: "float64", int64: "int64", int32: "int64", bool: "bool", uint8: "uint8",
  tensor: withKeywords(["values", "dtype", "device"], tensor),
  as_tensor: withKeywords(["values", "dtype", "device"], tensor),
  zeros: withKeywords(["shape", "dtype"], (shape, dtype) => filled(shape, 0, dtype ?? "float32")),
  ones: withKeywords(["shape", "dtype"], (shape, dtype) => filled(shape, 1, dtype ?? "float32")),
  empty: withKeywords(["shape", "dtype", "device"], (shape, dtype) => filled(shape, 0, dtype ?? "float32")),
  full: withKeywords(["shape", "value", "dtype"], (shape, value, dtype) => filled(shape, value, dtype ?? (Number.isInteger(value) ? "int64" : "float32"))),
  zeros_like: like(0), ones_like: like(1),
  full_like: withKeywords(["other", "value", "dtype"], (other, value, dtype) => filled(other.shape, value, dtype ?? other.dtype)),
  arange: withKeywords(["first", "last", "step", "device", "dtype"], (first, last, step = 1, device, dtype = [first, last, step].every((one) => one === undefined || Number.isInteger(one)) ? "int64" : "float32") => Tensor.of($.range(first, last, step), dtype)),
  linspace: withKeywords(["first", "last", "steps"], (first, last, steps) => {
    // From both ends, as PyTorch does it, so that the last one is exact.
    const step = steps > 1 ? Math.fround((last - first) / (steps - 1)) : 0;
    return Tensor.of(Array.from({ length: steps }, (_, k) => (k < steps / 2 ? first + step * k : last - step * (steps - 1 - k))), "float32");
  }),
  logspace: withKeywords(["first", "last", "steps", "base"], (first, last, steps, base = 10) => torch.linspace(first, last, steps).map((power) => base ** power)),
  meshgrid: withKeywords(["first", "second", "indexing"], (first, second) => {
    const shape = [first.shape[0], second.shape[0]];
    return $.pack(spread(first.view(-1, 1), shape), spread(second.view(1, -1), shape));
  }),
  cat: withKeywords(["tensors", "dim"], (tensors, dim = 0) => {
    const all = $.iterable(tensors), parts = all.filter((one) => one.data.length || one.ndim > 1 || all.length === 1), [first] = parts.length ? parts : all;
    if (!parts.length) return first;
    const axis = first.axis(dim), dtype = parts.reduce((a, b) => (RANKS[b.dtype] > RANKS[a] ? b.dtype : a), first.dtype);
    const side = parts.reduce((sum, one) => sum + one.shape[axis], 0), inner = count(first.shape.slice(axis + 1)), outer = count(first.shape.slice(0, axis));
    const made = Tensor.empty([...first.shape.slice(0, axis), side, ...first.shape.slice(axis + 1)], dtype);
    let place = 0;
    for (const one of parts) {
      const piece = one.shape[axis] * inner, start = place;
      inRows([outer, piece], [[side * inner, 1], [piece, 1]], ([to, from], [t, p], length) => copied(made.data, start + to, t, one.data, from, p, length));
      place += piece;
    }
    return made;
  }),
  stack: withKeywords(["tensors", "dim"], (tensors, dim = 0) => {
    const all = $.iterable(tensors), axis = dim < 0 ? dim + all[0].ndim + 1 : dim;
    return torch.cat(all.map((one) => one.reshaped([...one.shape.slice(0, axis), 1, ...one.shape.slice(axis)])), axis);
  }),
  where: (test, yes, no) => {
    if (yes === undefined) {
      const steps = strides(test.shape), places = new Int32Array(test.data.length);
      let number = 0;
      for (let k = 0; k < places.length; k++) if (test.data[k]) places[number++] = k;
      const found = Tensor.of(places.subarray(0, number), "int64");
      if (test.ndim === 1) return $.pack(found);
      return Object.freeze(test.shape.map((side, axis) => elementwise("mod", elementwise("floordiv", found, steps[axis]), side)));
    }
    const dtype = isTensor(yes) && isTensor(no) ? common(yes, no, "add") : (isTensor(yes) ? yes : isTensor(no) ? no : { dtype: "float32" }).dtype;
    const sides = [yes, no].map((one) => (isTensor(one) ? one : filled([], one, dtype)));
    const shape = broadcast(test.shape, ...sides.map((one) => one.shape)), [asked, a, b] = [test, ...sides].map((one) => spread(one, shape));
    const made = Tensor.empty(shape, dtype);
    for (let k = 0; k < made.data.length; k++) made.data[k] = asked.data[k] ? a.data[k] : b.data[k];
    return made;
  },
  maximum: (a, b) => elementwise("max", a, b),
  minimum: (a, b) => elementwise("min", a, b),
  max: withKeywords(["a", "b"], (a, b) => (b === undefined ? a.max() : elementwise("max", a, b))),
  min: withKeywords(["a", "b"], (a, b) => (b === undefined ? a.min() : elementwise("min", a, b))),
  log: (a) => a.log(), log2: (a) => a.log2(), floor: (a) => a.floor(),
  isin: (values, among) => { const known = new Set(among.data); return values.map((value) => known.has(value), "bool"); },
  searchsorted: withKeywords(["row", "values", "right"], (row, values, right = false) => values.map((value) => {
    let low = 0, high = row.data.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row.data[middle] < value || (right && row.data[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }, "int64")),
  from_numpy: (values) => values,
  equal: (a, b) => a.equal(b),
  manual_seed: (seed) => { generator = new Twister(seed); },
  randperm: withKeywords(["number", "device"], (number) => {
    const order = Int32Array.from({ length: number }, (_, k) => k);
    for (let k = 0; k < number - 1; k++) {
      const other = k + (generator.next() % (number - k));
      [order[k], order[other]] = [order[other], order[k]];
    }
    return new Tensor(order, [number], "int64");
  }),
  nn: { Module: null, functional: {} },
};
const torch_nn = torch.nn, np = { array: (values) => tensor(values, "float64"), linspace: (first, last, steps) => Tensor.of(Array.from({ length: steps }, (_, k) => (k && k === steps - 1 ? last : first + (k && k * ((last - first) / (steps - 1))))), "float64") };

Object.assign(torch.nn.functional, {
  relu: (x) => x.map((value) => Math.max(value, 0)),
  pad: withKeywords(["x", "sides", "mode", "value"], (x, [before, after], mode = "constant", value = 0) => {
    if (mode !== "constant") throw $.error("NotImplementedError", `pad in the mode ${mode}`);
    const column = (width) => filled([...x.shape.slice(0, -1), width], value, x.dtype);
    return torch.cat([column(before), x, column(after)].filter((one) => one.shape.at(-1)), -1);
  }),
  // Nearest: cell i of n copies cell ⌊i · m / n⌋ of m.
  interpolate: withKeywords(["x", "size", "mode"], (x, [high, wide], mode = "nearest") => {
    if (mode !== "nearest") throw $.error("NotImplementedError", `interpolate in the mode ${mode}`);
    const [rows, columns] = x.shape.slice(-2), from = (n, m) => Tensor.of(Array.from({ length: n }, (_, i) => Math.floor((i * m) / n)), "int64");
    return x.at($.pack(Ellipsis, from(high, rows), ALL)).at($.pack(Ellipsis, from(wide, columns)));
  }),
});

// A fully connected layer, as the shipped weights fill it.
torch.nn.Linear = $.class({
  name: "Linear", key: "torch.nn.Linear", base: null, isData: false, byValue: false, fields: [], attributes: {}, properties: [],
  methods: {
    forward: $.function(["x"], function (x) {
      const [rows, inputs] = x.shape, [outputs] = this.weight.shape, made = Tensor.empty([rows, outputs]);
      for (let r = 0; r < rows; r++)
        for (let o = 0; o < outputs; o++) {
          let sum = this.bias.data[o];
          for (let i = 0, at = o * inputs, from = r * inputs; i < inputs; i++) sum += x.data[from + i] * this.weight.data[at + i];
          made.data[r * outputs + o] = sum;
        }
      return made;
    }),
  },
});

// ----------------------------------------------------------------------------------------------------------- random numbers

// The Mersenne Twister (Matsumoto and Nishimura, 1998), which PyTorch's CPU generator is.
class Twister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = seed;
    for (let k = 1; k < 624; k++) {
      const last = this.state[k - 1] ^ (this.state[k - 1] >>> 30);
      this.state[k] = Math.imul(last, 1812433253) + k;
    }
    this.place = 624;
  }
  next() {
    if (this.place === 624) this.twist();
    let y = this.state[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  twist() {
    const s = this.state;
    for (let k = 0; k < 624; k++) {
      const y = (s[k] & 0x80000000) | (s[(k + 1) % 624] & 0x7fffffff);
      s[k] = s[(k + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}
let generator = new Twister(0);

// -------------------------------------------------------------------------------------------------- torchvision's kernels

// Greedy NMS: indices of the boxes that are kept, best first.
function nms(boxes, scores, threshold) {
  const order = scores.order(true), kept = [], f = Math.fround, gone = new Uint8Array(order.length);
  const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => Float32Array.from(order, (i) => boxes.data[4 * i + side]));
  const area = Float32Array.from(order, (_, k) => f(right[k] - left[k]) * f(bottom[k] - top[k]));
  for (let i = 0; i < order.length; i++) {
    if (gone[i]) continue;
    kept.push(order[i]);
    for (let j = i + 1; j < order.length; j++) {
      if (gone[j]) continue;
      const wide = f(Math.min(right[i], right[j]) - Math.max(left[i], left[j])), high = f(Math.min(bottom[i], bottom[j]) - Math.max(top[i], top[j]));
      const shared = f(Math.max(0, wide) * Math.max(0, high));
      if (f(shared / f(f(area[i] + area[j]) - shared)) > threshold) gone[j] = 1;
    }
  }
  return Tensor.of(kept, "int64");
}

// The place of a region's map in the memory of all maps.
function firstMap(maps, rois, n) {
  const [, channels, height, width] = maps.shape;
  return inside(rois.data[5 * n], maps.shape[0]) * channels * height * width;
}

// The mean of bilinear samples in each bin (Mask R-CNN, section 3).
function roi_align(maps, rois, size, scale, ratio = -1, aligned = false) {
  const [rows, columns] = [size].flat().length === 2 ? size : [size, size], [, channels, height, width] = maps.shape;
  const made = Tensor.empty([rois.shape[0], channels, rows, columns]);
  for (let n = 0; n < rois.shape[0]; n++) {
    const first = firstMap(maps, rois, n), box = Array.from(rois.data.slice(5 * n + 1, 5 * n + 5), (side) => side * scale - (aligned ? 0.5 : 0));
    const sides = [2, 3].map((k) => (aligned ? box[k] - box[k - 2] : Math.max(box[k] - box[k - 2], 1)));
    const across = along(box[0], sides[0], columns, ratio, width), down = along(box[1], sides[1], rows, ratio, height);
    const cells = new Int32Array(across[0].cells.length * down[0].cells.length), weights = new Float64Array(cells.length); // that a bin reads
    for (let r = 0; r < rows; r++) for (let k = 0; k < columns; k++) {
      let number = 0;
      down[r].cells.forEach((y, i) => across[k].cells.forEach((x, j) => {
        cells[number] = y * width + x;
        weights[number++] = down[r].weights[i] * across[k].weights[j];
      }));
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0, map = first + c * height * width; i < number; i++) sum += weights[i] * maps.data[map + cells[i]];
        made.data[((n * channels + c) * rows + r) * columns + k] = sum;
      }
    }
  }
  return made;
}

// Of each bin along one axis: the cells that it reads, at most two for each point, and their weights, whose sum is 1 inside the map.
function along(start, length, bins, ratio, side) {
  const points = ratio > 0 ? ratio : Math.max(1, Math.ceil(length / bins));
  return Array.from({ length: bins }, (_, bin) => {
    const cells = new Int32Array(2 * points), weights = new Float64Array(2 * points); // a point outside the map reads nothing: cell 0, with weight 0
    for (let k = 0; k < points; k++) {
      const given = start + ((bin + (k + 0.5) / points) * length) / bins, at = Math.min(Math.max(given, 0), side - 1), before = Math.floor(at);
      if (given < -1 || given > side) continue;
      cells.set([before, Math.min(before + 1, side - 1)], 2 * k);
      weights.set([(1 - (at - before)) / points, (at - before) / points], 2 * k);
    }
    return { cells, weights };
  });
}

// The largest value in each bin of a box that is rounded to whole cells (Fast R-CNN, section 2.1).
function roi_pool(maps, rois, [rows, columns], scale) {
  const [, channels, height, width] = maps.shape, made = Tensor.empty([rois.shape[0], channels, rows, columns]);
  const away = (x) => Math.sign(x) * Math.round(Math.abs(x)); // halves away from zero, as in C
  for (let n = 0; n < rois.shape[0]; n++) {
    const [left, top, right, bottom] = Array.from(rois.data.slice(5 * n + 1, 5 * n + 5), (side) => away(Math.fround(side * Math.fround(scale))));
    const first = firstMap(maps, rois, n), sides = [Math.max(right - left + 1, 1), Math.max(bottom - top + 1, 1)];
    const ends = (k, first, side, bins, cells) => [Math.floor, Math.ceil].map((round, end) => Math.min(Math.max(round(Math.fround((k + end) * Math.fround(side / bins))) + first, 0), cells));
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < rows; r++) for (let k = 0; k < columns; k++) {
        const [y1, y2] = ends(r, top, sides[1], rows, height), [x1, x2] = ends(k, left, sides[0], columns, width);
        let most = y2 > y1 && x2 > x1 ? -Infinity : 0;
        for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) most = Math.max(most, maps.data[first + (c * height + y) * width + x]);
        made.data[((n * channels + c) * rows + r) * columns + k] = most;
      }
  }
  return made;
}

const torchvision_ops = {
  MultiScaleRoIAlign: null, nms,
  roi_align: withKeywords(["maps", "rois", "size", "scale", "ratio", "aligned"], roi_align),
};
const torchvision = { ops: { roi_pool, roi_align: torchvision_ops.roi_align, nms } };
const torchvision_models_detection_anchor_utils = { AnchorGenerator: null };
const matplotlib_colors = { to_rgb: (color) => $.pack(...[1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16) / 255)) };
