// SPDX-License-Identifier: Apache-2.0
// The time machine: a twin as it was at any moment, and the inputs that brought it there, one by
// one with what each changed. The moment stands in the address.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { model as readModel, stateAt, steps as readSteps } from "../api";
import type { AlertRow, ModelText, Step, Twin } from "../documents";
import { age, clock, inSentence, iso, millis, number, unitSign, words } from "../format";
import { limitsOf, marksOf } from "../limits";
import { useLoad, useSettled } from "../load";
import { useM4 } from "../m4";
import { parameters, setParameters } from "../router";
import { stepsAround } from "../steps";
import { spans } from "../ui/charts";
import { CommandList } from "../ui/command";
import { Icon } from "../ui/icons";
import { Card, Empty, Failure, Loading } from "../ui/parts";
import { TimeChartView } from "../ui/timechart";
import { AlertLinks, Rules, Values, Windows } from "./twin";

const short = (v: unknown): string => {
  if (v === null || v === undefined) return "–";
  if (typeof v === "string") return /^\d{4}-\d\d-\d\dT/.test(v) ? clock(v, true) : v;
  return typeof v === "object" ? JSON.stringify(v) : number(v);
};

/** One line of what an input changed, in words. */
export function changeInWords(change: { part: string; before: unknown; after: unknown }): string {
  const before = (change.before ?? {}) as Record<string, unknown>;
  const after = (change.after ?? {}) as Record<string, unknown>;
  switch (change.part) {
    case "rules":
      return `rule ${after.name ?? before.name}: ${after.state ?? "gone"}, ${inSentence(String(after.explanation ?? ""))}`;
    case "windows":
      return `window ${after.name ?? before.name}: ${number(after.count)} readings, mean ${number(after.mean)}`;
    case "alerts":
      return change.after ? `alert ${after.rule}: ${after.state ?? "active"}` : `alert ${before.rule}: over`;
    case "commands":
      return `command ${after.command ?? before.command}: ${after.phase ?? "forgotten"}`;
    case "next_wakeup":
      return `next timer: ${short(change.after)}`;
    default:
      return `${words(change.part)}: ${short(change.before)} → ${short(change.after)}`;
  }
}

/** A rule that only has new numbers has not turned; one with another state has. */
export function turned(change: { part: string; before: unknown; after: unknown }): boolean {
  if (change.part === "windows" || change.part === "next_wakeup") return false;
  const [before, after] = [change.before, change.after] as [{ state?: string } | null, { state?: string } | null];
  return (
    change.part !== "rules" ||
    !before ||
    !after ||
    before.state !== after.state ||
    /^[1-9]\d* of /.test((after as { explanation?: string }).explanation ?? "")
  );
}

