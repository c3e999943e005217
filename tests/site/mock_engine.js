// A stand-in for the engine, for tests of the page: it shows recorded scenes, moves boxes, and says the state in words.
"use strict";
(() => {
  const recorded = {}; // explorer → its views: the first, and one for each suggestion
  const copy = (value) => structuredClone(value);

  async function inflated(text) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  }

  // As an engine gives it: with arrays, not with places in memory.
  async function plain({ scene, images }) {
    const data = await inflated(scene.data), kept = await inflated(images.data);
    const floats = ([start, length]) => new Float32Array(data, start, length);
    const colours = (memory, [start, height, width]) => {
      return { picture: { rgba: new Uint8ClampedArray(memory, start, 4 * height * width), width, height } };
    };
    const layer = (given) => {
      const made = { ...given };
      if (given.kind === "Picture") Object.assign(made, given.name ? colours(kept, images.json[given.name]) : colours(data, given.pixels));
      if (given.boxes) made.boxes = floats(given.boxes);
      if (given.points) made.points = floats(given.points);
      if (given.ids) made.ids = new Int32Array(data, ...given.ids);
      if (given.values) made.values = Object.entries(given.values).map(([name, place]) => [name, floats(place)]);
      return made;
    };
    return { ...scene.json, panels: scene.json.panels.map((panel) => ({ ...panel, layers: panel.layers.map(layer) })) };
  }

  class Mock {
    constructor(name, views, scenes, opened) {
      Object.assign(this, { name, views, scenes, opened, title: views[0].title, prompts: views[0].prompts });
      this.turnTo(0);
    }
    turnTo(place) { this.place = place; this.now = copy(this.views[place].state); this.words = this.views[place].problem; }
    controls() { return this.views[this.place].controls.map((control) => ({ ...control, value: this.now[control.field] })); }
    state() { return copy(this.now); }
    first() { return copy(this.views[0].state); }
    problem() { return this.words; }
    below() { return this.child()?.name ?? ""; }
    child() { return this.opened[this.now.stage] ?? null; }
    set(changes) {
      window.mock.sets++;
      if (window.mock.fault) throw new Error(window.mock.fault);
      Object.assign(this.now, copy(changes));
      const [left, top, right, bottom] = this.now.box ?? [0, 0, 1, 1];
      this.words = right > left && bottom > top ? "" : "A box without an area: make it larger.";
    }
    drag(name, box) { this.set({ [name]: box }); }
    event(act) {
      window.mock.events.push(act);
      if (act.kind === "reset") this.turnTo(0);
      else if (act.kind === "prompt") this.turnTo(act.index + 1);
    }
    scene() {
      const scene = this.scenes[this.place], of = this.views[this.place].state;
      const handles = scene.handles.map((handle) => ({ ...handle, box: this.now[handle.name] ?? handle.box }));
      const same = JSON.stringify(of) === JSON.stringify(this.now);
      return { ...scene, handles, words: same ? scene.words : JSON.stringify(this.now, null, 1).replaceAll("<", "&lt;") };
    }
  }

  // What tests read and set: starts and sets so far, events; an error to raise, a delay in milliseconds, explorers that a stage opens.
  window.mock = { starts: 0, sets: 0, events: [], fault: "", delay: 0, opens: {}, ...window.mock };

  const here = document.currentScript.src;
  async function made(name, opened) {
    const script = document.createElement("script");
    script.src = new URL(`data/${name}.js`, here);
    await new Promise((loaded) => { script.onload = loaded; document.head.append(script); });
    return new Mock(name, recorded[name], await Promise.all(recorded[name].map(plain)), opened);
  }

  frcnn.mock = (name, views) => { recorded[name] = views; };
  frcnn.start = async (name) => {
    window.mock.starts++;
    await new Promise((resolve) => setTimeout(resolve, window.mock.delay));
    const opened = {};
    for (const [stage, other] of Object.entries(window.mock.opens)) opened[stage] = await made(other, {});
    return made(name, opened);
  };
})();
