// Puts an explorer in the place of each still picture: the board when it comes near the view, the engine at the first touch.

const NEAR = "600px"; // how far outside of the view a still picture is replaced by a board
const TOUCHES = ["pointerenter", "pointerdown", "touchstart", "focusin"];
const PAUSE = 300; // milliseconds between two changes of the address: browsers allow few

const places = new Map(); // key, as in an address → Place

class Place {
  constructor(figure, key) {
    Object.assign(this, { figure, key, name: figure.dataset.explorer, coming: null });
    if (!figure.id && !document.getElementById(key)) figure.id = key; // what a link leads to
    for (const kind of TOUCHES) figure.addEventListener(kind, () => this.start(), { passive: true });
  }

  // The recorded first view instead of the still picture. Resolves to the explorer; to null if it cannot be shown: then the picture stays.
  show() {
    this.coming ??= this.replaceStill().catch((error) => {
      console.error(error);
      this.coming = null; // the next touch tries again
      this.figure.append(tag("p", { className: "fe-said", role: "status" }, word("This picture could not be made interactive: {1}.", error.message)));
      return null;
    });
    return this.coming;
  }

  async replaceStill() {
    this.figure.querySelector(":scope > .fe-said")?.remove();
    const view = await firstView(this.name);
    const live = new LiveExplorer(this.name, view, () => startEngine(this.name), (explorer) => this.played(explorer));
    live.element.append(this.below());
    for (const still of this.figure.querySelectorAll("img")) still.hidden = true;
    this.figure.prepend(live.element);
    this.figure.classList.add("fe-alive");
    live.show();
    return live;
  }

  async start() {
    const live = await this.show();
    await live?.start();
  }

  // The line below the board: a link to the present state, and how to get the explorer for one's own images.
  below() {
    const copy = tag("button", { type: "button", className: "fe-button fe-copy" }, word("Copy link"));
    const field = tag("input", { type: "text", readonly: "", "aria-label": word("link to this view"), className: "fe-link", hidden: "" });
    const done = tag("span", { role: "status", className: "fe-copied" });
    copy.addEventListener("click", async () => {
      const link = location.href.split("#")[0] + (this.fragment ?? `#${this.key}`);
      try {
        await navigator.clipboard.writeText(link);
        done.textContent = word("Copied");
        setTimeout(() => { done.textContent = ""; }, 2000);
      } catch { // not allowed here: the reader copies it
        field.hidden = false;
        field.value = link;
        field.select();
      }
    });
    const given = this.name === "any_box" ? "image=…" : "image=…, target=…"; // its objects are needed by all others
    const own = tag("details", { className: "fe-own" }, tag("summary", {}, word("On your own images")));
    own.append(tag("p", {}, word("Install the course, and run in a notebook: "), tag("code", {}, `from frcnn_edu.lessons import explore; explore.${this.name}(${given})`)));
    return tag("div", { className: "fe-below" }, copy, done, field, own);
  }

  // Keeps the state in the address while it is played with.
  played(live) {
    this.fragment = writeFragment(this.key, live);
    this.waiting ??= setTimeout(() => {
      this.waiting = undefined;
      history.replaceState(history.state, "", this.fragment);
    }, PAUSE);
  }

  // The reader has gone somewhere else: the address is theirs.
  leaveAddress() {
    clearTimeout(this.waiting);
    this.waiting = undefined;
  }

  // Into the state that a link asks for.
  async follow(asked) {
    const live = await this.show();
    this.figure.scrollIntoView({ block: "start" });
    if (live && [...asked].length) live.act({ kind: "link", asked });
    else await live?.start();
  }
}

async function startEngine(name) {
  await load("engine.js");
  return window.frcnn.start(name);
}

function followAddress() {
  const { key, asked } = readFragment(location.hash);
  places.get(key)?.follow(asked);
}

function findPlaces() {
  const counts = {};
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      [...places.values()].find((place) => place.figure === target).show();
    }
  }, { rootMargin: NEAR });
  for (const figure of document.querySelectorAll("figure.fe-place[data-explorer]")) {
    const name = figure.dataset.explorer, count = (counts[name] = (counts[name] ?? 0) + 1);
    const key = count === 1 ? name : `${name}-${count}`;
    places.set(key, new Place(figure, key));
    near.observe(figure);
  }
  window.addEventListener("hashchange", () => {
    for (const place of places.values()) place.leaveAddress();
    followAddress();
  });
  followAddress();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", findPlaces);
else findPlaces();
