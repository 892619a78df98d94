// SPDX-License-Identifier: Apache-2.0
// Light or dark: as the system says, until somebody chooses.
import { signal } from "@preact/signals";

const key = "pollux.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const kept = () => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

export const dark = signal((kept() ?? (system.matches ? "dark" : "light")) === "dark");
const show = () => (document.documentElement.dataset.theme = dark.value ? "dark" : "light");
show();

system.addEventListener("change", () => {
  if (kept()) return;
  dark.value = system.matches;
  show();
});

export function toggleTheme() {
  dark.value = !dark.value;
  try {
    localStorage.setItem(key, dark.value ? "dark" : "light");
  } catch {
    /* then it holds until the page is left */
  }
  show();
}

/** A colour of the stylesheet, for what is drawn on a canvas. */
export const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
