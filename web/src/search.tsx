// SPDX-License-Identifier: Apache-2.0
// The box in the header: jumps to a twin by a part of its id.
import { useEffect, useState } from "preact/hooks";
import { idPath, twins } from "./api";
import type { TwinRow } from "./documents";
import { useSettled } from "./load";
import { go } from "./router";
import { Icon } from "./ui/icons";

export function Search() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<TwinRow[]>([]);
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const settled = useSettled(text.trim(), 150);
  useEffect(() => {
    if (!settled) return setFound([]);
    const stop = new AbortController();
    twins({ glob: `*${settled.replace(/[*?]/g, "")}*`, limit: 8 }, stop.signal)
      .then((page) => {
        setFound(page.rows);
        setAt(0);
      })
      .catch(() => setFound([]));
    return () => stop.abort();
  }, [settled]);
  const take = (row: TwinRow | undefined) => {
    if (row) go(`/twins/${idPath(row.id)}`);
    else if (text.trim()) go(`/twins?glob=${encodeURIComponent(`*${text.trim()}*`)}`);
    setText("");
    setOpen(false);
    (document.activeElement as HTMLElement | null)?.blur();
  };
  const press = (e: KeyboardEvent) => {
    if (e.key === "Escape") {
      setOpen(false);
      (e.target as HTMLElement).blur();
    } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      setAt((i) => Math.max(0, Math.min(found.length - 1, i + (e.key === "ArrowDown" ? 1 : -1))));
    }
  };
  const listed = open && found.length > 0;
  return (
    <form class="search" role="search" onSubmit={(e) => (e.preventDefault(), take(found[at]))}>
      <Icon name="search" />
      <input
        id="search"
        type="text"
        role="combobox"
        aria-label="Find a twin"
        aria-expanded={listed}
        aria-controls="found"
        aria-activedescendant={listed ? `found-${at}` : undefined}
        aria-autocomplete="list"
        autocomplete="off"
        spellcheck={false}
        placeholder="Find a twin"
        value={text}
        onFocus={() => setOpen(true)}
        onBlur={() => setTimeout(() => setOpen(false), 150)}
        onInput={(e) => (setText(e.currentTarget.value), setOpen(true))}
        onKeyDown={press}
      />
      <kbd aria-hidden="true">/</kbd>
      <ul id="found" role="listbox" aria-label="Twins found" hidden={!listed}>
        {found.map((row, i) => (
          <li key={row.id} id={`found-${i}`} role="option" aria-selected={i === at} onMouseDown={() => take(row)}>
            <span class="mono">{row.id}</span>
            <span class="muted">{row.kind}</span>
          </li>
        ))}
      </ul>
    </form>
  );
}
