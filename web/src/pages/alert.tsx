// SPDX-License-Identifier: Apache-2.0
// One alert: what happened, the very readings it was judged by against the limit, who did what.
import { useEffect, useState } from "preact/hooks";
import {
  actOnAlert,
  alert as readAlert,
  history,
  idPath,
  model as readModel,
  shelve,
  twin as readTwin,
  verifyAlert,
} from "../api";
import type { Drawn } from "../chart";
import { type AlertRow, type Evidence, type ModelText, type Transition, isOver } from "../documents";
import { age, clock, inSentence, iso, millis, number, shortHash, unitSign, words } from "../format";
import { evidenceLimits } from "../limits";
import { useLoad } from "../load";
import { Action, Badge, Card, Failure, Loading } from "../ui/parts";
import { TimeChartView } from "../ui/timechart";

interface Verb {
  verb: string;
  label: string;
  asks: ("comment" | "for" | "to")[];
  primary?: boolean;
}

/** What a person can do about an alert in a state. */
export function verbsFor(state: string): Verb[] {
  const out: Verb[] = [];
  if (!isOver(state)) {
    if (state !== "acknowledged")
      out.push({ verb: "acknowledge", label: "Acknowledge", asks: ["comment"], primary: true });
    if (state === "latched") out.push({ verb: "reset", label: "Reset", asks: ["comment"] });
    out.push(
      { verb: "snooze", label: "Snooze", asks: ["for", "comment"] },
      { verb: "assign", label: "Assign", asks: ["to"] },
    );
    out.push({ verb: "clear", label: "Clear", asks: ["comment"] });
  }
  out.push(
    { verb: "comment", label: "Comment", asks: ["comment"] },
    { verb: "shelve", label: "Shelve rule", asks: ["for", "comment"] },
  );
  return out;
}

const labels = { comment: "Comment", for: "For how long", to: "To whom" };

function ActionForm({
  verb,
  send,
  cancel,
}: {
  verb: Verb;
  send: (values: Record<string, string>) => Promise<void>;
  cancel: () => void;
}) {
  const [values, setValues] = useState<Record<string, string>>(verb.asks.includes("for") ? { for: "1h" } : {});
  const submit = (e: Event) => {
    e.preventDefault();
    void send(values);
  };
  return (
    <form
      class="inline-form"
      onSubmit={submit}
      onKeyDown={(e) => e.key === "Escape" && cancel()}
      aria-label={verb.label}
    >
      {verb.asks.map((what, i) => (
        <label key={what} class="field">
          <span>
            {labels[what]}
            {what === "comment" && verb.verb !== "comment" ? <span class="muted"> (may be left out)</span> : null}
          </span>
          {what === "for" ? (
            <select value={values.for} onChange={(e) => setValues({ ...values, for: e.currentTarget.value })}>
              {["5m", "15m", "1h", "8h", "24h", "168h"].map((d) => (
                <option key={d} value={d}>
                  {d}
                </option>
              ))}
            </select>
          ) : (
            <input
              ref={(el) => {
                if (el && i === 0 && !el.dataset.seen) {
                  el.dataset.seen = "1";
                  el.focus();
                }
              }}
              value={values[what] ?? ""}
              required={what === "to" || verb.verb === "comment"}
              onInput={(e) => setValues({ ...values, [what]: e.currentTarget.value })}
            />
          )}
        </label>
      ))}
      <button type="submit" class="primary">
        {verb.label}
      </button>
      <button type="button" class="quiet" onClick={cancel}>
        Cancel
      </button>
    </form>
  );
}