function StepItem({ step, here, take }: { step: Step; here: boolean; take: () => void }) {
  const values = (step.readings ?? []).flatMap((r) => Object.entries(r.values));
  const rules = step.changes.filter(turned);
  const rest = step.changes.filter((c) => !turned(c));
  return (
    <li class={here ? "step here" : "step"} aria-current={here ? "step" : undefined}>
      <button type="button" class="step-head" onClick={take}>
        <time class="mono">{clock(step.ingest_time, true)}</time>
        <strong>{words(step.kind)}</strong>
        <span class="muted">
          {values
            .slice(0, 5)
            .map(([k, v]) => `${k} ${number(v)}`)
            .join("  ")}
          {step.timer ? String(step.timer) : ""}
        </span>
      </button>
      {(rules.length > 0 || step.effects.length > 0) && (
        <ul>
          {step.effects.map((e, i) => (
            <li key={`e${i}`} class="effect">
              →{" "}
              {words(
                String(e.type ?? "effect")
                  .replace(/^io\.pollux\.|\.v1$/g, "")
                  .replace(".", " "),
              )}{" "}
              {String(e.rule ?? e.command ?? e.what ?? "")} {e.message ? `(${String(e.message)})` : ""}
            </li>
          ))}
          {rules.map((c, i) => (
            <li key={i}>{changeInWords(c)}</li>
          ))}
        </ul>
      )}
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} rules and windows took it in</summary>
          <ul>
            {rest.map((c, i) => (
              <li key={i}>{changeInWords(c)}</li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

const around = 12_000;

function Steps({
  id,
  at,
  clockName,
  jump,
}: {
  id: string;
  at: string;
  clockName: string;
  jump: (to: string) => void;
}) {
  const asked = useLoad(
    (signal) => {
      const [from, to] = [iso(millis(at) - around), iso(millis(at) + around)];
      return readSteps(id, { from, to, limit: 60, clock: clockName }, signal);
    },
    [id, at, clockName],
  );
  const rows = asked.data?.rows ?? [];
  const { here, back, on } = stepsAround(
    rows.map((s) => s.ingest_time),
    at,
  );
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const mark = list.current?.querySelector<HTMLElement>(".here");
    if (mark && list.current) list.current.scrollTop = mark.offsetTop - list.current.clientHeight / 2;
  }, [here, rows.length]);
  const go = (i: number) => rows[i] && jump(rows[i].ingest_time);
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if ((e.target as HTMLElement).closest?.("input,textarea,select,dialog") || e.ctrlKey || e.metaKey || e.altKey)
        return;
      if (e.key === "ArrowLeft") go(back);
      else if (e.key === "ArrowRight") go(on);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  return (
    <Card
      title="Step by step"
      aside={
        <span class="step-keys">
          <button type="button" disabled={back < 0} onClick={() => go(back)} aria-label="One input back">
            <Icon name="left" />
          </button>
          <button
            type="button"
            disabled={on < 0}
            onClick={() => go(on)}
            aria-label="One input on"
          >
            <Icon name="right" />
          </button>
        </span>
      }
    >
      {asked.error && !asked.data ? <Failure error={asked.error} again={asked.again} /> : null}
      {asked.loading && !asked.data && <Loading what="the inputs around this moment" />}
      {asked.data && rows.length === 0 && <Empty title="No input within twelve seconds" />}
      <ol class="steps" ref={list} tabIndex={0} aria-label="Inputs around the moment">
        {rows.map((s, i) => (
          <StepItem key={s.input} step={s} here={i === here} take={() => go(i)} />
        ))}
      </ol>
    </Card>
  );
}

interface ScrubProps {
  twin: Twin;
  at: number;
  span: number;
  end: number;
  alerts: AlertRow[];
  model?: ModelText;
  move: (to: number) => void;
}

function Scrubber({ twin, at, span, end, alerts, model, move }: ScrubProps) {
  const names = Object.entries(twin.telemetry)
    .filter(([, t]) => typeof t.value === "number")
    .map(([n]) => n);
  const wanted = parameters.value.get("of") ?? names[0] ?? "";
  const [from, to] = [end - span, end];
  const loaded = useM4(twin.id, wanted ? [wanted] : [], { from, to }, 900, 0);
  const marks = useMemo(() => marksOf(alerts, to), [alerts, to]);
  const points = loaded.data[wanted] ?? { times: [], values: [] };
  return (
    <div class="scrub">
      <div class="scrub-head">
        <label class="field inline">
          <span>Shown</span>
          <select value={wanted} onChange={(e) => setParameters({ of: e.currentTarget.value })}>
            {names.map((n) => (
              <option key={n}>{n}</option>
            ))}
          </select>
        </label>
        <div class="range" role="group" aria-label="How far back">
          {spans.map(([label, s]) => (
            <button
              key={label}
              type="button"
              class={s === span ? "on" : ""}
              aria-pressed={s === span}
              onClick={() => setParameters({ back: String(s) })}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      <TimeChartView
        label={wanted}
        unit={unitSign(twin.telemetry[wanted]?.unit)}
        height={130}
        from={from}
        to={to}
        data={{ ...points, marks, limits: limitsOf(model, wanted), cursor: at }}
        onPick={move}
      />
      <input
        type="range"
        class="slider"
        min={from}
        max={to}
        step={Math.max(1, Math.round(span / 5000))}
        value={at}
        aria-label="Moment"
        aria-valuetext={clock(at, true)}
        onInput={(e) => move(Number(e.currentTarget.value))}
      />
    </div>
  );
}

/** The moment while somebody drags goes ahead of the address, which follows when the hand rests. */
export function TimeMachine({
  twin,
  at,
  alerts,
  model,
}: {
  twin: Twin;
  at: string;
  alerts: AlertRow[];
  model?: ModelText;
}) {
  const span = Number(parameters.value.get("back")) || 15 * 60_000;
  const clockName = parameters.value.get("clock") ?? "ingest";
  const [opened] = useState(Date.now);
  const shown = Number.isNaN(millis(at)) ? iso(opened) : at;
  const there = millis(shown);
  const [held, setHeld] = useState<number>(); // by the hand that drags
  const moment = held ?? there;
  const latest = useRef(moment);
  latest.current = moment;
  const move = (to: number) => setHeld(Math.round(Math.min(Date.now(), to)));
  const [end, setEnd] = useState(() =>
    Math.max(Math.min(opened, there + span / 4), opened - span < there ? opened : 0),
  );
  const [playing, setPlaying] = useState(false);
  const settled = useSettled(held, 120);
  useEffect(() => {
    if (settled === undefined || settled !== held) return;
    setParameters({ at: iso(settled) });
    setHeld(undefined);
  }, [settled, held]);
  useEffect(() => {
    if (there > end || there < end - span) setEnd(Math.min(Date.now(), there + span / 4));
  }, [there, span]);
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => move(latest.current + 1000), 1000);
    return () => clearInterval(timer);
  }, [playing]);
  const jump = (to: string) => {
    setHeld(undefined);
    setParameters({ at: to });
  };
  const past = useLoad((signal) => stateAt(twin.id, shown, clockName, signal), [twin.id, shown, clockName]);
  const then = past.data;
  const ruled = useLoad(
    async () => (then?.model.hash ? (await readModel(then.model.name, then.model.hash)).model : undefined),
    [then?.model.hash],
  );
  return (
    <>
      <Card class="machine" label="Time machine">
        <div class="moment">
          <button
            type="button"
            onClick={() => setPlaying(!playing)}
            aria-pressed={playing}
            aria-label={playing ? "Stop" : "Play"}
          >
            <Icon name={playing ? "pause" : "play"} />
          </button>
          <output class="moment-time mono" aria-live="off">
            {clock(moment, true)}
          </output>
          <span class="muted">{age((Date.now() - moment) / 1000)} ago</span>
          {[-60_000, -10_000, -1000, 1000, 10_000, 60_000].map((d) => (
            <button key={d} type="button" onClick={() => move(moment + d)}>
              {d < 0 ? "−" : "+"}
              {age(Math.abs(d) / 1000)}
            </button>
          ))}
          <label class="field inline">
            <span>Clock</span>
            <select value={clockName} onChange={(e) => setParameters({ clock: e.currentTarget.value })}>
              <option value="ingest">node: what was known then</option>
              <option value="event">devices: what was true then</option>
            </select>
          </label>
        </div>
        <Scrubber
          twin={twin}
          at={moment}
          span={span}
          end={end}
          alerts={alerts}
          model={ruled.data ?? model}
          move={move}
        />
      </Card>
      {past.error && !past.loading ? <Failure error={past.error} again={past.again} /> : null}
      {!then && past.loading && <Loading what="that moment" />}
      {then && <Past then={then} at={shown} clockName={clockName} jump={jump} stale={past.loading} />}
    </>
  );
}

function Past({
  then,
  at: moment,
  clockName,
  jump,
  stale,
}: {
  then: Twin;
  at: string;
  clockName: string;
  jump: (to: string) => void;
  stale: boolean;
}) {
  const at = millis(moment);
  const timer = millis(then.next_wakeup);
  return (
    <div class={stale ? "columns stale" : "columns"} aria-busy={stale}>
      <div>
        <Card title={`Values at ${clock(at, true)}`}>
          <Values twin={then} at={at} />
        </Card>
        <Card title="Rules and half-matched patterns">
          <Rules twin={then} />
        </Card>
        <Card title="Windows">
          <Windows twin={then} />
        </Card>
        {then.at && (
          <p class="muted hint">
            After input <span class="mono">{then.at.input}</span>; state <span class="mono">{then.at.state_hash}</span>;{" "}
            {number(then.at.replayed_inputs)} inputs replayed from {then.at.from_state_at}.
          </p>
        )}
      </div>
      <div>
        <Card title="Alerts then">
          <AlertLinks alerts={then.alerts} at={at} />
        </Card>
        <Card title="Timers">
          {Number.isNaN(timer) ? (
            <p class="muted">No timer was set.</p>
          ) : (
            <p>
              The next would go off at <span class="mono">{clock(timer, true)}</span>, {age((timer - at) / 1000)} on.
            </p>
          )}
        </Card>
        <Card title="Commands then">
          <CommandList commands={then.commands} />
        </Card>
        <Steps id={then.id} at={moment} clockName={clockName} jump={jump} />
      </div>
    </div>
  );
}
