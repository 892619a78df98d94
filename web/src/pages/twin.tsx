// SPDX-License-Identifier: Apache-2.0
// One twin: its values, charts, windows, rules, alerts, commands; or, with ?at=, how it was.
import { useState } from "preact/hooks";
import { alerts as listAlerts, idPath, model as readModel, twin as readTwin } from "../api";
import { type AlertRow, type CommandModel, type ModelText, type Twin, toTwin, worstOf } from "../documents";
import { age, ageOf, bytes, clock, inSentence, iso, millis, number, shortHash, words, unitSign } from "../format";
import { now } from "../clock";
import { useLive, useLoad } from "../load";
import { parameters, setParameters } from "../router";
import { RangeBar, TwinCharts } from "../ui/charts";
import { CommandForm, CommandList } from "../ui/command";
import { Documents } from "../ui/documents";
import { Age, Badge, Card, Dot, Empty, Failure, Loading, PageHead } from "../ui/parts";
import { TimeMachine } from "./timemachine";

export function quality(
  t: { event_time?: string | null; declared?: boolean; value: unknown },
  nowMs: number,
): [string, string] {
  if (t.value === null || t.value === undefined) return ["off", "never seen"];
  const seconds = (nowMs - millis(t.event_time)) / 1000;
  if (seconds > 300) return ["critical", "stale"];
  if (seconds > 60) return ["warning", "old"];
  return t.declared === false ? ["info", "not in the model"] : ["ok", "fresh"];
}

