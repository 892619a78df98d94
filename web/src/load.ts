// SPDX-License-Identifier: Apache-2.0
// Hooks that fetch, poll and listen. What arrives for a page that was left is dropped.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Listener, type Wanted, watch } from "./live";

export interface Loaded<T> {
  data?: T;
  error?: unknown;
  loading: boolean;
  again: () => void;
  set: (change: (was: T | undefined) => T | undefined) => void;
}

/** Fetches when `keys` change, and every `every` ms. What there was stays until the new is here. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>, keys: unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; loading: boolean }>({ loading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(fetcher);
  latest.current = fetcher;
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      try {
        const data = await latest.current(stop.signal);
        if (!stop.signal.aborted) setState({ data, loading: false });
      } catch (error) {
        if (!stop.signal.aborted) setState((was) => ({ ...was, error, loading: false }));
      }
      if (!stop.signal.aborted && every > 0) timer = setTimeout(() => void (document.hidden ? wait() : run()), every);
    };
    const wait = () => {
      timer = setTimeout(() => void (document.hidden ? wait() : run()), every);
    };
    setState((was) => ({ ...was, loading: true }));
    void run();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [...keys, turn, every]);
  return {
    ...state,
    again: () => setTurn((t) => t + 1),
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
    return watch(JSON.parse(key) as Wanted, (e) => latest.current.listener(e), () => latest.current.onGap?.());
  }, [key]);
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
