/* Finds the sections that answer a query, and orders their pages, much as BM25 does: a word counts the more, the fewer sections
   have it, and further hits, and hits in long sections, count less and less. */
"use strict";

const BETTER = { title: 0.5, heading: 3, words: 1, code: 0.25 }; // what a hit counts there
const NEAR = 0.5; // what two neighbours of the query count that are neighbours on the page as well, compared with a word
const EVEN = 0.5; // how far a section's length is taken out of account: 0 is not at all
const HEADING = 0.6; // what a heading that consists of the query's words counts, compared with text that has them all
const TITLE = 0.8; // and so for a page's title
const PAGE = 0.5; // and what the other sections of a page count
const USUAL = 5; // pages that have a heading, such as "Exercises", which then says nothing about what is below it
const SHOWN = 3; // sections of a page, if they fit
const LEAST = 0.25; // as well as this part of the best one
const ENOUGH = 0.4; // the part of the query that a page has to have, by the weight of the words
const RARE = 5; // sections; a word that fewer have weighs no more, because it is not more to the point
const FAINT = 0.3; // what a word counts that says how one asks, and not what about
const ASKING = new Set(stems("better best different example explain get good happen help make need same show use want way work".split(" ")));
// By the groups of the menu: of equally good pages, lessons come first and source files last.
const PLACES = { Lessons: 0.25, "Use it": 0.2, "At hand": 0.05, "Source code": -0.15 };

const count = (pattern, text) => (text.match(pattern) || []).length;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const isTelling = (word) => !stopwords.has(word.toLowerCase()) && !ASKS_HAN.has(word) && !/^[a-z]$/i.test(word);

const sizeOf = ([, heading, words, code]) => wordsOf(heading).length + wordsOf(words).length + BETTER.code * wordsOf(code).length;
const SECTIONS = PAGES.flatMap((page) => page.sections.map((section) => ({ page, section, size: sizeOf(section) })));
const MEAN = sum(SECTIONS.map(({ size }) => size)) / SECTIONS.length;
const sameHeading = new Map();
SECTIONS.forEach(({ section: [, heading] }) => sameHeading.set(heading, (sameHeading.get(heading) || 0) + 1));

/* The words of a query that say something, each with what it matches, and the pairs of neighbours among them. */
const termsOf = (words) => {
  const expression = (pattern, word) => wholeWord(pattern, /.\p{Lu}/u.test(pattern) && /.\p{Lu}/u.test(word) ? "" : "i");
  const asked = words.map((word, i) => ({ word, source: patternOf(word, words[i - 1], words[i + 1]) }));
  const used = asked.filter(({ source }) => source).map((term) => ({ ...term, pattern: expression(term.source, term.word) }));
  const near = used.slice(1).map(({ source }, i) => {
    const together = `(?:${used[i].source})(?:${BETWEEN}+${LETTERS}+){0,2}?${BETWEEN}+(?:${source})`;
    return { pattern: wholeWord(together, "i") };
  });
  return { used, near, unknown: asked.filter(({ source }) => !source).map(({ word }) => word) };
};

/* The hits of a term in each section, and what the term weighs: more, the fewer sections have it. */
const look = (term, share) => {
  const hits = SECTIONS.map(({ page, section: [, heading, words, code] }) => {
    const here = BETTER.heading * count(term.pattern, heading) + BETTER.words * count(term.pattern, words) + BETTER.code * count(term.pattern, code);
    return { here, title: BETTER.title * count(term.pattern, page.title) };
  });
  const having = hits.filter(({ here }) => here).length;
  const rarity = Math.log(1 + SECTIONS.length / Math.max(RARE, having));
  return { ...term, hits, weight: having && share * rarity };
};

/* How much of the query a heading has, if need be together with the title above it, and how much of the heading that makes up. */
const agreement = (heading, used, whole, title = "") => {
  const telling = wordsOf(heading).filter((word) => isTelling(word) && !/^\d+$/.test(word));
  const found = used.map(({ pattern }) => count(pattern, heading));
  const has = sum(used.map(({ pattern, weight }, i) => (found[i] || count(pattern, title) ? weight : 0))) / whole;
  return has * Math.min(1, sum(found) / Math.max(1, telling.length));
};

const fade = (hits, size) => hits / (hits + 1 - EVEN + EVEN * Math.max(1, size / MEAN));

/* How well each section fits: 1 for one that has every word often. */
const rateSections = (used, near, whole) =>
  SECTIONS.map(({ page, section, size }, i) => {
    const fits = [...used, ...near].map(({ hits, weight }) => weight * fade(hits[i].here && hits[i].here + hits[i].title, size));
    const inTitle = used.map(({ hits, weight }) => weight * (hits[i].here ? 0 : fade(hits[i].title, MEAN)));
    const has = used.map(({ hits }) => hits[i].here > 0);
    const usual = sameHeading.get(section[1]) >= USUAL;
    const score = (sum(fits) + (sum(fits) && sum(inTitle))) / whole + HEADING * agreement(section[1], used, whole, page.title);
    return { page, section, has, score: usual ? score * 0.75 : score };
  });

/* A page with its best sections. */
const ratePage = (page, sections, used, whole) => {
  const best = sections.filter(({ has }) => has.some(Boolean)).sort((a, b) => b.score - a.score);
  const has = used.map((_, k) => sections.some((section) => section.has[k]));
  const shown = best.filter(({ score }) => score >= LEAST * best[0].score).slice(0, SHOWN);
  const others = sum(best.slice(1).map(({ score }) => score));
  const score = (best[0]?.score || 0) + PAGE * (others / (others + 3)) + TITLE * agreement(page.title, used, whole) + (PLACES[page.group] || 0);
  return { page, score, has, found: sum(used.map(({ weight }, k) => (has[k] ? weight : 0))) / whole, best: shown };
};

/* The answer to a query: the words that were left out, those that no page has, and the pages with the most of the others. */
const find = (query) => {
  const words = [...new Set(wordsOf(query).map((word) => SAME.get(word) || word))];
  const { used: known, near: neighbours, unknown } = termsOf(words.filter(isTelling));
  const used = known.map((term) => look(term, ASKING.has(stemmer.stemWord(term.word.toLowerCase())) ? FAINT : 1));
  const near = neighbours.map((term) => look(term, NEAR));
  const whole = sum(used.map(({ weight }) => weight)) || 1;
  const sections = used.length ? rateSections(used, near, whole) : [];
  const rated = PAGES.map((page) => ratePage(page, sections.filter((section) => section.page === page), used, whole));
  const pages = rated.filter(({ found }) => found > ENOUGH).sort((a, b) => b.score - a.score);
  return {
    ignored: words.filter((word) => !isTelling(word)),
    unknown,
    used: used.map(({ word }) => word),
    patterns: used.map(({ pattern }) => pattern),
    complete: pages.filter(({ has }) => has.every(Boolean)).length,
    pages,
  };
};
