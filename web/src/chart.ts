// SPDX-License-Identifier: Apache-2.0
// A chart over time on uPlot (its own chunk, fetched with the first chart). What is drawn beside
// the line - windows as bands, limits, alerts, evidence - is told as plain values.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { number } from "./format";
import { colour } from "./theme";

/** Times are milliseconds. */
export interface Band {
  from: number;
  to: number;
  low: number;
  high: number;
  middle?: number;
}
export interface Mark {
  from: number;
  to?: number;
  tone: string;
  label: string;
}
export interface Limit {
  value: number;
  label: string;
  tone: string;
}
export interface Drawn {
  times: number[];
  values: (number | null)[];
  band?: Band;
  marks: Mark[];
  limits: Limit[];
  points?: { time: number; value: number }[];
  cursor?: number;
}
export interface ChartOrder {
  unit: string;
  label: string;
  height: number;
  /** Wanted by the person: zoomed, moved, or double-clicked (undefined: all of it, live). */
  onRange?: (from: number, to: number) => void;
  onReset?: () => void;
  onPick?: (time: number) => void;
  sync?: string;
}

export interface TimeChart {
  show(data: Drawn, from: number, to: number): void;
  resize(width: number): void;
  restyle(): void;
  destroy(): void;
}

/** What is drawn stays inside the plot. */
function inside(u: uPlot, draw: () => void) {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  draw();
  u.ctx.restore();
}

function drawBand(u: uPlot, band: Band) {
  const x0 = u.valToPos(band.from, "x", true);
  const x1 = u.valToPos(band.to, "x", true);
  const y0 = u.valToPos(band.high, "y", true);
  const y1 = u.valToPos(band.low, "y", true);
  const c = u.ctx;
  c.fillStyle = colour("chart-band");
  c.fillRect(x0, y0, x1 - x0, Math.max(1, y1 - y0));
  if (band.middle === undefined) return;
  const y = u.valToPos(band.middle, "y", true);
  c.strokeStyle = colour("chart-band-line");
  c.lineWidth = devicePixelRatio;
  c.setLineDash([]);
  c.beginPath();
  c.moveTo(x0, y);
  c.lineTo(x1, y);
  c.stroke();
}

/** More alerts than this are a strip along the top: their lines would hide the values. */
const mostLines = 40;

function drawMarks(u: uPlot, marks: Mark[]) {
  const c = u.ctx;
  const { top, height, left, width } = u.bbox;
  const shown = marks.filter((m) => (m.to ?? m.from) >= u.scales.x.min! && m.from <= u.scales.x.max!);
  for (const m of shown) {
    const x0 = Math.max(left, u.valToPos(m.from, "x", true));
    const x1 = Math.min(left + width, m.to === undefined ? x0 : u.valToPos(m.to, "x", true));
    c.fillStyle = colour(m.tone);
    if (shown.length > mostLines) {
      c.fillRect(x0, top, Math.max(2 * devicePixelRatio, x1 - x0), 4 * devicePixelRatio);
      continue;
    }
    c.globalAlpha = 0.1;
    if (x1 > x0) c.fillRect(x0, top, x1 - x0, height);
    c.globalAlpha = 0.9;
    c.fillRect(x0, top, 1.5 * devicePixelRatio, height);
    c.fillRect(x0, top, Math.max(6 * devicePixelRatio, x1 - x0), 3 * devicePixelRatio);
    c.globalAlpha = 1;
  }
}

function drawLimits(u: uPlot, limits: Limit[]) {
  const c = u.ctx;
  const { left, width, top, height } = u.bbox;
  c.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  for (const l of limits) {
    const y = u.valToPos(l.value, "y", true);
    if (y < top || y > top + height) continue;
    c.strokeStyle = c.fillStyle = colour(l.tone);
    c.lineWidth = devicePixelRatio;
    c.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    c.beginPath();
    c.moveTo(left, y);
    c.lineTo(left + width, y);
    c.stroke();
    c.setLineDash([]);
    const above = y - top > 16 * devicePixelRatio;
    const aside = l.tone === "muted"; // a mean close to its limit: the two labels stand apart
    c.textAlign = aside ? "left" : "right";
    const x = aside ? left + 4 * devicePixelRatio : left + width - 4 * devicePixelRatio;
    const at = above ? y - 4 * devicePixelRatio : y + 12 * devicePixelRatio;
    c.strokeStyle = colour("surface");
    c.lineWidth = 3 * devicePixelRatio;
    c.strokeText(l.label, x, at);
    c.fillText(l.label, x, at);
  }
}

function drawPoints(u: uPlot, points: { time: number; value: number }[], cursor?: number) {
  const c = u.ctx;
  c.fillStyle = colour("chart-evidence");
  for (const p of points) {
    c.beginPath();
    c.arc(u.valToPos(p.time, "x", true), u.valToPos(p.value, "y", true), 3.2 * devicePixelRatio, 0, 7);
    c.fill();
  }
  if (cursor === undefined) return;
  const x = u.valToPos(cursor, "x", true);
  if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
  c.fillStyle = colour("accent");
  c.fillRect(x - devicePixelRatio, u.bbox.top, 2 * devicePixelRatio, u.bbox.height);
}

