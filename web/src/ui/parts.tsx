// SPDX-License-Identifier: Apache-2.0
// Small pieces every page is made of: badges, cards, and what stands there when there is nothing,
// nothing yet, or an error.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";
import { type Severity, severityRank } from "../documents";
import { ageOf, clock } from "../format";
import { now } from "../clock";
import { Icon } from "./icons";

export function Badge({
  severity,
  children,
}: {
  severity?: Severity | "ok" | "off" | string;
  children: ComponentChildren;
}) {
  return <span class={`badge ${severity ?? "off"}`}>{children}</span>;
}

/** What is meant must not hang on colour alone: the word stands beside the dot. */
export function Dot({ tone, label }: { tone: string; label: string }) {
  return (
    <span class="dotted">
      <span class={`dot ${tone}`} aria-hidden="true" />
      {label}
    </span>
  );
}

export function Card(props: {
  title?: ComponentChildren;
  aside?: ComponentChildren;
  class?: string;
  label?: string;
  children: ComponentChildren;
}) {
  return (
    <section
      class={`card ${props.class ?? ""}`}
      aria-label={props.label ?? (typeof props.title === "string" ? props.title : undefined)}
    >
      {(props.title || props.aside) && (
        <header class="card-head">
          <h2>{props.title}</h2>
          {props.aside && <div class="card-aside">{props.aside}</div>}
        </header>
      )}
      {props.children}
    </section>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

const hints: Record<number, string> = {
  403: "Your role does not allow this.",
  404: "It may have been deleted, or the node does not offer this yet.",
  429: "Too many requests; it will be tried again.",
  503: "The node is not ready.",
};

export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const e = error instanceof ApiError ? error : undefined;
  const title = e?.title || (error as Error)?.message || "Something went wrong";
  return (
    <div class="failure" role="alert">
      <p class="failure-title">
        {title}
        {e && e.status > 0 ? <span class="muted"> ({e.status})</span> : null}
      </p>
      {e?.detail && e.detail !== title && <p>{e.detail}</p>}
      {e && hints[e.status] && <p class="muted">{hints[e.status]}</p>}
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what}…
    </p>
  );
}

/** An age that goes on by itself, with the exact time for whoever points at it. */
export function Age({ time }: { time: string | null | undefined }) {
  if (!time) return <span class="muted">–</span>;
  return (
    <time dateTime={time} title={clock(time, true)}>
      {ageOf(time, now.value)}
    </time>
  );
}

export const severityWord = (s?: string) => s ?? "ok";

export function byWorst<T extends { severity?: string; raised_at?: string }>(a: T, b: T): number {
  return severityRank(b.severity) - severityRank(a.severity) || (b.raised_at ?? "").localeCompare(a.raised_at ?? "");
}

export function PageHead({
  title,
  sub,
  children,
}: {
  title: ComponentChildren;
  sub?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div>
        <h1>{title}</h1>
        {sub && <p class="muted">{sub}</p>}
      </div>
      {children && <div class="page-tools">{children}</div>}
    </header>
  );
}

/** A dialog of the browser's own: it keeps the keyboard inside and closes by Escape. */
export function Dialog({
  title,
  close,
  wide,
  children,
}: {
  title: string;
  close: () => void;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? "dialog wide" : "dialog"}
      aria-label={title}
      onClose={close}
      onClick={(e) => e.target === ref.current && ref.current?.close()}
    >
      <header class="card-head">
        <h2>{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={() => ref.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** A button that is busy while its work runs; what it throws is given to `failed`. */
export function Action(props: {
  run: () => Promise<unknown>;
  failed?: (e: unknown) => void;
  class?: string;
  disabled?: boolean;
  title?: string;
  children: ComponentChildren;
}) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    try {
      await props.run();
    } catch (e) {
      props.failed?.(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class={props.class}
      title={props.title}
      disabled={busy || props.disabled}
      aria-busy={busy}
      onClick={() => void press()}
    >
      {props.children}
    </button>
  );
}
