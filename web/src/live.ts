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
/** What the node could not keep for us since the page was opened: how often, and events as far as
    they were counted. */
export const missed = signal({ times: 0, events: 0 });

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

/** How many events a frame "missed" tells of; 0 where nobody knows. */
export function missedOf(data: string): number {
  try {
    return Number((JSON.parse(data) as { events?: number | null }).events ?? 0);
  } catch {
    return 0;
  }
}

/** An EventSource that comes back: with a new ticket each time where tokens are, since one is good for
    once, and later and later while the node refuses. */
class Source {
  private source?: EventSource;
  private retry?: number;
  private wait = 500;
  private closed = false;

  constructor(
    private readonly address: (ticket?: string) => string,
    private readonly names: string[],
    private readonly take: (name: string, event: MessageEvent<string>) => void,
    private readonly state: (now: "connecting" | "live" | "waiting" | "off") => void,
  ) {
    void this.open();
  }

  close() {
    this.closed = true;
    this.source?.close();
    clearTimeout(this.retry);
    this.state("off");
  }

  private async open() {
    this.state("connecting");
    let pass: string | undefined;
    try {
      if (token.value) pass = await ticket();
    } catch {
      this.later();
      return;
    }
    if (this.closed) return;
    const source = new EventSource(this.address(pass));
    this.source = source;
    source.onopen = () => {
      this.state("live");
      this.wait = 500;
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED || token.value) {
        source.close();
        this.later();
      } else this.state("connecting");
    };
    for (const name of this.names)
      source.addEventListener(name, (e) => this.take(name, e as MessageEvent<string>));
  }

  private later() {
    if (this.closed) return;
    this.state("waiting");
    this.retry = window.setTimeout(() => void this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, 15_000);
  }
}

class Stream {
  private readonly source: Source;
  private gathered: LiveEvent[] = [];
  private timer?: number;
  private lastId = "";

  constructor(
    wanted: Wanted,
    private readonly tell: Listener,
    private readonly onGap: () => void,
  ) {
    // A new EventSource cannot send Last-Event-ID, so the place goes along in the address, too.
    this.source = new Source(
      (pass) => `/api/v1/events${query({ ...wanted, ticket: pass, last_event_id: this.lastId })}`,
      names,
      (name, event) => this.take(name, event),
      (now) => (liveState.value = now),
    );
  }

  close() {
    clearTimeout(this.timer);
    this.source.close();
  }

  private take(name: string, event: MessageEvent<string>) {
    if (event.lastEventId) this.lastId = event.lastEventId;
    if (name === "missed") {
      missed.value = { times: missed.value.times + 1, events: missed.value.events + missedOf(event.data) };
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

/** Tells when twins begin or cease to fit a filter, and once as soon as none of that can be lost any
    more; the function returned ends it. */
export function watchSearch(filter: string, changed: () => void): () => void {
  let current = false;
  const source = new Source(
    (pass) => `/api/v1/search/live${query({ filter, fields: "id", ticket: pass })}`,
    ["enter", "leave", "current"],
    (name) => {
      if (name === "current") current = true;
      if (current) changed();
    },
    (now) => {
      if (now === "connecting") current = false; // it begins anew
    },
  );
  return () => source.close();
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
