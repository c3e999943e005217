// One explorer in the page: its title, controls, board and what is below. It shows a recorded view until the engine has been started.

// What board.js reads, and where it reports what a hand does. In a notebook this is a widget's model, whose other end is in the kernel.
class Model {
  constructor(values, act) {
    this.values = { problem: "", alive: "", labels: known ?? {}, ...values };
    this.act = act;
    this.heard = {};
  }
  get(name) { return this.values[name]; }
  set(name, value) { this.act({ kind: name, ...value }); } // board.js sets nothing but "drag"
  save_changes() {}
  on(event, listener) { this.heard[event] = listener; }
  send(content) {
    if (content.kind === "hello") this.change({ alive: content.token }); // somebody is there: no note that the picture is still
    else this.act(content);
  }
  change(values) {
    Object.assign(this.values, values);
    for (const name of Object.keys(values)) this.heard[`change:${name}`]?.();
  }
}

const LOADING = word("Loading the explorer …");
const PATIENCE = 300; // milliseconds of loading before the page says so

class LiveExplorer {
  // `view`: {title, prompts, controls, scene, images}. `start` is called at the first touch; it returns a promise of the engine's explorer,
  // in its first view. `changed(this)` is called after each answer, also of the explorer below; `prompt` is the suggestion whose state it
  // is, or null.
  constructor(name, view, start, changed) {
    Object.assign(this, { name, changed, queue: [], explorer: null, drawing: false, stale: false, linked: false, broken: false, child: null, asked: null, version: 0, prompt: null });
    this.begin = start;
    this.title = view.title;
    this.element = tag("div", { className: "fe-explorer fe-live", role: "group", "aria-label": view.title });
    this.status = tag("span", { className: "fe-status", role: "status" });
    this.said = tag("p", { className: "fe-said", role: "status" });
    const controls = (this.controls = tag("div", { className: "fe-controls" })), board = tag("div");
    this.element.append(tag("div", { className: "fe-head" }, tag("span", { className: "fe-title" }, view.title), this.status), this.said, controls, board);
    this.showControls = makeControls(controls, view.controls, (field, value) => this.act({ kind: "set", field, value }));
    this.model = new Model({ scene: view.scene, images: view.images, prompts: view.prompts }, (act) => this.act(act));
    this.board = { element: board, remove: null };
    this.listen();
  }

  // Draws the board; the element has to be in the page, which has the width and the colours.
  show() { this.board.remove = board.render({ model: this.model, el: this.board.element }); }

  remove() {
    this.child?.remove();
    this.board.remove();
    this.element.remove();
  }

  // Remembers when the hand last did something, and lets a held key repeat only when the answer to its last press is seen.
  listen() {
    const remember = (event) => { this.latest = event.timeStamp; };
    for (const kind of ["pointermove", "click", "input", "change", "keydown"]) this.element.addEventListener(kind, remember, { capture: true });
    this.element.addEventListener("keydown", (event) => {
      if (event.repeat && (this.drawing || this.queue.length)) { event.preventDefault(); event.stopPropagation(); }
    }, { capture: true });
  }

  // What a hand did. Of several moves of one box or control that wait, the last counts.
  act(act) {
    const last = this.queue.at(-1);
    if (last && last.kind === act.kind && (act.kind === "drag" ? last.name === act.name : act.kind === "set" && last.field === act.field)) this.queue.pop();
    this.queue.push(act);
    this.since ??= this.latest ?? performance.now();
    this.schedule();
  }

  schedule() {
    if (!this.explorer) { this.start(); return; }
    if (this.drawing) return; // what has been answered last is not seen yet: the queue is answered after that
    this.drawing = true;
    const since = this.answer();
    requestAnimationFrame(() => {
      this.drawing = false;
      if (this.queue.length || this.stale) this.schedule();
      if (since !== null) setTimeout(() => this.tellTime(since)); // after this frame has been drawn
    });
  }

  tellTime(since) {
    document.dispatchEvent(new CustomEvent("frcnn:drawn", { detail: { name: this.name, milliseconds: performance.now() - since } }));
  }

  // Starts the engine. What is done meanwhile waits in the queue.
  start() {
    this.starting ??= this.startEngine();
    return this.starting;
  }

