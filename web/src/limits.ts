// SPDX-License-Identifier: Apache-2.0
// Which lines belong into a chart: limits as the model states them and as an alert's evidence
// names them; bands of windows. Pure: tests give it documents.
import type { Band, Limit, Mark } from "./chart";
import type { AlertRow, Evidence, ModelText, WindowState } from "./documents";
import { millis, number, words } from "./format";

/** Limits a model sets for a telemetry itself (not for an expression of it). */
export function limitsOf(model: ModelText | undefined, telemetry: string): Limit[] {
  const out: Limit[] = [];
  for (const o of model?.operators ?? []) {
    if (o.type !== "threshold" || String(o.value).trim() !== telemetry) continue;
    for (const side of ["above", "below"] as const)
      if (typeof o[side] === "number")
        out.push({
          value: o[side] as number,
          label: `${words(String(o.name))} ${side} ${number(o[side])}`,
          tone: String(o.severity ?? "warning"),
        });
  }
  return out;
}

/** The longest window over a telemetry: mean and one standard deviation to each side, over its span. */
export function bandOf(windows: WindowState[], telemetry: string): Band | undefined {
  let best: Band | undefined;
  for (const w of windows) {
    if (w.telemetry !== telemetry || w.mean === undefined || !w.from || !w.to || w.count < 2) continue;
    const sd = w.sample_stddev ?? 0;
    const band = { from: millis(w.from), to: millis(w.to), low: w.mean - sd, high: w.mean + sd, middle: w.mean };
    if (!best || band.to - band.from > best.to - best.from) best = band;
  }
  return best;
}

export function marksOf(alerts: AlertRow[], now: number): Mark[] {
  return alerts
    .filter((a) => a.raised_at)
    .map((a) => ({
      from: millis(a.raised_at),
      to: a.state === "emitted" ? undefined : a.cleared_at ? millis(a.cleared_at) : now,
      tone: a.severity,
      label: `${words(a.rule)} (${a.severity})`,
    }));
}

const lines: Record<string, string> = {
  above: "critical",
  below: "critical",
  low: "critical",
  high: "critical",
  upper: "critical",
  lower: "critical",
  clear: "ok",
  clear_low: "ok",
  clear_high: "ok",
};

/** Lines of an alert's evidence, on the scale of the value judged: a limit as it stands there, or,
    where a mean and a deviation were judged by, so many deviations beside the mean. */
export function evidenceLimits(proof: Evidence): Limit[] {
  const n = proof.numbers ?? {};
  const out: Limit[] = [];
  for (const [key, tone] of Object.entries(lines))
    if (typeof n[key] === "number") out.push({ value: n[key], label: `${words(key)} ${number(n[key])}`, tone });
  if (typeof n.mean !== "number") {
    if (typeof n.limit === "number") out.push({ value: n.limit, label: `limit ${number(n.limit)}`, tone: "critical" });
    return out;
  }
  out.push({ value: n.mean, label: `mean ${number(n.mean)}`, tone: "muted" });
  if (typeof n.sd === "number" && typeof n.limit === "number" && n.upper === undefined) {
    const at = n.mean + ((n.value ?? n.mean) < n.mean ? -1 : 1) * n.limit * n.sd;
    out.push({ value: at, label: `${number(n.limit)} deviations: ${number(at)}`, tone: "critical" });
  }
  return out;
}
