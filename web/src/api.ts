// SPDX-License-Identifier: Apache-2.0
// The HTTP API, typed. Failures are one class with words for people: what problem+json says, or
// that the node cannot be reached.
import {
  type AlertRow,
  type CommandState,
  type Job,
  type ModelVersion,
  type Quarantined,
  type Series,
  type Stats,
  type Step,
  type Twin,
  type TwinRow,
  type ModelText,
  items,
  toJob,
  toModelVersion,
  toRow,
  toTwin,
} from "./documents";
import { authorization, signInNeeded } from "./session";

export interface Fault {
  line?: number;
  column?: number;
  detail: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly faults: Fault[] = [],
  ) {
    super(detail || title);
  }
}

export interface Page<T> {
  rows: T[];
  next: string;
  total?: number;
}

const base = "/api/v1";
const part = encodeURIComponent;
/** Ids keep their colon: plant1:motor-1 reads better in an address, and a path allows it. */
export const idPath = (id: string) => part(id).replace(/%3A/g, ":");

type Query = Record<string, string | number | boolean | undefined>;

export function query(of: Query): string {
  const pairs = Object.entries(of).filter(([, v]) => v !== undefined && v !== "");
  return pairs.length ? `?${pairs.map(([k, v]) => `${part(k)}=${part(String(v))}`).join("&")}` : "";
}

const place = /(?:^|[:\s])(\d+):(\d+)(?::\s*|\s+)(.*)$/;

/** Places in a text that an error names: members of `errors`, else "file:line:column: words". */
export function faultsIn(body: Record<string, unknown>, detail: string): Fault[] {
  if (Array.isArray(body.errors))
    return body.errors.map((e: Record<string, unknown> | string) => {
      if (typeof e === "string") return faultOf(e);
      const words = String(e.detail ?? e.message ?? e.what ?? "");
      return e.line ? { line: Number(e.line), column: Number(e.column ?? 1), detail: words } : faultOf(words);
    });
  if (body.line || body.column) return [{ line: Number(body.line ?? 1), column: Number(body.column ?? 1), detail }];
  return detail
    .split("\n")
    .map(faultOf)
    .filter((f) => f.line !== undefined);
}

function faultOf(words: string): Fault {
  const found = place.exec(words) ?? /line (\d+),? column (\d+):?\s*(.*)$/.exec(words);
  return found ? { line: Number(found[1]), column: Number(found[2]), detail: found[3] || words } : { detail: words };
}

async function failure(answer: Response): Promise<ApiError> {
  let body: Record<string, unknown> = {};
  const text = await answer.text().catch(() => "");
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    /* not every proxy answers with problem+json */
  }
  const title = String(body.title ?? answer.statusText ?? `Status ${answer.status}`);
  const detail = String(body.detail ?? (text.length < 300 && !text.startsWith("<") ? text.trim() : ""));
  return new ApiError(answer.status, title, detail, faultsIn(body, detail));
}

export interface Ask {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** One request; throws ApiError. A 401 brings up the sign-in form as well. */
export async function request(path: string, ask: Ask = {}): Promise<Response> {
  const raw = typeof ask.body === "string";
  const headers: Record<string, string> = { Accept: "application/json", ...authorization(), ...ask.headers };
  if (ask.body !== undefined && !headers["Content-Type"]) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(path, {
      method: ask.method ?? "GET",
      headers,
      body: ask.body === undefined ? undefined : raw ? (ask.body as string) : JSON.stringify(ask.body),
      signal: ask.signal,
      cache: "no-store",
    });
  } catch (e) {
    if ((e as Error).name === "AbortError") throw e;
    throw new ApiError(0, "The node cannot be reached", "It may be starting, or the connection is down. Trying again.");
  }
  if (answer.ok) return answer;
  const error = await failure(answer);
  if (answer.status === 401) signInNeeded.value = error.detail || "This node wants to know who you are.";
  throw error;
}

