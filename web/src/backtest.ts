// SPDX-License-Identifier: Apache-2.0
// The order for a back-test as the API takes it, and its report as far as the editor shows it.
import { duration, millis } from "./format";

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
  file: string;
  twins: string;
  from: string;
  to: string;
  tolerance: string;
}

const nanoseconds = (ms: number) => (Number.isNaN(ms) ? undefined : Math.round(ms) * 1e6);

/** Times and durations are nanoseconds in a job's arguments; what was left empty is left out. */
export function backtestArguments(of: Asked): Record<string, unknown> {
  const all = {
    model: of.model,
    file: of.file,
    twins: of.twins.trim() || undefined,
    from: nanoseconds(millis(of.from)),
    to: nanoseconds(millis(of.to)),
    tolerance: of.tolerance ? nanoseconds(duration(of.tolerance)) : undefined,
    differences: 200,
  };
  return Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined));
}
