// SPDX-License-Identifier: Apache-2.0
// The order for a back-test as the API takes it, and its report as far as the editor shows it.
export interface Counts {
  ruling: number;
  candidate: number;
  same: number;
  moved: number;
  gained: number;
  lost: number;
  changed?: number;
}
export interface Difference {
  twin: string;
  rule: string;
  kind: string;
  lead_s?: number;
  ruling?: { event_time: string; severity: string; message: string; incident?: string };
  candidate?: { event_time: string; severity: string; message: string };
}
export interface Report {
  state?: string;
  readings?: number;
  twins?: { asked: number; done: number; compared: number; of_other_models: number; failed: number };
  alerts?: Counts;
  rules?: (Counts & { rule: string })[];
  days?: (Counts & { day: string })[];
  differences?: Difference[];
  differences_total?: number;
  failures?: { twin: string; what: string }[];
}

export interface Asked {
  model: string;
  twins: string;
  from: string;
  to: string;
  tolerance: string;
}

/** What was left empty is left out: the node's defaults stand. */
export function backtestArguments(of: Asked): Record<string, unknown> {
  const given = Object.entries({ ...of, twins: of.twins.trim(), tolerance: of.tolerance.trim() }).filter(
    ([, v]) => v !== "",
  );
  return { ...Object.fromEntries(given), differences: 200 };
}
