// Scripts and recorded first views, loaded when they are needed: from this page, if they are embedded in it; otherwise from beside this
// script. Script tags also work where a page is opened from the disk.

const HERE = document.currentScript.src || document.baseURI; // of an embedded script: the page's address

const loads = new Map(); // file → promise
const records = new Map(); // explorer → what `frcnn.first` was given

// Runs a script, once. `file` is relative to this script.
function load(file) {
  if (!loads.has(file)) loads.set(file, new Promise((resolve, reject) => {
    const script = document.createElement("script"), embedded = document.querySelector(`script[data-file="${file}"]`);
    if (embedded) {
      script.textContent = embedded.textContent;
      document.head.append(script); // which runs it
      resolve();
      return;
    }
    script.src = new URL(file, HERE).href;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => {
      loads.delete(file); // so that it can be tried again
      script.remove();
      reject(new Error(`the file ${file} could not be loaded`));
    });
    document.head.append(script);
  }));
  return loads.get(file);
}

// The recorded first view of an explorer: {title, prompts, controls, scene, images}, as board.js takes them.
async function firstView(name) {
  if (!inEnglish) await load(`${language}/words.js`);
  await load(`${inEnglish ? "" : `${language}/`}first/${name}.js`);
  const { scene, images, ...rest } = records.get(name);
  const [seen, kept] = await Promise.all([inflated(scene.data), inflated(images.data)]);
  return { ...rest, scene: { ...scene.json, version: 0, data: seen }, images: { places: images.json, data: kept } };
}

// Bytes from their zlib-compressed form in base64.
async function inflated(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// What the loaded files use: a recorded view calls `first`; the engine uses the others and adds `start` and `data`.
window.frcnn = { load, inflated, words, known: (catalogue) => { known = catalogue; }, first: (name, record) => { records.set(name, record); } };
