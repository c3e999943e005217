// How a page starts an explorer: it loads the files that are needed, each once, and makes the explorer.

const frcnn = (globalThis.frcnn ??= {});
const address = globalThis.document?.currentScript?.src ?? "";
const loading = new Map(); // file → the promise that it is there
const arrived = new Map(); // file → what to call when its script has run
const here = new Set(); // files whose data has been taken in
const isHere = (file) => here.has(file);

async function inflated(base64) {
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Called by each file's script.
frcnn.data = (name, content, memory) => inflated(memory).then((bytes) => {
  receive(JSON.parse(content), bytes);
  here.add(name);
  arrived.get(name)?.();
});

function load(name) {
  if (!loading.has(name))
    loading.set(name, new Promise((resolve, reject) => {
      arrived.set(name, resolve);
      const script = document.createElement("script");
      script.src = new URL(`data/${name}.js`, address).href;
      script.onerror = () => { loading.delete(name); reject(new Error(`${script.src} cannot be loaded`)); };
      document.head.append(script);
    }));
  return loading.get(name);
}

// The files of an explorer. Inside another one, it shows the course's own image.
const needed = (name, inside) => ["story", ...(inside && name === "any_box" ? ["heads"] : files[name] ?? [])];

const subjectOf = (name) => (name === "any_box" ? photograph() : null);

async function start(name) {
  if (!explorers[name]) throw new Error(`there is no explorer ${name}`);
  await load("story"); // to whose objects the other files refer
  await Promise.all(needed(name).map(load));
  return new PageExplorer(name, explorers[name](subjectOf(name)));
}
Object.assign(frcnn, { start, files: needed, load });
