/* The page "Search": the query of its address, and what is found, with excerpts that lead to their sections. */
"use strict";

const AT_ONCE = 10; // pages; a button shows the others
const EXCERPT = 220; // letters
const make = (tag, content = [], attributes = {}) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...[content].flat());
  return element;
};
const listed = (words, last) => words.map((word) => `“${word}”`).join(", ").replace(/, ([^,]*)$/, ` ${last} $1`);
const pages = (n) => (n === 1 ? "1 page" : `${n} pages`);
const query = new URLSearchParams(location.search).get("q")?.trim() || "";

/* A text in which the words are marked. */
const marked = (text, patterns) => {
  const hits = patterns.flatMap((pattern) => [...text.matchAll(pattern)]).sort((a, b) => a.index - b.index);
  let end = 0;
  const parts = [];
  for (const { 0: hit, index } of hits.filter(({ index }, i) => !i || index !== hits[i - 1].index)) {
    parts.push(text.slice(end, index), make("mark", hit));
    end = index + hit.length;
  }
  return [...parts, text.slice(end)];
};

/* The line of a section that has the most of the words, cut around the first of them. */
const excerpt = ([, , words, code], patterns) => {
  const lines = [...words.split("\n"), ...code.split("\n")];
  const found = lines.map((line) => patterns.filter((pattern) => count(pattern, line)).length);
  const line = lines[found.indexOf(Math.max(...found))].trim();
  const places = patterns.map((pattern) => line.search(pattern)).filter((place) => place >= 0);
  const start = Math.max(0, Math.min(Math.min(...places, line.length) - EXCERPT / 3, line.length - EXCERPT));
  let text = line.slice(start, start + EXCERPT);
  if (start) text = `… ${text.replace(/^\S*\s/, "")}`;
  if (start + EXCERPT < line.length) text = `${text.replace(/\s\S*$/, "")} …`;
  return text;
};

/* A page as an item of the list, and below it its best sections. */
const item = ({ page, best }, patterns) => {
  const sections = best.map(({ section }) => {
    const [anchor, heading] = section;
    const opening = section === page.sections[0];
    const link = make("a", marked(heading, patterns), { href: `${page.file}#${anchor}` });
    const text = make("p", marked(excerpt(section, patterns), patterns));
    return make("li", opening ? text : [make("h3", link), text], { className: opening ? "opening" : "" });
  });
  sections.sort((a, b) => b.classList.contains("opening") - a.classList.contains("opening"));
  const title = make("h2", make("a", marked(page.title, patterns), { href: page.file }));
  return make("li", [title, make("p", page.group, { className: "group" }), make("ul", sections)]);
};

/* What was found, in a sentence or two. */
const summary = ({ ignored, unknown, used, complete, pages: found }) => {
  const said = [];
  if (!used.length && !unknown.length) return [`The words of “${query}” are on almost every page. Search for a word that names what you look for.`];
  if (unknown.length) said.push(`No page contains ${listed(unknown, "or")}.`);
  const verb = (n) => (n === 1 ? "contains" : "contain");
  const others = found.length - complete;
  const rest = others ? `; ${others} more ${verb(others)} some of these words` : "";
  if (used.length && complete) said.push(`${pages(complete)} ${verb(complete)} ${listed(used, "and")}${rest}.`);
  if (used.length && !complete) said.push(`No page contains all of ${listed(used, "and")}; ${pages(others)} with some of them ${others === 1 ? "is" : "are"} shown.`);
  if (ignored.length) said.push(`${listed(ignored, "and")} ${ignored.length === 1 ? "was" : "were"} left out, because almost every page has ${ignored.length === 1 ? "it" : "them"}.`);
  return said;
};

/* Links that search for the nearest words instead of one that no page has. */
const suggestion = (word) => {
  const links = similar(word).map((one) => make("a", one, { href: `?q=${encodeURIComponent(query.replace(word, one))}` }));
  return links.length ? [make("p", ["Did you mean ", ...links.flatMap((link, i) => [i ? " or " : "", link]), "?"], { className: "meant" })] : [];
};

const show = (answer) => {
  const items = answer.pages.map((found) => item(found, answer.patterns));
  const list = make("ol", items.slice(0, AT_ONCE));
  const others = items.slice(AT_ONCE);
  const more = make("button", `Show ${others.length} more`, { type: "button", onclick: () => {
    list.append(...others);
    more.remove();
    others[0].querySelector("a").focus();
  } });
  document.title = `${query} · ${document.title}`;
  document.querySelector("#search-status").append(summary(answer).join(" "));
  document.querySelector("#search-results").append(...answer.unknown.flatMap(suggestion), list, ...(others.length ? [more] : []));
};

document.querySelectorAll("input[name=q]").forEach((input) => (input.value = query));
if (query) show(find(query));
else document.querySelector(".search-form input").focus();
