// SPDX-License-Identifier: Apache-2.0
// Values for charts: M4 of the range that is shown, as many buckets as there are pixels, so that a
// million readings cost what a thousand do; what comes live is put behind.
import { useEffect, useRef, useState } from "preact/hooks";
import { series } from "./api";
import { iso, millis } from "./format";
import type { Telemetry } from "./documents";

export interface Points {
  times: number[];
  values: number[];
}
export type Loaded = Record<string, Points>;

/** The tail of `live` that is newer than what was loaded, put behind it. */
export function joined(loaded: Points | undefined, live: Points | undefined): Points {
  if (!live || live.times.length === 0) return loaded ?? { times: [], values: [] };
  if (!loaded || loaded.times.length === 0) return live;
  const last = loaded.times[loaded.times.length - 1];
  let from = live.times.length;
  while (from > 0 && live.times[from - 1] > last) from--;
  if (from === live.times.length) return loaded;
  return { times: loaded.times.concat(live.times.slice(from)), values: loaded.values.concat(live.values.slice(from)) };
}

export interface M4Range {
  from: number;
  to: number;
}

/** Refetches when the range is another; while it does, what there is stays on the screen. */
export function useM4(id: string, names: string[], range: M4Range, pixels: number, refresh: number) {
  const [state, setState] = useState<{ data: Loaded; error?: unknown; loading: boolean }>({ data: {}, loading: true });
  const key = names.join(",");
  const first = useRef(true);
  useEffect(() => {
    if (!key) return;
    const stop = new AbortController();
    const timer = setTimeout(
      () => {
        first.current = false;
        series(
          id,
          {
            telemetry: key,
            from: iso(range.from),
            to: iso(range.to),
            function: "m4",
            points: Math.max(50, Math.min(2000, Math.round(pixels))),
          },
          stop.signal,
        )
          .then((rows) => {
            const data: Loaded = {};
            for (const r of rows) data[r.telemetry] = { times: (r.time ?? []).map(millis), values: r.value ?? [] };
            setState({ data, loading: false });
          })
          .catch((error) => stop.signal.aborted || setState((was) => ({ ...was, error, loading: false })));
      },
      first.current ? 0 : 120,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [id, key, range.from, range.to, pixels, refresh]);
  return state;
}

const most = 20_000;

/** Gathers what arrives live, one list for each telemetry; a value of a known instant replaces it. */
export class LiveBuffer {
  readonly of: Loaded = {};

  add(telemetry: Record<string, Telemetry>): boolean {
    let news = false;
    for (const [name, t] of Object.entries(telemetry)) {
      const at = millis(t.event_time);
      const value = typeof t.value === "boolean" ? Number(t.value) : t.value;
      if (Number.isNaN(at) || typeof value !== "number") continue;
      const to = (this.of[name] ??= { times: [], values: [] });
      const last = to.times[to.times.length - 1];
      if (last !== undefined && at <= last) {
        if (at === last) to.values[to.values.length - 1] = value;
        continue;
      }
      to.times.push(at);
      to.values.push(value);
      news = true;
      if (to.times.length > most) {
        to.times.splice(0, most / 4);
        to.values.splice(0, most / 4);
      }
    }
    return news;
  }
}
