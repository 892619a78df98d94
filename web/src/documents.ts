// SPDX-License-Identifier: Apache-2.0
// The documents of the API, as far as the dashboard reads them. Members may be missing: a viewer
// must not go blank because a node is older or newer than its page.

export type Severity = "info" | "warning" | "critical";
export type Value = number | string | boolean | null;

export interface Telemetry {
  value: Value;
  unit?: string;
  event_time?: string | null;
  age_s?: number | null;
  readings?: number;
  declared?: boolean;
}

export interface WindowState {
  name: string;
  telemetry?: string;
  span?: string;
  count: number;
  mean?: number;
  sample_stddev?: number;
  min?: number;
  max?: number;
  from?: string;
  to?: string;
}

export interface RuleState {
  name: string;
  type: string;
  state: string;
  explanation: string;
}

export interface AlertRow {
  twin: string;
  incident: string;
  rule: string;
  severity: Severity;
  state: string;
  message: string;
  raised_at: string;
  cleared_at?: string;
  acknowledged?: boolean;
  acknowledged_by?: string;
  assigned_to?: string;
  snoozed_until?: string;
  transitions?: Transition[];
}

export interface Evidence {
  field?: string;
  numbers: Record<string, number>;
  times: Record<string, string>;
  event_times: string[];
  windows?: { name: string; count: number; mean: number; min: number; max: number; from?: string; to?: string }[];
  path?: { stage: string; event_time?: string; numbers?: Record<string, number> }[];
  explanation: string;
}

export interface Transition {
  id: string;
  transition: string;
  time: string;
  ingest_time?: string;
  severity?: Severity;
  message?: string;
  model_hash?: string;
  by?: string;
  to?: string;
  until?: string;
  late?: boolean;
  silent?: string;
  rule_type?: string;
  evidence?: Evidence;
}

export interface CommandState {
  id: string;
  command?: string;
  name?: string;
  phase: string;
  requested_at?: string;
  expires_at?: string;
  detail?: string;
  arguments?: Record<string, Value>;
}

export interface Twin {
  id: string;
  kind: string;
  model: { name: string; hash?: string };
  revision?: string | number;
  connected?: boolean;
  last_event_time?: string | null;
  last_ingest_time?: string | null;
  next_wakeup?: string | null;
  readings?: { applied?: number; late?: number; duplicates?: number; missing?: number; corrections?: number };
  memory?: { state_bytes?: number; window_bytes?: number };
  telemetry: Record<string, Telemetry>;
  windows: WindowState[];
  outputs: Record<string, number | null>;
  rules: RuleState[];
  alerts: AlertRow[];
  commands: CommandState[];
  properties?: Record<string, unknown>;
  parent?: string;
  shelved?: { id: string; rule?: string; until?: string; by?: string; reason?: string }[];
  maintenance?: { id: string; until?: string; by?: string; reason?: string }[];
  event_time?: { watermark?: string; late?: string; pending?: number; clock_skew_s?: number | null };
  at?: {
    clock: string;
    time: string | null;
    input: string;
    state_hash: string;
    replayed_inputs: number;
    from_state_at: string;
  };
}

/** One line of the list of twins, whichever of the two forms it came in. */
export interface TwinRow {
  id: string;
  kind: string;
  model: string;
  connected?: boolean;
  awake?: boolean;
  readings?: number;
  last_event_time?: string | null;
  active_alerts: number;
  worst?: Severity;
  telemetry: Record<string, Telemetry>;
}

export interface Series {
  telemetry: string;
  time?: string[];
  value?: number[];
  mean?: number[];
}

export interface Step {
  input: string;
  ingest_time: string;
  kind: string;
  readings?: { event_time: string; values: Record<string, Value> }[];
  effects: Record<string, unknown>[];
  changes: { part: string; before: unknown; after: unknown }[];
  state_hash?: string;
  [more: string]: unknown;
}

export interface CommandModel {
  argument?: string;
  min?: number;
  max?: number;
  max_step?: number;
  min_interval?: string;
  ttl?: string;
  arguments?: Record<string, unknown>;
  description?: string;
}

export interface ModelText {
  name: string;
  kind?: string;
  description?: string;
  telemetry?: Record<string, { unit?: string; type?: string; min?: number; max?: number; description?: string }>;
  commands?: Record<string, CommandModel>;
  operators?: Record<string, unknown>[];
}

