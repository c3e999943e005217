/* What a word of a query stands for on the pages: its forms, other spellings and abbreviations. PAGES holds the words of all
   pages, section by section; the stemmer and the stop words are Sphinx's. */
"use strict";

const HAN = "\\p{Script=Han}"; // Chinese characters, between whose words there are no spaces
const LETTERS = `(?:(?!${HAN})[\\p{L}\\p{N}])`;
const BETWEEN = "[^\\p{L}\\p{N}\\n]"; // between two words of a line
const wordsOf = (text) => (text.match(new RegExp(`${LETTERS}+|${HAN}+`, "gu")) || []).flatMap((word) => (isHan(word) ? cut(word) : word)).filter(Boolean);
const isHan = (word) => new RegExp(`^${HAN}`, "u").test(word);
const wholeWord = (pattern, flags) => new RegExp(`(?<!${LETTERS})(?:${pattern})(?!${LETTERS})`, `gu${flags}`);
const stemmer = new Stemmer();

/* The other languages' words for a term of the glossary, whose rows are pairs such as "anchor" and "锚框 · …". */
const TERMS = PAGES.filter(({ file }) => file === "docs/glossary.html").flatMap(({ sections }) =>
  sections.map(([, term, words]) => [term.toLowerCase().split(/,\s*/), words.split(" · ")[0].split(/[,、（）]\s*/).filter((one) => /^\p{Script=Han}{2,9}$/u.test(one))]),
);
const translations = (word) => TERMS.flatMap(([english, chinese]) => (english.includes(word) ? chinese : chinese.includes(word) ? english : []));

/* Chinese characters in words: terms of the glossary, and what is between them as the browser's dictionary has it. Where the dictionary
   cuts a word that it does not know into characters, these are joined. */
const ASKS_HAN = new Set("的 了 吗 呢 是 在 和 与 或 有 把 被 用 对 为 从 到 我 你 它 这 那 个 能 会 要 请 问 哪 几 怎么 怎样 如何 什么 为什么 为何 可以 应该 需要 哪个 哪些 多少 一个 意思".split(" "));
const segmenter = globalThis.Intl?.Segmenter && new Intl.Segmenter("zh", { granularity: "word" });
const longest = TERMS.flatMap(([, chinese]) => chinese).sort((one, other) => other.length - one.length);
const cut = (characters) =>
  characters.split(new RegExp(`(${longest.join("|")})`)).flatMap((part, i) => (i % 2 ? part : part && cutUnknown(part)));
const cutUnknown = (characters) => {
  if (!segmenter) return [characters];
  const parts = [];
  let open = false; // whether the last part is one of single characters
  for (const { segment } of segmenter.segment(characters)) {
    const single = segment.length === 1 && !ASKS_HAN.has(segment);
    if (single && open) parts[parts.length - 1] += segment;
    else parts.push(segment);
    open = single;
  }
  return parts;
};

/* How often each word, in lower case, is on all pages; and pairs of neighbours, such as "data set", by the word that they make up. */
const known = new Map();
const pairs = new Map();
const texts = PAGES.flatMap((page) => page.sections.flatMap((section) => section.slice(1)));
texts.forEach((text) => {
  let before = "";
  for (const [word] of text.toLowerCase().matchAll(new RegExp(`${LETTERS}+|${BETWEEN}{2,}|\n`, "gu"))) {
    const isWord = /[\p{L}\p{N}]/u.test(word);
    if (isWord) known.set(word, (known.get(word) || 0) + 1);
    if (isWord && before.length > 2 && word.length > 2) pairs.set(before + word, `${before}${BETWEEN}${word}`);
    before = isWord ? word : "";
  }
});

