// The objects and tensors that Python computed and the page was given.

const objects = [], tensors = [], tables = new Map(); // tables: function → key → value

// The object of a number; one that has not arrived yet is empty until its file is there.
const objectOf = (number) => (objects[number] ??= {});

// A value as Python wrote it: plain, or a list whose first entry says what it is.
function unshipped(given) {
  if (!Array.isArray(given)) return given;
  const [sort, ...rest] = given;
  switch (sort) {
    case "tensor": return tensors[rest[0]];
    case "object": return objectOf(rest[0]);
    case "list": return rest.map(unshipped);
    case "tuple": return $.pack(...rest.map(unshipped));
    case "dict": return $.dict(rest.map(([key, value]) => [unshipped(key), unshipped(value)]));
  }
  throw new Error(`unknown kind of value ${sort}`);
}

// Takes in a file: {tensors: [[number, dtype, shape, offset]], objects: [[number, class, fields]], given: [[function, key, value]]}.
function receive(content, bytes) {
  for (const [number, dtype, shape, offset] of content.tensors) {
    const store = STORES[dtype];
    tensors[number] = new Tensor(new store(bytes.buffer, bytes.byteOffset + offset, count(shape)), shape, dtype);
  }
  for (const [number, name, fields] of content.objects) {
    const object = objectOf(number), prototype = classes[name]?.prototype;
    if (prototype) Object.setPrototypeOf(object, prototype);
    for (const [field, value] of Object.entries(fields)) object[field] = unshipped(value);
  }
  for (const [name, key, value] of content.given) {
    if (!tables.has(name)) tables.set(name, new Map());
    tables.get(name).set(keyOf(unshipped(key)), unshipped(value));
  }
}

// A function whose values Python computed. Its values are known by what `key` makes of its arguments.
$.given = (name, key) => Object.assign((...given) => {
  const value = tables.get(name)?.get(keyOf(key(...given)));
  if (value === undefined) throw $.error("LookupError", `${name}: not computed for ${$.repr(key(...given))}`);
  return value;
}, { parameters: [] });