export interface ModelVersion {
  name: string;
  kind?: string;
  hash: string;
  previous?: string;
  how?: string;
  by?: string;
  twins?: string;
  at?: string | null;
  ruling?: boolean;
  shadow?: boolean;
}

export interface Job {
  id: number;
  kind: string;
  state: string;
  done: number;
  total: number;
  what?: string;
  by?: string;
  asked_at?: string;
  result?: Record<string, unknown>;
}

export interface Quarantined {
  id: number;
  ingest_time: string;
  reason: string;
  topic: string;
  detail: string;
  payload?: string;
  payload_encoding?: string;
  mapping?: string;
}

export interface Stats {
  ready?: boolean;
  twins?: number;
  conditions?: Record<string, { ok: boolean; why: string }>;
  readings?: { received?: number; stored?: number; applied?: number };
  [more: string]: unknown;
}

const object = (v: unknown): Record<string, unknown> =>
  v !== null && typeof v === "object" ? (v as Record<string, unknown>) : {};

/** The rows of a listing: {"items": [...]}, else the first member that is a list. */
export function items(document: unknown): unknown[] {
  if (Array.isArray(document)) return document;
  const d = object(document);
  if (Array.isArray(d.items)) return d.items;
  return (Object.values(d).find(Array.isArray) as unknown[] | undefined) ?? [];
}

const rank: Record<string, number> = { info: 1, warning: 2, critical: 3 };
export const severityRank = (s: string | undefined) => rank[s ?? ""] ?? 0;

export function worstOf(alerts: { severity?: string; state?: string }[]): Severity | undefined {
  let worst: string | undefined;
  for (const a of alerts) if (severityRank(a.severity) > severityRank(worst)) worst = a.severity;
  return worst as Severity | undefined;
}

export function toTwin(document: unknown): Twin {
  const d = object(document) as unknown as Twin;
  const model =
    typeof (d.model as unknown) === "string" ? { name: d.model as unknown as string } : (d.model ?? { name: "" });
  const alerts = (Array.isArray(d.alerts) ? d.alerts : []).map((a) => ({ ...a, twin: a.twin ?? d.id }));
  return {
    ...d,
    model,
    kind: d.kind ?? model.name,
    telemetry: d.telemetry ?? {},
    windows: d.windows ?? [],
    outputs: d.outputs ?? {},
    rules: d.rules ?? [],
    alerts,
    commands: d.commands ?? [],
  };
}

export function toRow(document: unknown): TwinRow {
  const d = object(document);
  const model = typeof d.model === "string" ? d.model : String(object(d.model).name ?? "");
  const alerts = Array.isArray(d.alerts) ? (d.alerts as AlertRow[]) : [];
  const readings = typeof d.readings === "number" ? d.readings : (object(d.readings).applied as number | undefined);
  return {
    id: String(d.id ?? ""),
    kind: String(d.kind ?? model),
    model,
    connected: d.connected as boolean | undefined,
    awake: d.awake as boolean | undefined,
    readings,
    last_event_time: d.last_event_time as string | null | undefined,
    active_alerts: typeof d.active_alerts === "number" ? d.active_alerts : alerts.length,
    worst: worstOf(alerts) ?? (d.worst_severity as Severity | undefined),
    telemetry: (d.telemetry as Record<string, Telemetry> | undefined) ?? {},
  };
}

export function toModelVersion(document: unknown): ModelVersion {
  const d = object(document);
  return {
    ...(d as object),
    name: String(d.name ?? d.model ?? ""),
    hash: String(d.hash ?? ""),
    at: (d.at ?? d.time ?? d.since ?? null) as string | null,
  };
}

export function toJob(document: unknown): Job {
  const d = object(document);
  let result = d.result ?? d.document;
  if (typeof result === "string") {
    try {
      result = JSON.parse(result);
    } catch {
      result = undefined;
    }
  }
  return {
    ...(d as object),
    id: Number(d.id ?? 0),
    kind: String(d.kind ?? ""),
    state: String(d.state ?? ""),
    done: Number(d.done ?? 0),
    total: Number(d.total ?? 0),
    result: result && typeof result === "object" ? (result as Record<string, unknown>) : undefined,
  };
}

/** States in which an alert no longer asks for anything. */
export const isOver = (state: string) => ["cleared", "emitted", "retracted", "ended"].includes(state);
