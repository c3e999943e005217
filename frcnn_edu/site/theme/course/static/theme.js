/* The reader's choice of theme, set before anything is drawn. Without a choice, the system decides. */
"use strict";

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