async function json(path: string, ask: Ask = {}): Promise<Record<string, unknown>> {
  const answer = await request(base + path, ask);
  const text = await answer.text();
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

async function page<T>(path: string, of: Query, make: (row: unknown) => T, signal?: AbortSignal): Promise<Page<T>> {
  const d = await json(path + query(of), { signal });
  const total = d.count ?? d.total;
  return {
    rows: items(d).map(make),
    next: String(d.next ?? d.cursor ?? ""),
    total: typeof total === "number" ? total : undefined,
  };
}

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  json(path, { method: "POST", body, headers });

// ---- twins

const mostSeen = 5000;
const asksAtOnce = 8;

export interface TwinsQuery {
  [key: string]: string | number | boolean | undefined;
  glob?: string;
  filter?: string;
  sort?: string;
  limit?: number;
  cursor?: string;
  count?: boolean;
  fields?: string;
}

export const twins = (of: TwinsQuery, signal?: AbortSignal): Promise<Page<TwinRow>> =>
  page("/twins", of, toRow, signal);
/** Documents as they were last seen, so that a listing of rows asks for those only that moved on
    without our hearing of it. */
const seen = new Map<string, Twin>();

export function remember(document: Twin) {
  seen.delete(document.id);
  seen.set(document.id, document);
  if (seen.size > mostSeen) seen.delete(seen.keys().next().value!);
}

/** A document may be this much older than its row before it is asked for again. */
const slackMs = 3000;

async function filled(row: Record<string, unknown>, signal?: AbortSignal): Promise<Twin> {
  if (row.telemetry && typeof row.telemetry === "object") return toTwin(row);
  const known = seen.get(String(row.id));
  const of = (time: unknown) => Date.parse(String(time ?? "")) || 0;
  if (known && of(known.last_event_time) + slackMs >= of(row.last_event_time)) return known;
  try {
    return await twin(String(row.id), signal);
  } catch (e) {
    if ((e as Error).name === "AbortError") throw e;
    return toTwin({ ...row, readings: { applied: row.readings } });
  }
}

/** The same listing with whole documents, for pages that show values: a listing has rows, the
    documents are asked for some at a time. */
export async function twinDocuments(of: TwinsQuery, signal?: AbortSignal): Promise<Page<Twin>> {
  const found = await page("/twins", of, (row) => row as Record<string, unknown>, signal);
  const rows: Twin[] = [];
  for (let at = 0; at < found.rows.length; at += asksAtOnce)
    rows.push(...(await Promise.all(found.rows.slice(at, at + asksAtOnce).map((row) => filled(row, signal)))));
  return { ...found, rows };
}

export async function twin(id: string, signal?: AbortSignal): Promise<Twin> {
  const document = toTwin(await json(`/twins/${idPath(id)}`, { signal }));
  remember(document);
  return document;
}

/** Those that a filter holds for; all of them from a node that cannot search. */
export async function twinsLike(filter: string, limit: number, signal?: AbortSignal): Promise<Page<Twin>> {
  try {
    return await twinDocuments({ filter, limit }, signal);
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 400) throw e;
    return twinDocuments({ limit }, signal);
  }
}

export interface Group {
  by: Record<string, string | null>;
  count: number;
}

/** How many twins there are of each kind of something, of those a filter holds for. */
export async function counted(groupBy: string, filter: string, signal?: AbortSignal): Promise<Group[]> {
  return items(
    await json(`/search/aggregate${query({ group_by: groupBy, filter, values: "count" })}`, { signal }),
  ) as Group[];
}

export async function stateAt(id: string, at: string, clock: string, signal?: AbortSignal): Promise<Twin> {
  return toTwin(await json(`/twins/${idPath(id)}/state${query({ at, clock })}`, { signal }));
}

export async function steps(id: string, of: Query, signal?: AbortSignal): Promise<Page<Step>> {
  const d = await json(`/twins/${idPath(id)}/steps${query(of)}`, { signal });
  return { rows: (d.steps ?? d.items ?? []) as Step[], next: String(d.next ?? "") };
}