export function Values({ twin, at }: { twin: Twin; at?: number }) {
  const moment = at ?? now.value;
  return (
    <div class="table-wrap">
      <table>
        <caption class="hidden">Latest values</caption>
        <thead>
          <tr>
            <th scope="col">Telemetry</th>
            <th scope="col" class="num">
              Value
            </th>
            <th scope="col">Age</th>
            <th scope="col">Quality</th>
            <th scope="col" class="num">
              Readings
            </th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(twin.telemetry).map(([name, t]) => {
            const [tone, label] = quality(t, moment);
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="num value">
                  {number(t.value, 6)} <span class="unit">{unitSign(t.unit)}</span>
                </td>
                <td>{at ? age((at - millis(t.event_time)) / 1000) : ageOf(t.event_time, moment)}</td>
                <td>
                  <Dot tone={tone} label={label} />
                </td>
                <td class="num">{number(t.readings)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function Windows({ twin }: { twin: Twin }) {
  if (twin.windows.length === 0) return <p class="muted">The model has no windows.</p>;
  return (
    <div class="table-wrap">
      <table>
        <caption class="hidden">Windows</caption>
        <thead>
          <tr>
            <th scope="col">Window</th>
            <th scope="col">Span</th>
            <th scope="col" class="num">
              Count
            </th>
            <th scope="col" class="num">
              Mean
            </th>
            <th scope="col" class="num">
              Deviation
            </th>
            <th scope="col" class="num">
              Min
            </th>
            <th scope="col" class="num">
              Max
            </th>
          </tr>
        </thead>
        <tbody>
          {twin.windows.map((w) => (
            <tr key={w.name}>
              <th scope="row">{w.name}</th>
              <td>{w.span}</td>
              <td class="num">{number(w.count)}</td>
              <td class="num">{number(w.mean)}</td>
              <td class="num">{number(w.sample_stddev, 3)}</td>
              <td class="num">{number(w.min)}</td>
              <td class="num">{number(w.max)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const ruleTone = (state: string, alerting: boolean) =>
  alerting || state === "alerting" ? "critical" : state === "ok" ? "ok" : "off";

export function Rules({ twin }: { twin: Twin }) {
  if (twin.rules.length === 0) return <p class="muted">The model has no rules.</p>;
  const active = new Set(twin.alerts.map((a) => a.rule));
  return (
    <ul class="rules">
      {twin.rules.map((r) => (
        <li key={r.name}>
          <span class="rule-name">
            <Dot tone={ruleTone(r.state, active.has(r.name))} label={r.name} /> <span class="muted">{r.type}</span>
          </span>
          <span class="rule-state">{r.state}</span>
          <span class="rule-why">{inSentence(r.explanation)}</span>
        </li>
      ))}
    </ul>
  );
}

export function AlertLinks({ alerts, at }: { alerts: AlertRow[]; at?: number }) {
  if (alerts.length === 0) return <p class="muted">No active alert.</p>;
  return (
    <ul class="alert-list">
      {alerts.map((a) => (
        <li key={a.incident}>
          <a href={`/alerts/${idPath(a.twin)}/${a.incident}`}>
            <Badge severity={a.severity}>{a.severity}</Badge>
            <span class="alert-words">
              <strong>{words(a.rule)}</strong> {a.message}
            </span>
            <span class="muted">
              {a.state}, {at ? age((at - millis(a.raised_at)) / 1000) : <Age time={a.raised_at} />}
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Facts({ twin }: { twin: Twin }) {
  const rows: [string, unknown][] = [
    ["kind", twin.kind],
    ["last reading", clock(twin.last_event_time, true)],
    ["readings", number(twin.readings?.applied)],
    ["late", number(twin.readings?.late)],
    ["duplicates", number(twin.readings?.duplicates)],
    ["missing", number(twin.readings?.missing)],
    ["corrections", number(twin.readings?.corrections)],
    ["next timer", clock(twin.next_wakeup)],
    ["watermark", twin.event_time?.watermark && clock(twin.event_time.watermark, true)],
    ["parent", twin.parent && <a href={`/twins/${idPath(twin.parent)}`}>{twin.parent}</a>],
    ["memory", twin.memory && bytes(twin.memory.state_bytes)],
    ["revision", twin.revision],
  ];
  return (
    <dl class="facts">
      {rows
        .filter(([, v]) => v !== undefined && v !== null && v !== "" && v !== "–")
        .map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v as preact.ComponentChildren}</dd>
          </div>
        ))}
    </dl>
  );
}

function Properties({ twin }: { twin: Twin }) {
  const given = Object.entries(twin.properties ?? {});
  if (given.length === 0) return null;
  return (
    <Card title="Properties">
      <dl class="facts">
        {given.map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd class="mono">{typeof v === "object" ? JSON.stringify(v) : String(v)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Commands({ twin, model }: { twin: Twin; model?: ModelText }) {
  const known = Object.entries(model?.commands ?? {}) as [string, CommandModel][];
  const present = Object.fromEntries(Object.entries(twin.telemetry).map(([k, t]) => [k, t.value]));
  if (known.length === 0 && twin.commands.length === 0) return null;
  return (
    <Card title="Commands">
      {known.map(([name, command]) => (
        <CommandForm key={name} twin={twin.id} name={name} command={command} present={present} />
      ))}
      <CommandList commands={twin.commands} />
    </Card>
  );
}

function Silences({ twin }: { twin: Twin }) {
  const rows = [
    ...(twin.shelved ?? []).map((s) => ({ ...s, what: `rule ${s.rule} shelved` })),
    ...(twin.maintenance ?? []).map((m) => ({ ...m, what: "maintenance" })),
  ];
  if (rows.length === 0) return null;
  return (
    <p class="notice">
      {rows
        .map(
          (r) =>
            `${r.what} until ${clock(r.until)}${r.by ? ` by ${r.by}` : ""}${(r as { reason?: string }).reason ? `: ${(r as { reason?: string }).reason}` : ""}`,
        )
        .join("; ")}
    </p>
  );
}

function Present({
  twin,
  model,
  modelError,
  alerts,
}: {
  twin: Twin;
  model?: ModelText;
  modelError?: unknown;
  alerts: AlertRow[];
}) {
  return (
    <div class="columns">
      <div>
        <Card title="Charts" class="card-charts" aside={<RangeBar />}>
          <TwinCharts twin={twin} model={model} alerts={alerts} />
          <p class="muted hint">
            Drag to zoom, double-click for all; shift and wheel move, ctrl and wheel zoom. The band is the longest
            window's mean and one deviation to each side; coloured times are alerts, dashed lines limits.
          </p>
        </Card>
        <Card title="Values">
          <Values twin={twin} />
        </Card>
        <Card title="Windows">
          <Windows twin={twin} />
        </Card>
      </div>
      <div>
        <Card
          title="Alerts"
          aside={<a href={`/alerts?active=all&twin=${encodeURIComponent(twin.id)}`}>all of this twin</a>}
        >
          <AlertLinks alerts={twin.alerts} />
        </Card>
        <Commands twin={twin} model={model} />
        <Card title="Rules, and why">
          <Rules twin={twin} />
        </Card>
        <Properties twin={twin} />
        <Card title="Facts">
          <Facts twin={twin} />
          <p class="links">
            <a href={`/editor/${encodeURIComponent(twin.model.name)}`}>model {twin.model.name}</a>{" "}
            <span class="mono muted">{shortHash(twin.model.hash)}</span>
          </p>
          <Documents twin={twin} />
          {modelError ? <p class="muted">The model's text could not be read.</p> : null}
        </Card>
      </div>
    </div>
  );
}

export function TwinPage({ arguments: [id] }: { arguments: string[] }) {
  const at = parameters.value.get("at");
  const [changed, setChanged] = useState<Twin>();
  const asked = useLoad((signal) => readTwin(id, signal), [id], 15_000);
  const past = useLoad(
    (signal) => listAlerts({ twin: id, active: false, limit: 200 }, signal).then((p) => p.rows),
    [id, changed?.alerts.length ?? 0],
  );
  useLive(
    { twins: id, kinds: "state,alert,command" },
    (all) => {
      const events = all.filter((e) => e.twin === id);
      const state = events.filter((e) => e.kind === "state" && e.document.telemetry).at(-1);
      if (state) setChanged(toTwin(state.document));
      if (events.some((e) => e.kind !== "state")) {
        asked.again();
        past.again();
      }
    },
    asked.again,
  );
  const newest = (a?: Twin, b?: Twin) =>
    !a ? b : !b ? a : (a.last_ingest_time ?? "") > (b.last_ingest_time ?? "") ? a : b;
  const twin = newest(changed, asked.data);
  const name = twin?.model.name;
  const model = useLoad(async () => (name ? readModel(name, twin?.model.hash) : undefined), [name, twin?.model.hash]);
  if (!twin) {
    if (asked.error && (asked.error as { status?: number }).status === 404)
      return (
        <Empty title={`There is no twin ${id}`}>
          <a href="/twins">All twins</a>
        </Empty>
      );
    return asked.error ? <Failure error={asked.error} again={asked.again} /> : <Loading what={id} />;
  }
  const worst = worstOf(twin.alerts);
  const alerts = merged(past.data ?? [], twin.alerts);
  return (
    <>
      <PageHead
        title={<span class="mono">{id}</span>}
        sub={
          <>
            {twin.kind}, model {twin.model.name} · last heard of:{" "}
            <Age time={twin.last_ingest_time ?? twin.last_event_time} />
          </>
        }
      >
        {worst ? <Badge severity={worst}>{worst}</Badge> : <Badge severity="ok">ok</Badge>}
        <div class="tabs" role="group" aria-label="When">
          <button
            type="button"
            aria-pressed={!at}
            class={at ? "" : "on"}
            onClick={() => setParameters({ at: "", clock: "", from: "", to: "" }, false)}
          >
            Now
          </button>
          <button
            type="button"
            aria-pressed={!!at}
            class={at ? "on" : ""}
            onClick={() => setParameters({ at: at ?? iso(Date.now() - 30_000), from: "", to: "" }, false)}
          >
            Time machine
          </button>
        </div>
      </PageHead>
      <Silences twin={twin} />
      {at ? (
        <TimeMachine twin={twin} at={at} alerts={alerts} model={model.data?.model} />
      ) : (
        <Present twin={twin} model={model.data?.model} modelError={model.error} alerts={alerts} />
      )}
    </>
  );
}

/** Alerts of the past with those that are open now, each once. */
export function merged(past: AlertRow[], open: AlertRow[]): AlertRow[] {
  const of = new Map(open.map((a) => [a.incident, a]));
  for (const a of past) of.set(a.incident, { ...of.get(a.incident), ...a });
  return [...of.values()];
}
