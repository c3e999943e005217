/* What happens on a page besides reading: theme, menu, code, copying, and boxes that scroll by keyboard. */
"use strict";

const root = document.documentElement;
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

/* Theme: the button names the theme that it switches to. */
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => root.dataset.theme || (systemIsDark.matches ? "dark" : "light");
const otherTheme = () => (theme() === "dark" ? "light" : "dark");
const nameTheme = () => {
  const other = otherTheme();
  one(".theme-button").textContent = other === "dark" ? word("Dark") : word("Light");
  one(".theme-button").setAttribute("aria-label", other === "dark" ? word("Use the dark theme") : word("Use the light theme"));
};
one(".theme-button").addEventListener("click", () => {
  root.dataset.theme = otherTheme();
  store("theme", root.dataset.theme);
  nameTheme();
});
systemIsDark.addEventListener("change", nameTheme);
nameTheme();

/* Menu, on a narrow screen. */
const menuButton = one(".menu-button");
const openMenu = (open) => {
  root.classList.toggle("menu-open", open);
  menuButton.setAttribute("aria-expanded", String(open));
};
menuButton.addEventListener("click", () => openMenu(!root.classList.contains("menu-open")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !root.classList.contains("menu-open")) return;
  openMenu(false);
  menuButton.focus();
});
const current = one(".menu [aria-current]");
if (current && current.offsetTop + current.offsetHeight > one(".menu").clientHeight) {
  one(".menu").scrollTop = current.offsetTop - one(".menu").clientHeight / 2;
}

/* Code: one switch folds that of all cells; it is remembered. What is folded at first stays folded. */
const codeButton = one(".code-button");
const cells = all("details.code[open]");
const hideCode = (hidden) => {
  cells.forEach((cell) => (cell.open = !hidden));
  codeButton.textContent = hidden ? word("Show code") : word("Hide code");
  codeButton.setAttribute("aria-pressed", String(hidden));
};
if (codeButton) {
  codeButton.addEventListener("click", () => {
    const hidden = codeButton.getAttribute("aria-pressed") !== "true";
    hideCode(hidden);
    store("code", hidden ? "hidden" : "shown");
  });
  if (stored("code") === "hidden") hideCode(true);
}

/* Copying: the whole code of a cell, with the parts that are folded. */
const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.body.appendChild(document.createElement("textarea")); // file:// may have no clipboard
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
const addCopyButton = (block) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-button";
  button.textContent = word("Copy");
  button.addEventListener("click", async () => {
    const code = [...block.querySelectorAll("pre")].map((pre) => pre.textContent.trimEnd());
    await copyText(code.join("\n") + "\n");
    button.textContent = word("Copied");
    setTimeout(() => (button.textContent = word("Copy")), 1500);
  });
  block.append(button);
};
all(".cell-code").forEach(addCopyButton);
all(".highlight-bash, .highlight-python").filter((block) => !block.closest(".cell")).forEach(addCopyButton);

/* Short names such as --evaluate-on stay in one line; long ones may break at a hyphen and, in a table, at a point or an underscore. */
const [short, long] = [true, false].map((wanted) => all("code .pre").filter(({ textContent }) => (textContent.length < 25) === wanted));
short.forEach((name) => name.classList.add("whole"));
long.filter((name) => name.closest("td")).forEach((name) => {
  const parts = name.textContent.split(/(?<=[._])/);
  name.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
});

/* Tables, on a narrow screen: each cell knows its column, and the roles stay when rows are drawn as blocks. The first cell needs its
   column's name only if the names belong to pairs of columns, or among many. */
all(".wide table:has(thead)").forEach((table) => {
  const columns = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  if (columns.length <= 5 && !columns.slice(1).includes("")) columns[0] = "";
  table.classList.add("stacked");
  table.setAttribute("role", "table");
  [...table.tHead.rows, ...table.tBodies[0].rows].forEach((row) => row.setAttribute("role", "row"));
  [...table.tBodies[0].rows].forEach((row) =>
    [...row.cells].forEach((cell, i) => {
      cell.setAttribute("role", "cell");
      if (!cell.textContent.trim() && !cell.querySelector("img")) cell.replaceChildren();
      else if (columns[i]) cell.dataset.column = `${columns[i]}: `;
    }),
  );
});

/* Code with lines that are wider than its box, on a wide screen: each line becomes an element, which goes on below itself,
   further to the right than it began, or below its second column. On a narrow screen, text with two columns does so, too. */
const isNarrow = () => innerWidth < 960;
const continuation = (line) => {
  const column = isNarrow() ? -1 : line.search(/(?<=\S {2,})\S/);
  return column > 0 && column < 40 ? column : line.search(/\S|$/) + 6;
};
const splitLines = (pre) => {
  const lines = [[]];
  [...pre.childNodes].forEach((node) =>
    node.textContent.split(/(?<=\n)/).forEach((text) => {
      const part = node.cloneNode(false);
      part.textContent = text;
      lines.at(-1).push(part);
      if (text.endsWith("\n")) lines.push([]);
    }),
  );
  const elements = lines.filter((parts) => parts.length).map((parts) => {
    const line = Object.assign(document.createElement("span"), { className: "line" });
    line.append(...parts);
    line.style.setProperty("--onward", `${continuation(line.textContent)}ch`);
    return line;
  });
  pre.replaceChildren(...elements);
  pre.classList.add("lines");
};

/* What is still wider than its box can be scrolled by keyboard, and has a shadow at its edge. */
const isWide = (box) => box.scrollWidth > box.clientWidth;
const scrollable = (within) => {
  const split = `${isNarrow() ? ".highlight-text:not(.output)" : ".highlight"} pre:not(.lines)`;
  [...within.querySelectorAll(split)].filter(isWide).forEach(splitLines);
  const boxes = [...within.querySelectorAll(".highlight pre, .wide, .formula")];
  const wide = boxes.map(isWide); // all are measured before any is changed
  boxes.forEach((box, i) => (wide[i] ? (box.tabIndex = 0) : box.removeAttribute("tabindex")));
};
addEventListener("resize", () => scrollable(document));
document.addEventListener("toggle", (event) => scrollable(event.target), true);
scrollable(document);
