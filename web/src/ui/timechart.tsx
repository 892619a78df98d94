// SPDX-License-Identifier: Apache-2.0
// The chart as a component: loads its library when first seen, follows its width and the theme.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ChartOrder, Drawn, TimeChart } from "../chart";
import { clock, number } from "../format";
import { dark } from "../theme";

interface Props extends Omit<ChartOrder, "height"> {
  data: Drawn;
  from: number;
  to: number;
  height?: number;
}

/** What the picture says, for who cannot see it. */
export function inWords(label: string, unit: string, data: Drawn, from: number, to: number): string {
  const shown = data.values.filter((v, i): v is number => v !== null && data.times[i] >= from && data.times[i] <= to);
  if (shown.length === 0) return `${label}: no values from ${clock(from)} to ${clock(to)}`;
  let [low, high] = [Infinity, -Infinity];
  for (const v of shown) [low, high] = [Math.min(low, v), Math.max(high, v)];
  const count = data.marks.length;
  const alerts = count ? `, ${count} ${count === 1 ? "alert" : "alerts"}` : "";
  const band = data.band ? `, window from ${number(data.band.low)} to ${number(data.band.high)}` : "";
  return `${label} from ${clock(from)} to ${clock(to)}: between ${number(low)} and ${number(high)} ${unit}, last ${number(shown.at(-1))}${band}${alerts}`;
}

export function TimeChartView(props: Props) {
  const at = useRef<HTMLDivElement>(null);
  const chart = useRef<TimeChart | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [ready, setReady] = useState(false);
  useEffect(() => {
    let ended = false;
    let size: ResizeObserver | undefined;
    void import("../chart").then(({ createChart }) => {
      if (ended || !at.current) return;
      chart.current = createChart(at.current, {
        unit: props.unit,
        label: props.label,
        height: props.height ?? 150,
        sync: props.sync,
        onRange: props.onRange && ((from, to) => latest.current.onRange?.(from, to)),
        onReset: () => latest.current.onReset?.(),
        onPick: props.onPick && ((time) => latest.current.onPick?.(time)),
      });
      size = new ResizeObserver(([entry]) => chart.current?.resize(Math.floor(entry.contentRect.width)));
      size.observe(at.current);
      setReady(true);
    });
    return () => {
      ended = true;
      size?.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);
  useEffect(() => chart.current?.show(props.data, props.from, props.to), [ready, props.data, props.from, props.to]);
  const isDark = dark.value;
  useEffect(() => chart.current?.restyle(), [isDark]);
  return (
    <div
      class="chart"
      role="img"
      aria-label={inWords(props.label, props.unit, props.data, props.from, props.to)}
      ref={at}
    />
  );
}
