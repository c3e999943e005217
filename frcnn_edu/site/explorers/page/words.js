// The words of the explorers in the language of the page: as frcnn_edu/words.py has them, which explains the rules.

// The words of this page's scripts; where the page has none, as in English, they stay as they are.
const word = (english, ...values) => {
  const text = (typeof WORDS === "object" && WORDS[english]) || english;
  return text.replace(/\{(\d)\}/g, (_, number) => values[number - 1]);
};

const CLASSES = "circle|cross|star|triangle|square|coin";
const CLASS = `(?:${CLASSES})\\b(?! entropy| roots?\\b| pixels?\\b)`;
const SLOT = new RegExp(
  `\\b(?:our|your) (?:object\\b|${CLASS})|\\bobject \\d+, an? ${CLASS}|\\b${CLASS}` +
    "|(?:(?<![\\p{L}\\p{N}_)\\]])[−+])?\\d+(?:,\\d{3})*(?:\\.\\d+)?(?:·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?:(?:st|nd|rd|th)\\b)?",
  "gu",
);
const PART = new RegExp(`\\d+|\\b${CLASS}`, "g"); // of a name
const PLACE = /\{(\d+)\}/g;
const BETWEEN = [/((?<=[.?!])\s+)/, /(\n+|\s{2,})/, /((?<=[:;])\s+)/, /( · | → |\s*[()]\s*)/, /((?<=,)\s+)/];
const WIDE = /[，。；：！？）]$/;

let known = null; // English → the language of the page
const language = document.documentElement.lang.slice(0, 2);
const inEnglish = ["", "en"].includes(language);

const hasWords = (pattern) => {
  const rest = pattern.replace(PLACE, "");
  return /[A-Za-z]{2}/.test(rest) && !/^[^\p{L}\p{N}_]*[\p{L}\p{N}_]+[_./]\S*[^\p{L}\p{N}_]*$/u.test(rest);
};
const fill = (pattern, values) => pattern.replace(PLACE, (_, place) => values[place - 1]);

// "our cross", "object 3, a star", "33rd".
function nameOf(slot) {
  if (known[slot] !== undefined) return known[slot];
  if (!/^\p{L}/u.test(slot)) return slot.replace(/(?:st|nd|rd|th)$/, "");
  const values = [];
  const pattern = slot.replace(PART, (part) => `{${values.push(part)}}`);
  return known[pattern] === undefined ? slot : fill(known[pattern], values.map(nameOf));
}

function filled(text) {
  const slots = [];
  const pattern = text.replace(SLOT, (slot) => `{${slots.push(slot)}}`);
  if (known[pattern] === undefined && hasWords(pattern)) return null;
  if (slots.length === 1 && slots[0] === text) return known[text] ?? nameOf(text);
  return fill(known[pattern] ?? pattern, slots.map(nameOf));
}

function divided(text, level) {
  const core = text.trim(), start = text.slice(0, text.length - text.trimStart().length);
  const whole = filled(core);
  const end = text.slice(start.length + core.length);
  if (whole !== null) return start + whole + (WIDE.test(whole) && end === " " ? "" : end);
  if (level === BETWEEN.length) return text;
  const done = text.split(BETWEEN[level]).map((part, i) => (i % 2 ? part : divided(part, level + 1)));
  for (let i = 1; i < done.length; i += 2) if (done[i] === " " && WIDE.test(done[i - 1])) done[i] = "";
  return done.join("");
}

// A text that is about to be shown, in the language of the page.
const words = (text) => (known && text ? divided(text, 0) : text);