function Actions({ alert, changed }: { alert: AlertRow; changed: () => void }) {
  const [open, setOpen] = useState<Verb>();
  const [error, setError] = useState<unknown>();
  const [told, setTold] = useState("");
  const verbs = verbsFor(alert.state);
  const send = async (verb: Verb, values: Record<string, string>) => {
    setError(undefined);
    try {
      if (verb.verb === "shelve")
        await shelve(alert.twin, alert.rule, { for: values.for, comment: values.comment ?? "" });
      else await actOnAlert(alert.twin, alert.incident, verb.verb, values);
      setTold(`${verb.label}: done`);
      setOpen(undefined);
      changed();
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (
        e.key !== "a" ||
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        (e.target as HTMLElement).closest?.("input,textarea,select,dialog")
      )
        return;
      const verb = verbs.find((v) => v.verb === "acknowledge");
      if (verb) {
        e.preventDefault();
        setOpen(verb);
      }
    };
    // after the shell's: "g a" goes to the inbox and is no acknowledgement
    let went = 0;
    const watch = (e: KeyboardEvent) => {
      if (e.key === "g") went = e.timeStamp;
      else if (e.timeStamp - went > 1200) press(e);
    };
    addEventListener("keydown", watch);
    return () => removeEventListener("keydown", watch);
  });
  const verify = async () => {
    setTold("");
    const d = await verifyAlert(alert.twin, alert.incident);
    setTold(`Second opinion: ${String(d.says ?? d.result ?? "answered")}`);
  };
  return (
    <div class="actions">
      <div class="buttons" role="group" aria-label="Actions">
        {verbs.map((v) => (
          <button
            key={v.verb}
            type="button"
            class={v.primary ? "primary" : ""}
            aria-expanded={open?.verb === v.verb}
            onClick={() => setOpen(open?.verb === v.verb ? undefined : v)}
          >
            {v.label}
          </button>
        ))}
        <Action run={verify} failed={setError} title="Works the verdict out again from the journal, by other code">
          Verify
        </Action>
      </div>
      {open && (
        <ActionForm
          key={open.verb}
          verb={open}
          send={(values) => send(open, values)}
          cancel={() => setOpen(undefined)}
        />
      )}
      <p role="status" class="muted told">
        {told}
      </p>
      {error ? <Failure error={error} /> : null}
    </div>
  );
}

/** What is charted: the telemetry judged, else those the rule's expression names. */
export function judged(proof: Evidence, rule: string, model: ModelText | undefined): string[] {
  if (proof.field) return [proof.field];
  const known = Object.keys(model?.telemetry ?? {});
  const operators = new Map((model?.operators ?? []).map((o) => [String(o.name), o]));
  const found = new Set<string>();
  const seen = new Set<string>();
  const look = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    if (known.includes(name)) found.add(name);
    const o = operators.get(name);
    if (!o) return;
    for (const [key, value] of Object.entries(o))
      if (key !== "message" && key !== "description" && key !== "name")
        for (const word of JSON.stringify(value).matchAll(/[A-Za-z_]\w*/g)) look(word[0]);
  };
  look(rule);
  return [...found].slice(0, 3);
}

function EvidenceChart({
  alert,
  proof,
  telemetry,
  unit,
}: {
  alert: AlertRow;
  proof: Evidence;
  telemetry: string;
  unit: string;
}) {
  const own = proof.event_times.map(millis).filter((t) => !Number.isNaN(t));
  const at = millis(alert.raised_at);
  const first = Math.min(at, ...own);
  const last = Math.max(at, ...own);
  const air = Math.max(15_000, (last - first) * 0.15);
  const [from, to] = [first - air, Math.min(Date.now(), last + air)];
  const asked = useLoad(
    (signal) => history(alert.twin, { telemetry, from: iso(from), to: iso(to), limit: 1000 }, signal),
    [alert.twin, telemetry, alert.incident, Math.round(from / 1000)],
  );
  if (asked.error) return <Failure error={asked.error} again={asked.again} />;
  if (!asked.data) return <Loading what="the readings" />;
  const rows = asked.data.rows
    .filter((r) => typeof r.value === "number")
    .sort((a, b) => a.event_time.localeCompare(b.event_time));
  const exact = new Set(proof.event_times);
  const direct = proof.field === telemetry;
  const data: Drawn = {
    times: rows.map((r) => millis(r.event_time)),
    values: rows.map((r) => r.value as number),
    points: rows
      .filter((r) => exact.has(r.event_time) || own.includes(millis(r.event_time)))
      .map((r) => ({ time: millis(r.event_time), value: r.value as number })),
    marks: [
      {
        from: at,
        to: alert.cleared_at ? millis(alert.cleared_at) : undefined,
        tone: alert.severity,
        label: alert.rule,
      },
    ],
    limits: direct ? evidenceLimits(proof) : [],
  };
  return (
    <figure class="chart-box">
      <figcaption>
        {telemetry} <span class="unit">{unit}</span>{" "}
        <span class="muted">dots: the {data.points!.length} readings that stand as evidence</span>
      </figcaption>
      <TimeChartView label={`Evidence: ${telemetry}`} unit={unit} data={data} from={from} to={to} height={190} />
    </figure>
  );
}

