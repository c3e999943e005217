/* What helps to read a long page: the section in view is marked in the contents, and a figure opens over the page. */
"use strict";

/* Contents: the last heading above the middle of the window is that of the section in view. */
const entries = new Map(
  [...document.querySelectorAll(".on-this-page a")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]),
);
const sections = [...document.querySelectorAll(".text section[id]")].filter(({ id }) => entries.has(id));
const inView = new Set();
const markEntry = () => {
  const here = sections.findLast((section) => inView.has(section)); // the innermost and lowest of them
  entries.forEach((link, id) => {
    if (here?.id === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
};
const watching = new IntersectionObserver(
  (changes) => {
    changes.forEach(({ target, isIntersecting }) => inView[isIntersecting ? "add" : "delete"](target));
    markEntry();
  },
  { rootMargin: "-25% 0px -75% 0px" }, // a line: what crosses it is in view
);
sections.forEach((section) => watching.observe(section));
document.querySelectorAll(".contents a").forEach((link) =>
  link.addEventListener("click", () => (link.closest("details").open = false)),
);

/* Figures: a click or Enter opens a picture in its full size; Escape or another click closes it. */
const dialog = document.body.appendChild(document.createElement("dialog"));
dialog.className = "figure-dialog";
dialog.addEventListener("click", () => dialog.close());
const openFigure = (link) => {
  const small = link.querySelector("img");
  const picture = Object.assign(new Image(), { src: small.src, alt: small.alt });
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: word("Close") });
  const frame = Object.assign(document.createElement("div"), { className: "frame", tabIndex: 0 });
  frame.append(picture); // takes the focus, so that the arrow keys scroll it
  dialog.replaceChildren(close, frame);
  dialog.setAttribute("aria-label", word("Figure in full size"));
  dialog.showModal();
  frame.focus();
};
document.addEventListener("click", (event) => {
  const link = event.target.closest(".picture a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window, if the reader wants one
  event.preventDefault();
  openFigure(link);
});