  async startEngine() {
    const patience = setTimeout(() => { this.status.textContent = LOADING; }, PATIENCE);
    try {
      this.explorer = await this.begin();
      this.explorer.onwait = () => { this.status.textContent = LOADING; };
      this.explorer.onchange = (error) => this.arrived(error);
      this.broken = this.controls.inert = false;
      this.schedule(); // also if nothing waits: the next answer is faster once all has run
    } catch (error) {
      this.starting = null; // the next touch tries again
      this.fail(word("This explorer could not be started: {1}.", error.message));
    } finally {
      clearTimeout(patience);
      this.status.textContent = "";
    }
  }

  // The explorer of a stage is there, or cannot be.
  arrived(error) {
    this.status.textContent = "";
    if (error) this.said.textContent = word("The explorer of this stage could not be loaded: {1}. Close it and open it again to try once more.", error.message);
    this.stale = true;
    this.schedule();
  }

  // Answers all that waits. It returns when the hand did the first of it, or null if it did nothing or cannot be answered.
  answer() {
    const acts = this.queue.splice(0), since = this.since;
    this.since = undefined;
    this.stale = false;
    if (this.broken) {
      if (acts.some((act) => ["reset", "prompt", "link"].includes(act.kind))) this.startAnew(acts);
      return null;
    }
    try {
      for (const act of acts) this.perform(act);
      this.draw();
    } catch (error) {
      console.error(error);
      const [what] = error.message.split("\n");
      this.fail(word("The explorer cannot show this: {1}. “Reset” leads back to the first view.", what));
      return null;
    }
    if (!acts.length) return null;
    this.changed(this);
    return since;
  }

  perform(act) {
    this.said.textContent = "";
    this.asked = null;
    this.linked = act.kind === "link";
    this.prompt = act.kind === "prompt" ? act.index : null;
    if (act.kind === "set") this.explorer.set({ [act.field]: act.value });
    else if (act.kind === "drag") this.explorer.drag(act.name, act.box);
    else if (act.kind === "link") this.follow(act.asked);
    else this.explorer.event(act);
  }

  // Brings the explorer into the state of a link, and says what in it was not possible. The explorer below may have to be loaded first.
  follow(asked) {
    this.explorer.event({ kind: "reset" });
    const { prompt, ignored } = applyFragment(this.explorer, sharedOut(asked).own);
    const { below, nowhere } = sharedOut(asked, this.explorer.below());
    this.asked = below;
    this.prompt = prompt;
    if (prompt !== null) this.model.change({ prompt });
    this.said.textContent = [...ignored, ...nowhere].length ? word("In the link, {1}", [...ignored, ...nowhere].join(" ")) : "";
  }

  draw() {
    this.model.change({ scene: { ...this.explorer.scene(), version: ++this.version }, problem: this.explorer.problem() });
    this.showControls(this.explorer.controls());
    this.showChild(this.explorer.child());
  }

  // The explorer that this one has opened below itself, or none, in the state that a link asked for.
  showChild(explorer) {
    if (explorer !== (this.child?.explorer ?? null)) this.replaceChild(explorer);
    if (!this.child || !this.asked) return;
    this.child.act({ kind: "link", asked: this.asked });
    this.asked = null;
  }

  // A hand that opened it sees it; a link leads to the one above it.
  replaceChild(explorer) {
    this.child?.remove();
    this.child = null;
    if (!explorer) return;
    const view = { title: explorer.title, prompts: explorer.prompts, controls: explorer.controls(), scene: { ...explorer.scene(), version: 0 } };
    this.child = new LiveExplorer(explorer.name, view, async () => explorer, () => this.changed(this));
    this.child.explorer = explorer;
    this.element.append(this.child.element);
    this.child.show();
    if (!this.linked) this.child.element.scrollIntoView({ block: "nearest" });
  }

  fail(words) {
    this.broken = this.controls.inert = true;
    this.model.change({ problem: words });
  }

  // After an error: nothing of the explorer that met it is used again.
  async startAnew(acts) {
    this.explorer = this.starting = null;
    this.queue.unshift(...acts);
    await this.start();
  }
}
