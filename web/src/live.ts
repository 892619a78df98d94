// SPDX-License-Identifier: Apache-2.0
// One event stream per page. Events are gathered and handed on at most ten times a second, so that
// a busy fleet costs the browser no more than a quiet one.
import { signal } from "@preact/signals";
import { query, remember, ticket } from "./api";
import { toTwin } from "./documents";
import { token } from "./session";

export interface LiveEvent {
  kind: string; // state, alert, command
  twin: string;
  document: Record<string, unknown>;
}

export type Listener = (events: LiveEvent[]) => void;
export interface Wanted {
  twins?: string;
  kinds?: string;
}

/** What the small light in the header tells. */
export const liveState = signal<"off" | "connecting" | "live" | "waiting">("off");
/** Events the node could not keep for us since the page was opened. */
export const missed = signal(0);

const names = ["state", "alert", "command", "batch", "missed", "message"];
const pause = 100;

/** The events in one frame, whether it bears one document, a list, or an envelope. */
export function eventsOf(name: string, data: string): LiveEvent[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return [];
  }
  const list = Array.isArray(parsed)
    ? parsed
    : Array.isArray((parsed as { events?: unknown[] })?.events)
      ? (parsed as { events: unknown[] }).events
      : [parsed];
  return list.flatMap((one) => {
    if (one === null || typeof one !== "object") return [];
    const o = one as Record<string, unknown>;
    const inner = o.document ?? o.data ?? o;
    const document = (typeof inner === "string" ? JSON.parse(inner) : inner) as Record<string, unknown>;
    const kind = String(
      o.document
        ? (o.kind ?? name)
        : names.includes(name) && name !== "batch" && name !== "message"
          ? name
          : (o.kind ?? name),
    );
    return [{ kind, twin: String(o.twin ?? document.twin ?? document.id ?? ""), document }];
  });
}

class Stream {
  private source?: EventSource;
  private gathered: LiveEvent[] = [];
  private timer?: number;
  private retry?: number;
  private lastId = "";
  private wait = 500;
  private closed = false;

  constructor(
    private readonly wanted: Wanted,
    private readonly tell: Listener,
    private readonly onGap: () => void,
  ) {
    void this.open();
  }

  close() {
    this.closed = true;
    this.source?.close();
    clearTimeout(this.timer);
    clearTimeout(this.retry);
    liveState.value = "off";
  }

  private async open() {
    liveState.value = "connecting";
    let pass: string | undefined;
    try {
      if (token.value) pass = await ticket();
    } catch {
      this.later();
      return;
    }
    if (this.closed) return;
    // A new EventSource cannot send Last-Event-ID, so the place goes along in the address, too.
    const address = `/api/v1/events${query({ ...this.wanted, ticket: pass, last_event_id: this.lastId })}`;
    const source = new EventSource(address);
    this.source = source;
    source.onopen = () => {
      liveState.value = "live";
      this.wait = 500;
    };
    source.onerror = () => {
      // A ticket is good for once: with one, or after a refusal, a new stream has to be opened.
      if (source.readyState === EventSource.CLOSED || token.value) {
        source.close();
        this.later();
      } else liveState.value = "connecting";
    };
    for (const name of names) source.addEventListener(name, (e) => this.take(name, e as MessageEvent<string>));
  }

  private later() {
    if (this.closed) return;
    liveState.value = "waiting";
    this.retry = window.setTimeout(() => void this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, 15_000);
  }

  private take(name: string, event: MessageEvent<string>) {
    if (event.lastEventId) this.lastId = event.lastEventId;
    if (name === "missed") {
      const told = JSON.parse(event.data || "{}") as { events?: number | null };
      missed.value += told.events ?? 0; // null: nobody knows how many
      this.onGap();
      return;
    }
    this.gathered.push(...eventsOf(name, event.data));
    this.timer ??= window.setTimeout(() => {
      this.timer = undefined;
      const events = this.gathered;
      this.gathered = [];
      this.tell(events);
    }, pause);
  }
}

let current: Stream | undefined;
let currentEnd: (() => void) | undefined;
const everywhere = new Set<Listener>();

/** Alerts, wherever one stands: the shell counts and announces them from the page's stream. */
export function onEveryPage(listener: Listener): () => void {
  everywhere.add(listener);
  return () => everywhere.delete(listener);
}

/** Replaces the page's stream; the function returned ends it. `onGap` is called when events were lost. */
export function watch(wanted: Wanted, listener: Listener, onGap: () => void = () => {}): () => void {
  currentEnd?.();
  const stream = new Stream(
    wanted,
    (events) => {
      for (const e of events) if (e.kind === "state" && e.document.telemetry) remember(toTwin(e.document));
      listener(events);
      for (const other of everywhere) other(events);
    },
    onGap,
  );
  current = stream;
  const end = () => {
    if (current === stream) {
      current = undefined;
      currentEnd = undefined;
    }
    stream.close();
  };
  currentEnd = end;
  return end;
}
