// Holds explorers in a page to what Python computed for the same hand (golden.py).

const NEAR = 1e-4; // of a number's size, or of 1
const NUMBER = /[-−+]?\d[\d,]*(?:\.\d+)?/g;

// Where two values differ, in words; null if they do not.
function difference(wanted, found, place = "") {
  if (typeof wanted === "number") return close(wanted, found) ? null : `${place}: ${wanted}, not ${found}`;
  if (typeof wanted === "string") return sameText(wanted, String(found)) ? null : `${place}: “${wanted}”, not “${found}”`;
  if (wanted === null || typeof wanted === "boolean") return wanted === (found ?? null) ? null : `${place}: ${wanted}, not ${found}`;
  if (wanted.numbers) return sampledDifference(wanted, found, place);
  if (Array.isArray(wanted)) {
    if (wanted.length !== found?.length) return `${place}: ${wanted.length} entries, not ${found?.length}`;
    return first(wanted.map((value, k) => [value, found[k], `${place}[${k}]`]));
  }
  const entries = Object.entries(wanted).filter(([name]) => name !== "kind" || found?.kind !== undefined);
  return first(entries.map(([name, value]) => [value, entryOf(wanted, found, name), `${place}.${name}`]));
}

function first(triples) {
  for (const [wanted, found, place] of triples) {
    const told = difference(wanted, found, place);
    if (told) return told;
  }
  return null;
}

// The scene of a page has names of its own for a few things.
function entryOf(layer, found, name) {
  if (name === "pixels" && found.picture) return found.picture;
  if (name === "shape" && typeof layer.shape === "string") return found.mark;
  if (name === "values" && Array.isArray(found.values)) return Object.fromEntries(found.values);
  return found?.[name];
}

function sampledDifference({ shape, every, numbers }, found, place) {
  if (found?.rgba) { // a picture, which a page has with a fourth byte for each pixel
    if (shape[0] !== found.height || shape[1] !== found.width) return `${place}: ${shape}, not ${found.height}×${found.width}`;
    const byte = (k) => found.rgba[4 * Math.floor(k / 3) + (k % 3)];
    const wrong = numbers.findIndex((value, k) => !(Math.abs(value - byte(k * every)) <= 1)); // a byte that is missing is wrong, too
    return wrong < 0 ? null : `${place}, byte ${wrong * every}: ${numbers[wrong]}, not ${byte(wrong * every)}`;
  }
  const length = shape.reduce((product, side) => product * side, 1);
  if (found?.length !== length) return `${place}: ${length} numbers, not ${found?.length}`;
  const wrong = numbers.findIndex((value, k) => !close(value, found[k * every]));
  return wrong < 0 ? null : `${place}, number ${wrong * every}: ${numbers[wrong]}, not ${found[wrong * every]}`;
}

// Two numbers, equal or finite and near each other; null and "" are no numbers.
const close = (a, b) => Object.is(a, b) || (Number.isFinite(b) && Math.abs(a - b) <= NEAR * Math.max(1, Math.abs(b)));

// The same words, and numbers with as many decimals that differ by no more than one in the last: their last bits are not the same everywhere.
function sameText(a, b) {
  if (a === b) return true;
  const [one, other] = [a, b].map((text) => text.match(NUMBER) ?? []);
  if (a.replace(NUMBER, "#") !== b.replace(NUMBER, "#") || one.length !== other.length) return false;
  return one.every((text, k) => {
    const [digits, others] = [text, other[k]].map((number) => (number.split(".")[1] ?? "").length);
    const read = (number) => Number(number.replace("−", "-").replaceAll(",", ""));
    return text === other[k] || (digits > 0 && digits === others && Math.abs(read(text) - read(other[k])) < 1.01 * 10 ** -digits);
  });
}

function perform(explorer, event) {
  if (event.kind === "set") explorer.set(event.changes);
  else if (event.kind === "drag") explorer.drag(event.name, event.box);
  else explorer.event(event);
}

// Plays what the hand did; {number, differences, milliseconds}.
async function compare(name, golden) {
  const explorer = await window.frcnn.start(name), differences = [], milliseconds = [];
  for (const [step, { event, ...wanted }] of golden.entries()) {
    const before = performance.now();
    perform(explorer, event);
    const found = { scene: explorer.scene(), problem: explorer.problem(), controls: explorer.controls() };
    milliseconds.push(performance.now() - before);
    const told = difference(wanted, found);
    if (told) differences.push(`${name}, step ${step}, ${JSON.stringify(event)}: ${told}`);
  }
  return { number: golden.length, differences, milliseconds };
}
window.compare = compare;
