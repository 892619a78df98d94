// SPDX-License-Identifier: Apache-2.0
// Hooks that fetch, poll and listen. What arrives for a page that was left is dropped.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Listener, type Wanted, watch, watchSearch } from "./live";

export interface Loaded<T> {
  data?: T;
  error?: unknown;
  loading: boolean;
  again: () => void;
  set: (change: (was: T | undefined) => T | undefined) => void;
}

const breath = 400;

/** Fetches when `keys` change, every `every` ms, and when told `again`: never two at once, so that a
    flock of events cannot keep a slow answer from ever arriving. What there was stays meanwhile. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>, keys: unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; loading: boolean }>({ loading: true });
  const latest = useRef(fetcher);
  latest.current = fetcher;
  const wake = useRef(() => {});
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    let wanted = false;
    const after = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => void (document.hidden ? after(every || breath) : run()), ms);
    };
    const run = async () => {
      running = true;
      wanted = false;
      try {
        const data = await latest.current(stop.signal);
        if (!stop.signal.aborted) setState({ data, loading: false });
      } catch (error) {
        if (!stop.signal.aborted) setState((was) => ({ ...was, error, loading: false }));
      }
      running = false;
      if (stop.signal.aborted) return;
      if (wanted) after(breath);
      else if (every > 0) after(every);
    };
    wake.current = () => {
      wanted = true;
      if (!running) after(breath);
    };
    setState((was) => ({ ...was, loading: true }));
    void run();
    return () => {
      stop.abort();
      clearTimeout(timer);
      wake.current = () => {};
    };
  }, [...keys, every]);
  return {
    ...state,
    again: () => wake.current(),
    set: (change) => setState((was) => ({ ...was, data: change(was.data) })),
  };
}

/** The page's stream of events; opened anew when what is wanted changes. */
export function useLive(wanted: Wanted | undefined, listener: Listener, onGap?: () => void) {
  const latest = useRef({ listener, onGap });
  latest.current = { listener, onGap };
  const key = wanted ? JSON.stringify(wanted) : "";
  useEffect(() => {
    if (!key) return;
    return watch(
      JSON.parse(key) as Wanted,
      (e) => latest.current.listener(e),
      () => latest.current.onGap?.(),
    );
  }, [key]);
}

/** Told when a twin begins or ceases to fit the filter; nothing for an empty one. */
export function useLiveSearch(filter: string, changed: () => void) {
  const latest = useRef(changed);
  latest.current = changed;
  useEffect(() => (filter ? watchSearch(filter, () => latest.current()) : undefined), [filter]);
}

/** The value as it was `ms` after it last changed: for searches while somebody types. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
