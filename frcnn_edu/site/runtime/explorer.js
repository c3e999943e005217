// The explorers as a page calls them: what a hand does goes in, a scene and the controls come out.

// In place of the widget that shows a scene in a notebook.
const PageBoard = Object.assign((scene, prompts, onDrag, onEvent) => ({
  scene, prompts, onDrag, onEvent, problem: "", show(next) { this.scene = next; return null; },
}), { parameters: ["scene", "prompts", "on_drag", "on_event"] });

class PageExplorer {
  // The explorer of a stage may have to be loaded: `onwait` is called when this begins, `onchange` when it is there, or with an error if
  // it cannot be shown.
  constructor(name, translated) {
    Object.assign(this, { name, translated, onwait: null, onchange: null });
    this.children = new Map();
    if (translated._show_stage) this.loadBeforeShown();
  }
  // The explorer of a stage is shown when its files are there.
  loadBeforeShown() {
    const show = this.translated._show_stage;
    this.translated._show_stage = function () {
      const missing = this.state.stage ? needed(this.state.stage, true).filter((file) => !isHere(file)) : [];
      if (!missing.length) return show.call(this);
      wait();
      Promise.all(missing.map(load)).then(() => { show.call(this); shown(); }).catch(shown);
      return null;
    };
    const wait = () => this.onwait?.(), shown = (error) => this.onchange?.(error);
  }
  get title() { return inPageLanguage(this.translated.title); }
  // The fields of the state that are whole numbers.
  get whole() { return whole[this.name]; }
  get prompts() { return this.translated.prompts.map(([prompt]) => inPageLanguage(prompt)); }
  controls() {
    return this.translated.controls.items().map(([field, { kind, description, value, options, min, max, step, digits }]) => ({
      field, label: description, value, kind, ...(options ? { options } : {}), ...(min === undefined ? {} : { min, max, step, digits }),
    }));
  }
  state() { return plain(this.translated.state); }
  // The state of the first view.
  first() { return plain(this.translated.first); }
  set(changes) {
    const tuples = Object.entries(changes).map(([field, value]) => [field, Array.isArray(value) ? $.pack(...value) : value]);
    this.translated.set($.dict(tuples));
  }
  drag(name, box) { this.translated.board.onDrag(name, box); }
  event(content) { this.translated.board.onEvent($.dict(Object.entries(content))); }
  problem() { return this.translated.board.problem; }
  scene() { return drawn(this.translated.board.scene); }
  // The name of the explorer that is open below this one, or is being loaded; "" if there is none.
  below() { return this.translated._show_stage ? this.translated.state.stage : ""; }
  // The explorer that is open below this one.
  child() {
    const { opened, widget, state } = this.translated, below = widget.children[3];
    if (!below || !opened) return null;
    const translated = opened.values().find((one) => one.widget === below);
    if (!this.children.has(translated)) this.children.set(translated, new PageExplorer(state.stage, translated));
    return this.children.get(translated);
  }
}

// ------------------------------------------------------------------------------- a scene as the board draws it (board.js)

const pictures = new WeakMap(); // pixels → a picture: most of them occur again
const floats = (tensor) => (tensor.dtype === "float32" ? tensor.data : new Float32Array(tensor.data));

function picture(layer) {
  const key = layer.pixels;
  if (!pictures.has(key)) {
    const [height, width] = key.shape, rgba = new Uint8ClampedArray(4 * height * width).fill(255);
    for (let k = 0, from = 0; k < rgba.length; k += 4, from += 3) for (let c = 0; c < 3; c++) rgba[k + c] = key.data[from + c];
    pictures.set(key, { width, height, rgba });
  }
  return pictures.get(key);
}

function drawnLayer(layer) {
  const made = { ...layer, kind: layer.constructor.about.name };
  if (made.pixels) made.picture = picture(layer);
  delete made.pixels;
  if (made.boxes) made.boxes = floats(made.boxes);
  if (made.points) {
    if (made.shape) made.mark = made.shape;
    made.shape = [...made.points.shape];
    made.points = floats(made.points);
  }
  if (made.ids) made.ids = new Int32Array(made.ids.data);
  if (made.values) made.values = made.values.items().map(([name, column]) => [name, floats(column)]);
  if (made.texts) made.texts = [...made.texts];
  return made;
}

const plain = (object) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]));

function drawn(scene) {
  const panels = $.iterable(scene.panels).map((panel) => ({
    ...plain(panel), layers: $.iterable(panel.layers).map(drawnLayer), x_axis: panel.x_axis && plain(panel.x_axis), y_axis: panel.y_axis && plain(panel.y_axis),
  }));
  const handles = $.iterable(scene.handles).map((handle) => ({ ...plain(handle), box: [...handle.box.data] }));
  return { height: scene.height, panels, handles, formula: $.iterable(scene.formula).map(formulaHtml), words: formulaHtml(scene.words) };
}
