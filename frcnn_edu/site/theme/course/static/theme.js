/* The reader's choice of theme, set before anything is drawn. Without a choice, the system decides. And the words of the scripts in the
   language of the page: pages in another language than English define WORDS. */
"use strict";

const word = (english, ...values) => {
  const text = (typeof WORDS === "object" && WORDS[english]) || english;
  return text.replace(/\{(\d)\}/g, (_, number) => values[number - 1]);
};

const stored = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage is switched off
  }
};

const store = (name, value) => {
  try {
    localStorage.setItem(name, value);
  } catch {
    // the choice holds for this page
  }
};

const chosenTheme = stored("theme");
if (chosenTheme) document.documentElement.dataset.theme = chosenTheme;
document.documentElement.classList.add("scripts");
