/* The page "Search": the query of its address, and what is found, with excerpts that lead to their sections. */
"use strict";

const AT_ONCE = 10; // pages; a button shows the others
const EXCERPT = 220; // letters
const make = (tag, content = [], attributes = {}) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...[content].flat());
  return element;
};
const quoted = (one) => word("“{1}”", one);
const listed = (words, last) => words.map(quoted).join(word(", ")).replace(new RegExp(`${word(", ")}(?!.*${word(", ")})`), last);
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
  return make("li", [title, make("p", word(page.group), { className: "group" }), make("ul", sections)]);
};

/* What was found, in a sentence or two. */
const summary = ({ ignored, unknown, used, complete, pages: found }) => {
  const said = [], all = listed(used, word(" and "));
  if (!used.length && !unknown.length) return [word("The words of “{1}” are on almost every page. Search for a word that names what you look for.", query)];
  if (unknown.length) said.push(word("No page contains {1}.", listed(unknown, word(" or "))));
  const others = found.length - complete;
  const rest = !others ? "" : others === 1 ? word("; 1 more contains some of these words") : word("; {1} more contain some of these words", others);
  if (used.length && complete) said.push(complete === 1 ? word("1 page contains {1}{2}.", all, rest) : word("{1} pages contain {2}{3}.", complete, all, rest));
  if (used.length && !complete) {
    said.push(others === 1 ? word("No page contains all of {1}; 1 page with some of them is shown.", all) : word("No page contains all of {1}; {2} pages with some of them are shown.", all, others));
  }
  const left = listed(ignored, word(" and "));
  if (ignored.length === 1) said.push(word("{1} was left out, because almost every page has it.", left));
  if (ignored.length > 1) said.push(word("{1} were left out, because almost every page has them.", left));
  return said;
};

/* Links that search for the nearest words instead of one that no page has. */
const suggestion = (unknown) => {
  const links = similar(unknown).map((one) => make("a", one, { href: `?q=${encodeURIComponent(query.replace(unknown, one))}` }));
  const either = links.flatMap((link, i) => [i ? word(" or ") : "", link]);
  return links.length ? [make("p", [word("Did you mean "), ...either, word("?")], { className: "meant" })] : [];
};

const show = (answer) => {
  const items = answer.pages.map((found) => item(found, answer.patterns));
  const list = make("ol", items.slice(0, AT_ONCE));
  const others = items.slice(AT_ONCE);
  const more = make("button", word("Show {1} more", others.length), { type: "button", onclick: () => {
    list.append(...others);
    more.remove();
    others[0].querySelector("a").focus();
  } });
  document.title = `${query} · ${document.title}`;
  document.querySelector("#search-status").append(summary(answer).reduce((before, next) => word("{1} {2}", before, next)));
  document.querySelector("#search-results").append(...answer.unknown.flatMap(suggestion), list, ...(others.length ? [more] : []));
};

document.querySelectorAll("input[name=q]").forEach((input) => (input.value = query));
if (query) show(find(query));
else document.querySelector(".search-form input").focus();