export async function series(id: string, of: Query, signal?: AbortSignal): Promise<Series[]> {
  const d = await json(`/twins/${idPath(id)}/series${query(of)}`, { signal });
  return (d.series ?? d.items ?? []) as Series[];
}

export interface HistoryRow {
  event_time: string;
  ingest_time?: string;
  name: string;
  value: unknown;
}

export async function history(id: string, of: Query, signal?: AbortSignal): Promise<Page<HistoryRow>> {
  const d = await json(`/twins/${idPath(id)}/history${query(of)}`, { signal });
  const rows = items(d).map((r) => {
    const row = r as Record<string, unknown>;
    return {
      ...row,
      name: String(row.name ?? row.telemetry ?? ""),
      event_time: String(row.event_time ?? row.time ?? ""),
    } as HistoryRow;
  });
  return { rows, next: String(d.next ?? "") };
}

// ---- alerts

export interface AlertsQuery {
  [key: string]: string | number | boolean | undefined;
  twin?: string;
  state?: string;
  severity?: string;
  rule?: string;
  active?: boolean;
  limit?: number;
  cursor?: string;
}

export const alerts = (of: AlertsQuery, signal?: AbortSignal): Promise<Page<AlertRow>> =>
  page("/alerts", of, (row) => row as AlertRow, signal);

export async function alert(twinId: string, incident: string, signal?: AbortSignal): Promise<AlertRow> {
  return (await json(`/alerts/${idPath(twinId)}/${part(incident)}`, { signal })) as unknown as AlertRow;
}

export const actOnAlert = (twinId: string, incident: string, verb: string, with_: Record<string, string>) =>
  post(
    `/alerts/${idPath(twinId)}/${part(incident)}/${verb}`,
    Object.fromEntries(Object.entries(with_).filter(([, v]) => v !== "")),
  );

export const verifyAlert = (twinId: string, incident: string) =>
  post(`/alerts/${idPath(twinId)}/${part(incident)}/verify`);

export const shelve = (twinId: string, rule: string, with_: { for: string; comment: string }) =>
  post(`/twins/${idPath(twinId)}/rules/${part(rule)}/shelve`, with_);
export const unshelve = (twinId: string, rule: string) =>
  post(`/twins/${idPath(twinId)}/rules/${part(rule)}/unshelve`, {});

// ---- commands

/** Sends a command and waits some seconds for its fate; the key makes a repeat harmless. */
export async function sendCommand(
  id: string,
  name: string,
  arguments_: Record<string, unknown>,
): Promise<CommandState> {
  const key = `web-${crypto.randomUUID?.() ?? `${Date.now().toString(16)}-${Math.floor(Math.random() * 1e9).toString(16)}`}`;
  const d = await post(
    `/twins/${idPath(id)}/commands`,
    { name, arguments: arguments_ },
    { "Idempotency-Key": key, Prefer: "wait=5" },
  );
  return {
    ...(d as object),
    id: String(d.id ?? d.command_id ?? key),
    phase: String(d.phase ?? d.status ?? "accepted"),
  } as CommandState;
}

export async function commandState(id: string, command: string): Promise<CommandState> {
  return (await json(`/twins/${idPath(id)}/commands/${part(command)}`)) as unknown as CommandState;
}

// ---- models

export const models = async (): Promise<ModelVersion[]> => items(await json("/models")).map(toModelVersion);

export interface ModelAnswer {
  hash: string;
  text: string;
  model: ModelText;
}

const cache = new Map<string, Promise<ModelAnswer>>();

export function model(name: string, version?: string): Promise<ModelAnswer> {
  const key = `${name}@${version ?? ""}`;
  const known = version ? cache.get(key) : undefined;
  if (known) return known;
  const asked = readModel(name, version);
  if (version) {
    cache.set(key, asked); // a version never changes
    asked.catch(() => cache.delete(key));
  }
  return asked;
}

