// In place of ipywidgets: controls that only hold what a page needs in order to show them.

class Control {
  constructor(kind, settings) { Object.assign(this, { kind }, settings); }
  observe() {} // the page itself says what the reader did
  hold_sync() {}
  send_state() {}
  add_class() {}
}

const pairs = (options) => $.iterable(options).map((option) => (Array.isArray(option) ? [...option] : [$.format(option), option]));
const control = (kind, names, always = {}) => Object.assign((...given) => {
  const named = given.at(-1)?.constructor === Object ? given.pop() : {};
  given.forEach((value, k) => { named[names[k]] = value; });
  if (named.options) named.options = pairs(named.options);
  return new Control(kind, { ...always, ...named });
}, { takesKeywords: true });

const SLIDER = ["value", "min", "max"];
const ipywidgets = {
  IntSlider: control("slider", SLIDER, { step: 1, digits: 0 }),
  FloatSlider: control("slider", SLIDER, { step: 0.1, digits: 2 }),
  SelectionSlider: control("slider", []),
  Dropdown: control("select", []),
  ToggleButtons: control("toggle", []),
  Checkbox: control("checkbox", ["value"]),
  Layout: control("layout", []),
  HTML: control("text", ["value"]),
  Box: control("box", ["children"]),
  VBox: control("box", ["children"]),
};

// A text, and a control with its words, in the language of the page.
const inPageLanguage = (text) => window.frcnn.words(text);
const labelled = (control) => {
  control.description = inPageLanguage(control.description);
  if (control.options) control.options = control.options.map(([label, value]) => [inPageLanguage(label), value]);
  return control;
};
