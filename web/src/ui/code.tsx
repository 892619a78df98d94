// SPDX-License-Identifier: Apache-2.0
// A text area with line numbers that marks lines an error names. The browser's own editing, undo
// and screen-reader support stay as they are.
import { useRef } from "preact/hooks";
import type { Fault } from "../api";

interface Props {
  value: string;
  set: (text: string) => void;
  faults: Fault[];
  label: string;
}

export function CodeArea({ value, set, faults, label }: Props) {
  const gutter = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = value.split("\n").length;
  const wrong = new Map(faults.filter((f) => f.line).map((f) => [f.line!, f]));
  const indent = (e: KeyboardEvent) => {
    // Tab moves on, as everywhere; two spaces come by ctrl and the bracket key
    if (!(e.ctrlKey && e.key === "]")) return;
    e.preventDefault();
    const at = e.currentTarget as HTMLTextAreaElement;
    at.setRangeText("  ", at.selectionStart, at.selectionEnd, "end");
    set(at.value);
  };
  return (
    <div class="code">
      <div class="gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, i) => (
          <span key={i} class={wrong.has(i + 1) ? "wrong" : ""} title={wrong.get(i + 1)?.detail}>
            {i + 1}
          </span>
        ))}
      </div>
      <textarea
        ref={area}
        class="mono"
        aria-label={label}
        spellcheck={false}
        autocomplete="off"
        wrap="off"
        value={value}
        aria-invalid={faults.length > 0}
        aria-describedby={faults.length ? "model-faults" : undefined}
        onInput={(e) => set(e.currentTarget.value)}
        onKeyDown={indent}
        onScroll={(e) => gutter.current && (gutter.current.scrollTop = e.currentTarget.scrollTop)}
      />
    </div>
  );
}

/** Puts the cursor where an error is. */
export function showPlace(fault: Fault) {
  const area = document.querySelector<HTMLTextAreaElement>(".code textarea");
  if (!area || !fault.line) return;
  const lines = area.value.split("\n");
  const start =
    lines.slice(0, fault.line - 1).reduce((sum, l) => sum + l.length + 1, 0) + Math.max(0, (fault.column ?? 1) - 1);
  area.focus();
  area.setSelectionRange(start, start + 1);
  area.scrollTop = Math.max(0, (fault.line - 6) * 18);
}
