// The state of an explorer in the address of the page: `#level_mapper?prompt=2`, `#level_mapper?box=10,20,233,243&size=800`.
// Only what differs from the first view is written. `prompt` counts from 1, as the page does. What belongs to the explorer that is open
// below has its name in front: `#whole_path?stage=level_mapper&level_mapper.prompt=2`.

// {key, asked: URLSearchParams} of an address's fragment.
function readFragment(hash) {
  const [key, ...rest] = hash.replace(/^#/, "").split("?");
  return { key, asked: new URLSearchParams(rest.join("?")) };
}

// Of a LiveExplorer.
function writeFragment(key, live) {
  const parts = partsOf(live);
  if (live.child) parts.push(...partsOf(live.child).map((part) => `${live.child.name}.${part}`));
  return `#${key}${parts.length ? "?" : ""}${parts.join("&")}`;
}

function partsOf({ explorer, prompt }) {
  if (prompt !== null) return [`prompt=${prompt + 1}`];
  const first = explorer.first();
  const changed = Object.entries(explorer.state()).filter(([field, value]) => written(value) !== written(first[field]));
  return changed.map(([field, value]) => `${field}=${written(value)}`);
}

// What an address asks of the explorer itself; and of the one with this name below it, or of one that is not there.
function sharedOut(asked, name) {
  const own = new URLSearchParams(), below = new URLSearchParams(), nowhere = [];
  for (const [field, value] of asked) {
    if (!field.includes(".")) own.append(field, value);
    else if (field.startsWith(`${name}.`)) below.append(field.slice(name.length + 1), value);
    else nowhere.push(word("{1} is ignored: this explorer is not open.", `${field}=${value}`));
  }
  return { own, below, nowhere };
}

// A value as an address has it, readable. Six digits after the point are more than a picture shows.
function written(value) {
  if (Array.isArray(value)) return value.map(written).join(",");
  if (typeof value === "number") return String(Number(value.toFixed(6)));
  return encodeURIComponent(String(value)).replaceAll("%20", "+");
}

// A value of the type that `like` has, from its text; undefined if the text is no such value.
function valueLike(like, text) {
  if (Array.isArray(like)) {
    const values = text.split(",").map((part) => valueLike(0, part));
    return values.length === like.length && !values.includes(undefined) ? values : undefined;
  }
  if (typeof like === "boolean") return { true: true, false: false }[text];
  if (typeof like === "number") return /^[-+]?\d*\.?\d+(e[-+]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
  return text;
}

// Why a value is refused, in words that continue “size=3 is ignored: ”; null if it is legal in the present state.
function refusal(explorer, field, value) {
  if (explorer.whole?.includes(field) && !Number.isInteger(value)) return word("it has to be a whole number");
  const control = explorer.controls().find((one) => one.field === field);
  if (control?.options) return placeOf(control, value) < 0 ? word("it has to be one of {1}", control.options.map(([, one]) => one).join(", ")) : null;
  if (control?.kind === "slider") {
    if (value < control.min || value > control.max) return word("it has to be between {1} and {2}", control.min, control.max);
    return null;
  }
  const handle = explorer.scene().handles.find((one) => one.name === field);
  return handle ? refusedBox(handle.limits ?? explorer.scene().panels.find((one) => one.name === handle.panel).view, value) : null;
}

function refusedBox(limits, [x1, y1, x2, y2]) {
  const [left, top, right, bottom] = limits;
  const inside = x1 >= left && y1 >= top && x2 <= right && y2 <= bottom && x1 <= x2 && y1 <= y2;
  return inside ? null : word("it has to be a box within {1}, from its upper left to its lower right corner", limits.join(","));
}

// Brings an explorer that is in its first view into the state that an address asks for. Returns {prompt, ignored: [sentences]}.
function applyFragment(explorer, asked) {
  const ignored = [], ignore = (field, why) => ignored.push(word("{1} is ignored: {2}.", `${field}=${asked.get(field)}`, why));
  let prompt = null;
  if (asked.has("prompt")) {
    const place = valueLike(0, asked.get("prompt")) - 1, last = explorer.prompts.length;
    if (explorer.prompts[place] === undefined) ignore("prompt", word("the suggestions have the numbers 1 to {1}", last));
    else explorer.event({ kind: "prompt", index: (prompt = place) });
  }
  const changes = askedChanges(explorer.state(), asked, ignore);
  if (changes.size) prompt = null;
  setInRounds(explorer, changes, ignore);
  return { prompt, ignored };
}

function askedChanges(state, asked, ignore) {
  const changes = new Map();
  for (const field of new Set(asked.keys())) {
    if (field === "prompt") continue;
    const value = Object.hasOwn(state, field) ? valueLike(state[field], asked.get(field)) : undefined;
    if (!Object.hasOwn(state, field)) ignore(field, word("this explorer has no such value"));
    else if (value === undefined) ignore(field, word("it cannot be read as a value"));
    else changes.set(field, value);
  }
  return changes;
}

// Sets values. False if the explorer cannot show them; it is then as before.
function tried(explorer, values) {
  const before = explorer.state();
  try {
    explorer.set({ ...before, ...Object.fromEntries(values) });
    explorer.scene();
    return true;
  } catch {
    explorer.set(before);
    return false;
  }
}

// A value can widen the bounds of another: what is legal now is set, then what has become legal by that, and so on.
// The whole state is given each time, so that no other field follows a change.
function setInRounds(explorer, changes, ignore) {
  const missing = new Map(changes);
  while (missing.size) {
    const legal = [...missing].filter(([field, value]) => refusal(explorer, field, value) === null);
    if (!legal.length) break;
    for (const [field] of legal) missing.delete(field);
    if (tried(explorer, legal)) continue;
    for (const one of legal) if (!tried(explorer, [one])) ignore(one[0], word("the explorer cannot show it"));
  }
  for (const [field, value] of missing) ignore(field, refusal(explorer, field, value));
}
