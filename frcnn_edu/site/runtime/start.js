// How a page starts an explorer: it loads the data that are needed, each file once, and makes the explorer.

const frcnn = window.frcnn; // the page's loader
const unpacking = new Map(); // file → the promise that its data have been taken in
const here = new Set(); // files whose data have been taken in
const isHere = (file) => here.has(file);

// Called by each file's script.
frcnn.data = (name, content, memory) => {
  unpacking.set(name, frcnn.inflated(memory).then((bytes) => {
    receive(JSON.parse(content), bytes);
    here.add(name);
  }));
};

const load = (name) => frcnn.load(`data/${name}.js`).then(() => unpacking.get(name));

// The files of an explorer. Inside another one, it shows the course's own image.
const needed = (name, inside) => ["story", ...((inside ? filesInside : files)[name] ?? [])];

const subjectOf = (name) => (name === "any_box" ? photograph() : null);

async function start(name) {
  if (!explorers[name]) throw new Error(`there is no explorer ${name}`);
  await load("story"); // to whose objects the other files refer
  await Promise.all(needed(name).map(load));
  return new PageExplorer(name, explorers[name](subjectOf(name)));
}
frcnn.start = start;
