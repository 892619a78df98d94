// SPDX-License-Identifier: Apache-2.0
// Keys of the whole page: "/" searches, "g" and a letter goes somewhere, "?" explains.
import { go } from "./router";

const places: Record<string, string> = {
  o: "/",
  t: "/twins",
  a: "/alerts",
  p: "/time",
  m: "/map",
  b: "/buildings",
  e: "/editor",
  q: "/quarantine",
  n: "/node",
};

const writing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function keys(help: () => void): () => void {
  let wentAt = 0;
  const press = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || writing(e.target) || document.querySelector("dialog[open]")) return;
    if (e.key === "/") {
      e.preventDefault();
      const here =
        document.querySelector<HTMLInputElement>("main [data-search]") ??
        document.querySelector<HTMLInputElement>("#search");
      here?.focus();
      here?.select();
    } else if (e.key === "?") help();
    else if (e.key === "g") wentAt = e.timeStamp;
    else if (e.timeStamp - wentAt < 1200 && places[e.key]) {
      e.preventDefault();
      wentAt = 0;
      go(places[e.key]);
    }
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

/** Arrow keys and j/k among the rows of a table; the row in focus is the one chosen. */
export function rowKeys(e: KeyboardEvent) {
  const row = (e.target as Element).closest?.("tr[tabindex]");
  if (!row || writing(e.target)) return;
  const rows = [...row.parentElement!.querySelectorAll<HTMLElement>("tr[tabindex]")];
  const at = rows.indexOf(row as HTMLElement);
  const to: Record<string, number> = {
    ArrowDown: at + 1,
    j: at + 1,
    ArrowUp: at - 1,
    k: at - 1,
    Home: 0,
    End: rows.length - 1,
  };
  if (e.key in to) {
    e.preventDefault();
    rows[Math.max(0, Math.min(rows.length - 1, to[e.key]))]?.focus();
  } else if (e.key === "Enter" && e.target === row) {
    e.preventDefault();
    (row.querySelector("a") as HTMLElement | null)?.click();
  }
}
