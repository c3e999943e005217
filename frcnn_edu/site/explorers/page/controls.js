// The controls of an explorer as native inputs. A control is described by {field, kind, label, value, …}:
//   kind "slider": with min, max, step and digits, or with options: [[label, value], …], one for each place;
//   kinds "select" and "toggle": with options; kind "checkbox".

let serial = 0; // of inputs: their ids

function tag(name, properties = {}, ...children) {
  const { className, ...attributes } = properties, made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const identity = (control) => `fe-${++serial}-${control.field}`;
const placeOf = (control, value) => control.options.findIndex(([, other]) => other === value);

// Each maker returns {whole: an element, show(control): puts a value, bounds and options into it}.

// A finger that scrolls the page may begin on a slider, which has moved by then: it goes back.
function undoScroll(slider) {
  let before = slider.value;
  slider.addEventListener("pointerdown", () => { before = slider.value; });
  slider.addEventListener("pointercancel", () => {
    if (slider.value === before) return;
    slider.value = before;
    slider.dispatchEvent(new Event("input"));
  });
  return slider;
}

function makeNumbers(control, change) {
  const id = identity(control);
  const slider = undoScroll(tag("input", { type: "range", id }));
  const number = tag("input", { type: "number", "aria-label": word("{1}, number", control.label) });
  let now = control;
  const written = (value) => value.toFixed(now.digits);
  slider.addEventListener("input", () => {
    number.value = written(slider.valueAsNumber);
    change(control.field, slider.valueAsNumber);
  });
  number.addEventListener("change", () => {
    const asked = number.valueAsNumber;
    if (Number.isNaN(asked)) { number.value = written(now.value); return; }
    const value = Number(written(Math.min(Math.max(asked, now.min), now.max))); // as it is shown
    slider.value = value;
    number.value = written(value);
    change(control.field, value);
  });
  const show = (next) => {
    now = next;
    const wide = Math.max(written(next.min).length, written(next.max).length);
    for (const input of [slider, number]) { input.min = next.min; input.max = next.max; input.step = next.step; }
    number.step = 10 ** -next.digits; // any number that can be written is legal
    number.style.setProperty("--digits", wide);
    slider.value = next.value;
    number.value = written(next.value);
  };
  return { whole: tag("div", { className: "fe-control fe-slider" }, tag("label", { for: id }, control.label), slider, number), show };
}

function makeChosenPlace(control, change) {
  const id = identity(control), slider = undoScroll(tag("input", { type: "range", id, min: 0, step: 1 })), said = tag("output", { for: id });
  let now = control;
  const say = () => {
    said.textContent = now.options[slider.valueAsNumber][0];
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", () => { say(); change(control.field, now.options[slider.valueAsNumber][1]); });
  const show = (next) => {
    now = next;
    slider.max = next.options.length - 1;
    slider.value = placeOf(next, next.value);
    say();
  };
  return { whole: tag("div", { className: "fe-control fe-slider" }, tag("label", { for: id }, control.label), slider, said), show };
}

function makeSelect(control, change) {
  const id = identity(control), select = tag("select", { id });
  let now = { options: [] };
  select.addEventListener("change", () => change(control.field, now.options[select.selectedIndex][1]));
  const show = (next) => {
    if (JSON.stringify(now.options) !== JSON.stringify(next.options)) {
      select.replaceChildren(...next.options.map(([label]) => tag("option", {}, label)));
    }
    now = next;
    select.selectedIndex = placeOf(next, next.value);
  };
  return { whole: tag("div", { className: "fe-control" }, tag("label", { for: id }, control.label), select), show };
}

function makeToggle(control, change) {
  const id = identity(control);
  const buttons = control.options.map(([label, value]) => {
    const radio = tag("input", { type: "radio", name: id });
    radio.addEventListener("change", () => change(control.field, value));
    return [radio, tag("label", {}, radio, tag("span", {}, label))];
  });
  const whole = tag(
    "div", { className: "fe-control", role: "radiogroup", "aria-labelledby": id },
    tag("span", { className: "fe-control-label", id }, control.label), tag("div", { className: "fe-toggles" }, ...buttons.map(([, label]) => label)),
  );
  const show = (next) => buttons.forEach(([radio], place) => { radio.checked = place === placeOf(next, next.value); });
  return { whole, show };
}

function makeCheckbox(control, change) {
  const box = tag("input", { type: "checkbox" });
  box.addEventListener("change", () => change(control.field, box.checked));
  return { whole: tag("label", { className: "fe-control fe-check" }, box, control.label), show: (next) => { box.checked = next.value; } };
}

const MAKERS = { slider: makeNumbers, select: makeSelect, toggle: makeToggle, checkbox: makeCheckbox };

// Puts the controls into `parent`; `change(field, value)` is called when a hand changes one. Returns a function that shows their new state.
function makeControls(parent, controls, change) {
  const made = new Map();
  for (const control of controls) {
    const maker = control.kind === "slider" && control.options ? makeChosenPlace : MAKERS[control.kind];
    const one = maker(control, change);
    made.set(control.field, one);
    parent.append(one.whole);
  }
  const show = (all) => { for (const control of all) made.get(control.field).show(control); };
  show(controls);
  return show;
}