/** Limits far away would flatten the line; those near it are taken into the scale. */
function extent(data: Drawn, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) [low, high] = [0, 1];
  for (const p of data.points ?? []) [low, high] = [Math.min(low, p.value), Math.max(high, p.value)];
  if (data.band) [low, high] = [Math.min(low, data.band.low), Math.max(high, data.band.high)];
  const span = high - low || Math.abs(high) * 0.1 || 1;
  for (const l of data.limits) {
    if (l.value > high && l.value - high < 1.2 * span) high = l.value;
    if (l.value < low && low - l.value < 1.2 * span) low = l.value;
  }
  const air = (high - low || span) * 0.08;
  return [low - air, high + air];
}

const two = (n: number) => String(n).padStart(2, "0");

/** Ticks as clock times; where a step is a day or more, or a day begins, the day. */
export function tickLabels(ticks: number[]): string[] {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1000;
  return ticks.map((t) => {
    const d = new Date(t);
    const time = `${two(d.getHours())}:${two(d.getMinutes())}`;
    if (step >= 86_400_000 || (time === "00:00" && step >= 60_000))
      return `${two(d.getDate())}.${two(d.getMonth() + 1)}.`;
    return step < 60_000
      ? `${time}:${two(d.getSeconds())}${step < 1000 ? `.${String(d.getMilliseconds()).padStart(3, "0")}` : ""}`
      : time;
  });
}

const axis = (size: number): uPlot.Axis => ({
  stroke: () => colour("muted"),
  grid: { stroke: () => colour("chart-grid"), width: 1 },
  ticks: { show: false },
  font: "11px system-ui, sans-serif",
  size,
  gap: 4,
});

export function createChart(at: HTMLElement, order: ChartOrder): TimeChart {
  let data: Drawn = { times: [], values: [], marks: [], limits: [] };
  let range: [number, number] = [0, 1];
  const u = new uPlot(options(), [[], []], at);

  function options(): uPlot.Options {
    return {
      width: Math.max(120, at.clientWidth),
      height: order.height,
      ms: 1,
      legend: { show: false },
      padding: [10, 8, 0, 0],
      cursor: {
        drag: { x: !!order.onRange, y: false, setScale: false },
        sync: order.sync ? { key: order.sync, setSeries: false } : undefined,
        points: { size: 6 },
      },
      scales: { x: { time: true, range: () => range }, y: { range: (_, low, high) => extent(data, low, high) } },
      axes: [
        { ...axis(24), space: 84, values: (_, ticks) => tickLabels(ticks) },
        { ...axis(52), values: (_, ticks) => ticks.map((t) => number(t, 4)) },
      ],
      series: [
        {},
        {
          stroke: () => colour("accent"),
          width: 1.4,
          points: { show: (_, __, i0, i1) => i1 - i0 < 60, size: 4 },
          spanGaps: true,
        },
      ],
      hooks: {
        drawClear: [() => inside(u, () => data.band && drawBand(u, data.band))],
        draw: [
          () =>
            inside(u, () => {
              drawMarks(u, data.marks);
              drawLimits(u, data.limits);
              drawPoints(u, data.points ?? [], data.cursor);
            }),
        ],
        setSelect: [
          () => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, "x");
            const to = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            order.onRange?.(from, to);
          },
        ],
        setCursor: [() => readout()],
      },
    };
  }

  const told = document.createElement("output");
  told.className = "chart-readout";
  told.setAttribute("aria-hidden", "true");
  at.append(told);
  function readout() {
    const i = u.cursor.idx;
    const value = i === null || i === undefined ? null : data.values[i];
    told.textContent =
      value === null || value === undefined
        ? ""
        : `${number(value)} ${order.unit} at ${new Date(data.times[i!]).toLocaleTimeString("en-GB")}`;
  }

  // wheel: zoom about the pointer (with ctrl or alt, so that a page can still be scrolled); shift and wheel: move
  const over = u.over;
  const wheel = (e: WheelEvent) => {
    if (!order.onRange || !(e.ctrlKey || e.altKey || e.shiftKey)) return;
    e.preventDefault();
    const span = range[1] - range[0];
    // turns that come faster than the chart is drawn add up
    const ask = (from: number, to: number) => order.onRange?.(...(range = [from, to]));
    if (e.shiftKey) {
      const move = (Math.sign(e.deltaY || e.deltaX) * span) / 8;
      return ask(range[0] + move, range[1] + move);
    }
    const middle = range[0] + (e.offsetX / u.over.clientWidth) * span;
    const factor = e.deltaY > 0 ? 1.35 : 1 / 1.35;
    ask(middle - (middle - range[0]) * factor, middle + (range[1] - middle) * factor);
  };
  over.addEventListener("wheel", wheel, { passive: false });
  over.addEventListener("dblclick", () => order.onReset?.());
  over.addEventListener("click", (e) => order.onPick?.(u.posToVal(e.offsetX, "x")));

  return {
    show(next, from, to) {
      data = next;
      range = [from, to];
      u.setData([next.times, next.values] as uPlot.AlignedData);
    },
    resize: (width) => u.setSize({ width: Math.max(120, width), height: order.height }),
    restyle: () => u.redraw(false, true),
    destroy: () => u.destroy(),
  };
}