async function readModel(name: string, version?: string): Promise<ModelAnswer> {
  const d = await json(`/models/${part(name)}${query({ version })}`);
  const inner = d.text ?? d.json ?? d.document ?? (d.operators || d.telemetry ? d : (d.model ?? d));
  const parsed = (typeof inner === "string" ? JSON.parse(inner) : inner) as ModelText;
  return {
    hash: String(d.hash ?? version ?? ""),
    text: typeof inner === "string" ? inner : modelText(parsed as unknown as Record<string, unknown>),
    model: parsed,
  };
}

export const modelVersions = async (name: string): Promise<ModelVersion[]> =>
  items(await json(`/models/${part(name)}/versions`)).map(toModelVersion);

/** A model as people write it: an operator, a telemetry, a command a line. */
export function modelText(model: Record<string, unknown>): string {
  const line = (v: unknown): string => {
    if (Array.isArray(v)) return `[${v.map(line).join(", ")}]`;
    if (v === null || typeof v !== "object") return JSON.stringify(v);
    return `{${Object.entries(v)
      .map(([k, one]) => `${JSON.stringify(k)}: ${line(one)}`)
      .join(", ")}}`;
  };
  const members = Object.entries(model).map(([key, v]) => {
    if (Array.isArray(v) && v.length && typeof v[0] === "object")
      return `  ${JSON.stringify(key)}: [\n${v.map((o) => `    ${line(o)}`).join(",\n")}\n  ]`;
    if (v && typeof v === "object" && !Array.isArray(v) && ["telemetry", "commands"].includes(key))
      return `  ${JSON.stringify(key)}: {\n${Object.entries(v)
        .map(([k, o]) => `    ${JSON.stringify(k)}: ${line(o)}`)
        .join(",\n")}\n  }`;
    return `  ${JSON.stringify(key)}: ${line(v)}`;
  });
  return `{\n${members.join(",\n")}\n}\n`;
}

export const checkModel = (text: string) => json("/models/check", { method: "POST", body: text });
export const applyModel = (text: string, twinGlob?: string) =>
  json(`/models${query({ twins: twinGlob })}`, { method: "POST", body: text });
export const rollbackModel = (name: string, hash?: string) =>
  post(`/models/${part(name)}/rollback`, hash ? { version: hash } : {});

// ---- jobs, quarantine, node

export const jobs = async (): Promise<Job[]> => items(await json("/jobs")).map(toJob);
export const job = async (id: number): Promise<Job> => toJob(await json(`/jobs/${id}`));
export const startJob = async (kind: string, arguments_: Record<string, unknown>): Promise<Job> =>
  toJob(await post("/jobs", { kind, arguments: arguments_ }));
export const cancelJob = (id: number) => json(`/jobs/${id}`, { method: "DELETE" });

export const quarantine = (cursor: string, signal?: AbortSignal): Promise<Page<Quarantined>> =>
  page("/quarantine", { limit: 50, cursor }, (row) => row as Quarantined, signal);
export const quarantined = async (id: number): Promise<Quarantined> =>
  (await json(`/quarantine/${id}`)) as unknown as Quarantined;
export const replayQuarantined = (id: number) => post(`/quarantine/${id}/replay`);

export const stats = async (signal?: AbortSignal): Promise<Stats> => (await json("/stats", { signal })) as Stats;
/** Who the page is to the node; or who it would be with another token. */
export const whoami = (with_?: string): Promise<Record<string, unknown>> =>
  json("/whoami", with_ ? { headers: { Authorization: `Bearer ${with_}` } } : {});
export const ticket = async (): Promise<string> => String((await post("/tickets")).ticket ?? "");
export const metrics = async (): Promise<string> =>
  (await request("/metrics", { headers: { Accept: "text/plain" } })).text();

/** Not ready is an answer, too: 503 with the same lines. */
export async function readiness(): Promise<{ ready: boolean; text: string }> {
  const answer = await fetch("/readyz?verbose", { headers: authorization(), cache: "no-store" });
  return { ready: answer.ok, text: await answer.text() };
}