function EvidenceView({ alert, transition, model }: { alert: AlertRow; transition: Transition; model?: ModelText }) {
  const proof = transition.evidence!;
  const fields = judged(proof, alert.rule, model);
  return (
    <Card title="Evidence">
      <p class="why">{inSentence(proof.explanation)}</p>
      {fields.map((f) => (
        <EvidenceChart key={f} alert={alert} proof={proof} telemetry={f} unit={unitSign(model?.telemetry?.[f]?.unit)} />
      ))}
      <dl class="facts">
        {Object.entries(proof.numbers ?? {}).map(([k, v]) => (
          <div key={k}>
            <dt>{words(k)}</dt>
            <dd>{number(v)}</dd>
          </div>
        ))}
        {Object.entries(proof.times ?? {}).map(([k, v]) => (
          <div key={k}>
            <dt>{words(k)}</dt>
            <dd>{clock(v, true)}</dd>
          </div>
        ))}
      </dl>
      {proof.path && (
        <ol class="path">
          {proof.path.map((s, i) => (
            <li key={i}>
              <strong>{words(s.stage)}</strong> <span class="muted">{clock(s.event_time, true)}</span>{" "}
              {Object.entries(s.numbers ?? {})
                .map(([k, v]) => `${k} ${number(v)}`)
                .join(", ")}
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Log({ transitions }: { transitions: Transition[] }) {
  return (
    <Card title="What happened">
      <ol class="log">
        {transitions.map((t) => (
          <li key={t.id}>
            <time class="mono">{clock(t.time, true)}</time>
            <span>
              <strong>{words(t.transition)}</strong>
              {t.by ? ` by ${t.by}` : ""}
              {t.to ? ` to ${t.to}` : ""}
              {t.until ? ` until ${clock(t.until)}` : ""}
              {t.silent ? `, ${t.silent}` : ""}
              <span class="muted"> {inSentence(t.evidence?.explanation || t.message || "")}</span>
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

export function AlertView({ twin, incident, changed }: { twin: string; incident: string; changed: () => void }) {
  const asked = useLoad((signal) => readAlert(twin, incident, signal), [twin, incident], 5000);
  const alert = asked.data;
  const transitions = Array.isArray(alert?.transitions) ? alert.transitions : [];
  const raised =
    [...transitions]
      .reverse()
      .find(
        (t) =>
          t.evidence &&
          ["raised", "reopened", "emitted", "corrected"].includes(t.transition) &&
          Object.keys(t.evidence.numbers ?? {}).length + t.evidence.event_times.length > 0,
      ) ?? transitions.find((t) => t.evidence);
  const hash = raised?.model_hash;
  const model = useLoad(async () => {
    if (!hash) return undefined;
    const name = (await readTwin(twin)).model.name;
    return (await readModel(name, hash)).model;
  }, [twin, hash]);
  if (!alert) return asked.error ? <Failure error={asked.error} again={asked.again} /> : <Loading what="the alert" />;
  const until = alert.cleared_at ? millis(alert.cleared_at) : Date.now();
  return (
    <article class="alert-open" aria-label={`Alert ${alert.rule} of ${twin}`}>
      <header class="alert-head">
        <h2>
          <Badge severity={alert.severity}>{alert.severity}</Badge> {words(alert.rule)}
        </h2>
        <p>{alert.message}</p>
        <p class="muted">
          <a class="mono" href={`/twins/${idPath(twin)}`}>
            {twin}
          </a>{" "}
          · {alert.state} · raised {clock(alert.raised_at, true)}
          {alert.state === "emitted"
            ? ""
            : `, ${alert.cleared_at ? "lasted" : "for"} ${age((until - millis(alert.raised_at)) / 1000)}`}
          {alert.acknowledged_by ? ` · acknowledged by ${alert.acknowledged_by}` : ""}
          {alert.assigned_to ? ` · assigned to ${alert.assigned_to}` : ""}
        </p>
        <p class="links">
          <a href={`/twins/${idPath(twin)}?at=${alert.raised_at}`}>The twin at that moment</a>{" "}
          <span class="muted">model {shortHash(hash)}</span>
        </p>
      </header>
      <Actions alert={{ ...alert, twin, incident }} changed={() => (asked.again(), changed())} />
      {raised?.evidence && (model.data || !model.loading) && (
        <EvidenceView alert={{ ...alert, twin, incident }} transition={raised} model={model.data} />
      )}
      <Log transitions={transitions} />
    </article>
  );
}
