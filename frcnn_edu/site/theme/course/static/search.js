/* Finds the pages that contain the words of a query, and orders them. PAGES holds the words of all pages, section by section;
   the stemmer and the stop words are Sphinx's. */
"use strict";

const LETTERS = "[\\p{L}\\p{N}]";
const wordsOf = (text) => text.match(new RegExp(`${LETTERS}+`, "gu")) || [];
const wholeWord = (pattern, flags) => new RegExp(`(?<!${LETTERS})(?:${pattern})(?!${LETTERS})`, `gu${flags}`);
const count = (pattern, text) => (text.match(pattern) || []).length;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const stemmer = new Stemmer();

/* How often each word, in lower case, is on all pages. */
const known = new Map();
const texts = PAGES.flatMap((page) => page.sections.flatMap((section) => section.slice(1)));
texts.forEach((text) => wordsOf(text.toLowerCase()).forEach((word) => known.set(word, (known.get(word) || 0) + 1)));

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

/* The words on the pages that a word of a query stands for: its forms, or else longer words that begin with it or contain it. */
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

/* What a word of a query matches; null, if nothing. Capitals inside a word count, so that mAP is not a map. */
const patternOf = (word) => {
  if (/.\p{Lu}/u.test(word) && texts.some((text) => wholeWord(`${word}s?`, "").test(text))) return `${word}s?`;
  return formsOf(word.toLowerCase()).join("|") || null;
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
  const stems = found.map(({ one }) => stemmer.stemWord(one));
  return found.filter((_, i) => stems.indexOf(stems[i]) === i && found[i].far === found[0].far).slice(0, 3).map(({ one }) => one);
};

/* The part of a heading that the words make up; 0, if one of them is missing. */
const share = (heading, patterns) => {
  const counts = patterns.map((pattern) => count(pattern, heading));
  const telling = wordsOf(heading).filter((word) => !stopwords.has(word.toLowerCase()) && !/^\d+$/.test(word));
  return counts.every(Boolean) ? Math.min(1, sum(counts) / telling.length) : 0;
};

/* How well a section fits. Code counts less than text, and further hits count less and less. */
const weigh = ([, heading, words, code], patterns, phrase) => {
  const hits = patterns.map((pattern) => 3 * count(pattern, heading) + count(pattern, words) + count(pattern, code) / 4);
  const phrases = patterns.length > 1 ? count(phrase, heading) + count(phrase, words) : 0;
  const often = sum(hits.map((n) => Math.log2(1 + n))) + 2 * phrases;
  return { hits, phrases, score: 4 * hits.filter(Boolean).length + often + 3 * share(heading, patterns) };
};

/* A page with its best sections; one whose title or headings consist of the words comes first, and at equal worth a lesson. */
const rate = (page, patterns, phrase) => {
  const sections = page.sections.map((section) => ({ section, ...weigh(section, patterns, phrase) }));
  const totals = patterns.map((_, i) => sum(sections.map(({ hits }) => hits[i])));
  const headings = Math.max(...page.sections.slice(1).map((section) => share(section[1], patterns)), 0);
  const title = share(page.title, patterns);
  const often = sum([...totals, sum(sections.map(({ phrases }) => phrases))].map((n) => Math.log2(1 + n))) / patterns.length;
  const best = sections.filter(({ score }) => score).sort((a, b) => b.score - a.score);
  const full = best.filter(({ hits }) => hits.every(Boolean));
  const score = often + (title && 6 + 6 * title) + 3 * headings + 2 * page.first;
  return { page, score, found: totals.filter(Boolean).length, best: (full.length ? full : best).slice(0, 3) };
};

/* The answer to a query: the words that were left out, those that no page has, and the pages with the most of the others. */
const find = (query) => {
  const words = [...new Set(wordsOf(query).map((word) => SAME.get(word) || word))];
  const tooCommon = (word) => stopwords.has(word.toLowerCase()) || /^[a-z]$/i.test(word);
  const asked = words.filter((word) => !tooCommon(word)).map((word) => ({ word, pattern: patternOf(word) }));
  const used = asked.filter(({ pattern }) => pattern);
  const patterns = used.map(({ pattern }) => wholeWord(pattern, /.\p{Lu}/u.test(pattern) ? "" : "i"));
  const phrase = wholeWord(used.map(({ pattern }) => `(?:${pattern})`).join("[^\\p{L}\\p{N}]+"), "i");
  const rated = used.length ? PAGES.map((page) => rate(page, patterns, phrase)) : [];
  const most = Math.max(...rated.map(({ found }) => found), 0);
  return {
    ignored: words.filter(tooCommon),
    unknown: asked.filter(({ pattern }) => !pattern).map(({ word }) => word),
    used: used.map(({ word }) => word),
    patterns,
    complete: most === used.length,
    pages: rated.filter(({ found }) => found && found === most).sort((a, b) => b.score - a.score),
  };
};