/* The course's spelling of a word: normalize → normalise. Where such a word is not on any page, the word stays as it is. */
const british = (word) => {
  const other = word
    .replace(/or(?=s?$|ed$|ing$|ful$)/, "our")
    .replace(/ter(s?)$/, "tre$1")
    .replace(/ter(ed|ing)$/, "tr$1")
    .replace(/l(ed|ing|er)$/, "ll$1")
    .replace(/([iy])z(?=e|i|a)/, "$1s")
    .replace("gray", "grey");
  return known.has(other) ? other : word;
};

const SAME = new Map([["mAP", "AP"]]); // what the course calls it

/* Words that mean the same: abbreviations in names and what they stand for, and pairs of which readers know either one. */
const ALIKE = [
  ["num", "number"], ["max", "maximum", "maximal"], ["min", "minimum", "minimal"], ["thresh", "threshold"], ["img", "image"],
  ["norm", "normalisation"], ["log", "logarithm"], ["std", "deviation"], ["iou", "intersection"], ["reg", "regression"],
  ["start", "begin"], ["several", "multiple"], ["custom", "own"], ["photograph", "photo"],
  ["resume", "continue"], ["pathway", "path"],
];

/* The words on the pages that a word stands for: its forms, or else longer words that begin with it or contain it. */
const formsOf = (word) => {
  const stem = stemmer.stemWord(british(word));
  const ways = [
    (one) => one === word || (one[0] === word[0] && stemmer.stemWord(one) === stem),
    (one) => one.startsWith(word),
    (one) => one.includes(word),
  ];
  if (word.length < 3 && /^[ -~]*$/.test(word)) ways.length = 1;
  return ways.map((fits) => [...known.keys()].filter(fits)).find((found) => found.length) || [];
};

const stems = (words) => words.map((word) => stemmer.stemWord(word));
const alike = (word) => ALIKE.filter((words) => stems(words).includes(stemmer.stemWord(word))).flat();

/* A word that other texts write as two: dataset → data set. */
const inTwo = (word) => [word, `${word}s`, word.replace(/s$/, "")].map((one) => pairs.get(one)).filter(Boolean);

/* Two words that other texts write as one: batch norm → BatchNorm. The digits of 0.7 do not become notebook 07. */
const inOne = (word, next) => (/^\p{L}{2}/u.test(word) ? formsOf(word + next).filter((one) => one.startsWith(word + next)) : []);

/* What a word of a query matches; null, if nothing. Capitals inside a word count, so that mAP is not a map. */
const patternOf = (word, before = "", after = "") => {
  if (isHan(word)) return texts.some((text) => text.includes(word)) ? [word, ...translations(word)].join("|") : null;
  if (/.\p{Lu}/u.test(word) && texts.some((text) => wholeWord(`${word}s?`, "").test(text))) return `${word}s?`;
  const small = word.toLowerCase();
  const joined = [before && inOne(before.toLowerCase(), small), after && inOne(small, after.toLowerCase())];
  const others = alike(small).filter((other) => other !== small).flatMap(formsOf);
  return [...new Set([...inTwo(small), ...formsOf(small), ...others, ...joined.flat(), ...translations(small)])].filter(Boolean).join("|") || null;
};

/* Changes of one letter, or of two neighbours, that turn one word into another; 3 stands for more than two. */
const distance = (a, b) => {
  if (Math.abs(a.length - b.length) > 2) return 3;
  const rows = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return Math.min(rows[a.length][b.length], 3);
};

/* Words of the course that are spelt nearly like a word: the nearest first, then the most frequent. */
const similar = (word) => {
  const most = word.length > 4 ? 2 : 1;
  const near = [...known].map(([one, often]) => ({ one, often, far: distance(word.toLowerCase(), one) }));
  const found = near.filter(({ one, far }) => far <= most && one.length > 2).sort((a, b) => a.far - b.far || b.often - a.often);
  const roots = stems(found.map(({ one }) => one));
  return found.filter((_, i) => roots.indexOf(roots[i]) === i && found[i].far === found[0].far).slice(0, 3).map(({ one }) => one);
};
