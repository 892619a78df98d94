// SPDX-License-Identifier: Apache-2.0
// All charts of a twin over one range: live or past, zoomed together, refetched at each range.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Drawn } from "../chart";
import { type AlertRow, type ModelText, type Twin } from "../documents";
import { clock, iso, millis, number, unitSign } from "../format";
import { bandOf, limitsOf, marksOf } from "../limits";
import { LiveBuffer, joined, useM4 } from "../m4";
import { now } from "../clock";
import { parameters, setParameters } from "../router";
import { Failure } from "./parts";
import { TimeChartView } from "./timechart";

export const spans: [string, number][] = [
  ["5 min", 5 * 60_000],
  ["15 min", 15 * 60_000],
  ["1 h", 3_600_000],
  ["6 h", 6 * 3_600_000],
  ["24 h", 24 * 3_600_000],
  ["7 d", 7 * 24 * 3_600_000],
  ["30 d", 30 * 24 * 3_600_000],
];

/** The range of the address: ?from=&to= stands still, ?span= ends now. */
export function rangeOf(p: URLSearchParams, nowMs: number): { from: number; to: number; live: boolean; span: number } {
  const from = millis(p.get("from"));
  const to = millis(p.get("to"));
  if (from < to) return { from, to, live: false, span: to - from };
  const span = Number(p.get("span")) || 5 * 60_000;
  return { from: nowMs - span, to: nowMs, live: true, span };
}

export function RangeBar() {
  const range = rangeOf(parameters.value, now.value);
  const move = (part: number) => {
    const by = range.span * part;
    setParameters({ from: iso(range.from + by), to: iso(range.to + by) });
  };
  return (
    <div class="range" role="group" aria-label="Range of the charts">
      {spans.map(([label, span]) => (
        <button
          key={label}
          type="button"
          class={range.live && range.span === span ? "on" : ""}
          aria-pressed={range.live && range.span === span}
          onClick={() => setParameters({ span: String(span), from: "", to: "" })}
        >
          {label}
        </button>
      ))}
      <button type="button" onClick={() => move(-0.5)} aria-label="Earlier">
        ←
      </button>
      <button type="button" onClick={() => move(0.5)} disabled={range.live} aria-label="Later">
        →
      </button>
      <button
        type="button"
        onClick={() => setParameters({ from: iso(range.from - range.span / 2), to: iso(range.to + range.span / 2) })}
        aria-label="Zoom out"
      >
        −
      </button>
      <button
        type="button"
        onClick={() => setParameters({ from: iso(range.from + range.span / 4), to: iso(range.to - range.span / 4) })}
        aria-label="Zoom in"
      >
        +
      </button>
      <span class="muted range-words">{range.live ? "live" : `${clock(range.from)} – ${clock(range.to)}`}</span>
    </div>
  );
}

interface Props {
  twin: Twin;
  model?: ModelText;
  alerts: AlertRow[];
  height?: number;
}

export function TwinCharts({ twin, model, alerts, height }: Props) {
  const at = useRef<HTMLDivElement>(null);
  const [pixels, setPixels] = useState(600);
  const buffer = useRef(new LiveBuffer());
  buffer.current.add(twin.telemetry);
  const range = rangeOf(parameters.value, now.value);
  // live, the values loaded are good for a while: the stream brings the rest
  const [turn, setTurn] = useState({ count: 0, from: range.from, to: range.to });
  const key = range.live ? `live${range.span}` : `${range.from}-${range.to}`;
  useEffect(() => {
    const fresh = () => setTurn((t) => ({ count: t.count + 1, ...rangeNow() }));
    fresh();
    if (!range.live) return;
    const timer = setInterval(fresh, Math.max(30_000, range.span / 20));
    return () => clearInterval(timer);
  }, [key]);
  useEffect(() => setPixels(at.current?.clientWidth || 600), []);
  const rangeNow = () => {
    const r = rangeOf(parameters.value, Date.now());
    return { from: r.from, to: r.to };
  };
  const names = Object.entries(twin.telemetry)
    .filter(([, t]) => typeof t.value === "number" || typeof t.value === "boolean")
    .map(([name]) => name);
  const loaded = useM4(twin.id, names, turn, pixels, turn.count);
  const marks = marksOf(alerts, now.value);
  return (
    <div class="charts" ref={at}>
      {loaded.error && Object.keys(loaded.data).length === 0 ? <Failure error={loaded.error} /> : null}
      {names.map((name) => {
        const t = twin.telemetry[name];
        const points = range.live
          ? joined(loaded.data[name], buffer.current.of[name])
          : (loaded.data[name] ?? { times: [], values: [] });
        const data: Drawn = { ...points, band: bandOf(twin.windows, name), marks, limits: limitsOf(model, name) };
        return (
          <figure key={name} class="chart-box">
            <figcaption>
              {name} <span class="unit">{unitSign(t.unit)}</span>
              <span class="chart-now">{number(t.value)}</span>
            </figcaption>
            <TimeChartView
              label={name}
              unit={unitSign(t.unit)}
              data={data}
              from={range.from}
              to={range.to}
              height={height ?? 140}
              sync={`twin ${twin.id}`}
              onRange={(from, to) => to - from > 50 && setParameters({ from: iso(from), to: iso(to) })}
              onReset={() => setParameters({ from: "", to: "" })}
            />
          </figure>
        );
      })}
    </div>
  );
}
