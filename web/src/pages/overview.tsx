// SPDX-License-Identifier: Apache-2.0
// The fleet at a glance: is all well, how much comes in, what asks for somebody.
import { useState } from "preact/hooks";
import { activeAlerts } from "../active";
import { counted, idPath, twinDocuments } from "../api";
import { type Severity, type Twin, severityRank, toTwin, worstOf } from "../documents";
import { number, short, unitSign, words } from "../format";
import { useLive, useLoad } from "../load";
import { latest, rates } from "../rates";
import { Age, Badge, Card, Dot, Empty, Failure, Loading, PageHead, byWorst } from "../ui/parts";
import { Spark } from "../ui/spark";

interface Group {
  model: string;
  twins: number;
  connected: number;
  silent: number;
  worst: Record<Severity, number>;
}

/** Twins by model: how many, how many are heard of, and how bad it is. */
export function groups(twins: Twin[], nowMs: number): Group[] {
  const of = new Map<string, Group>();
  for (const t of twins) {
    const name = t.model.name || t.kind;
    let g = of.get(name);
    if (!g)
      of.set(
        name,
        (g = { model: name, twins: 0, connected: 0, silent: 0, worst: { info: 0, warning: 0, critical: 0 } }),
      );
    g.twins++;
    const at = Date.parse(t.last_ingest_time ?? t.last_event_time ?? "");
    if (nowMs - at < 60_000) g.connected++;
    else g.silent++;
    const worst = worstOf(t.alerts);
    if (worst) g.worst[worst]++;
  }
  return [...of.values()].sort((a, b) => a.model.localeCompare(b.model));
}

/** The same, counted by the node: for fleets of any size. */
async function counts(signal: AbortSignal): Promise<Group[]> {
  const [all, heard, ...bad] = await Promise.all(
    ["", "lt(age,60)", ...severities.map((s) => `eq(alerts/severity,"${s}")`)].map((f) => counted("model", f, signal)),
  );
  const of = (groups: { by: Record<string, string | null>; count: number }[], model: string) =>
    groups.find((g) => String(g.by.model) === model)?.count ?? 0;
  return all.map((g) => {
    const model = String(g.by.model);
    const worst = Object.fromEntries(severities.map((s, i) => [s, of(bad[i], model)])) as Record<Severity, number>;
    return { model, twins: g.count, connected: of(heard, model), silent: g.count - of(heard, model), worst };
  });
}

const severities: Severity[] = ["critical", "warning", "info"];
const mostLive = 500; // above it the states of all twins are no stream for one page
const most = 120; // twins shown one by one

function Figure({
  value,
  label,
  sub,
  href,
  tone,
}: {
  value: string;
  label: string;
  sub?: string;
  href?: string;
  tone?: string;
}) {
  const inner = (
    <>
      <span class={`figure-value ${tone ?? ""}`}>{value}</span>
      <span class="figure-label">{label}</span>
      {sub && <span class="figure-sub">{sub}</span>}
    </>
  );
  return href ? (
    <a class="figure" href={href}>
      {inner}
    </a>
  ) : (
    <div class="figure">{inner}</div>
  );
}

function Models({ rows }: { rows: Group[] }) {
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" class="num">
              Twins
            </th>
            <th scope="col">Heard of within a minute</th>
            <th scope="col">Health</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((g) => (
            <tr key={g.model}>
              <th scope="row">
                <a href={`/twins?filter=${encodeURIComponent(`eq(model,"${g.model}")`)}`}>{g.model}</a>
              </th>
              <td class="num">{g.twins}</td>
              <td>
                <meter
                  class="meter only-wide"
                  min={0}
                  max={g.twins}
                  value={g.connected}
                  aria-label={`${g.connected} of ${g.twins} twins of ${g.model} heard of`}
                />{" "}
                {g.connected} of {g.twins}
              </td>
              <td>
                <HealthBar group={g} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HealthBar({ group }: { group: Group }) {
  const bad = severities.filter((s) => group.worst[s] > 0);
  if (bad.length === 0) return <Dot tone="ok" label="all well" />;
  return (
    <span class="badges">
      {bad.map((s) => (
        <Badge key={s} severity={s}>
          {group.worst[s]} {s}
        </Badge>
      ))}
    </span>
  );
}

function Active() {
  const rows = [...activeAlerts.value].sort(byWorst);
  if (rows.length === 0) return <Empty title="No active alert">Everything is within its limits.</Empty>;
  return (
    <ul class="alert-list">
      {rows.slice(0, 12).map((a) => (
        <li key={`${a.twin}/${a.incident}`}>
          <a href={`/alerts/${idPath(a.twin)}/${a.incident}`}>
            <Badge severity={a.severity}>{a.severity}</Badge>
            <span class="alert-words">
              <strong>{words(a.rule)}</strong> <span class="mono">{a.twin}</span>
            </span>
            <span class="muted">
              <Age time={a.raised_at} />
            </span>
          </a>
        </li>
      ))}
      {rows.length > 12 && (
        <li>
          <a href="/alerts">{rows.length - 12} more</a>
        </li>
      )}
    </ul>
  );
}

/** The value that stands for a twin: its first number that is no place on earth. */
export function headline(t: Twin) {
  const all = Object.entries(t.telemetry).filter(([, v]) => typeof v.value === "number");
  return all.find(([name]) => !/^(lat|lon|lng|latitude|longitude)$/.test(name)) ?? all[0] ?? [];
}

function Twins({ twins }: { twins: Twin[] }) {
  const sorted = [...twins].sort(
    (a, b) => severityRank(worstOf(b.alerts)) - severityRank(worstOf(a.alerts)) || a.id.localeCompare(b.id),
  );
  return (
    <ul class="tiles" aria-label="Twins, the worst first">
      {sorted.slice(0, 120).map((t) => {
        const worst = worstOf(t.alerts);
        const [name, first] = headline(t);
        return (
          <li key={t.id}>
            <a
              class={`tile ${worst ?? "ok"}`}
              href={`/twins/${idPath(t.id)}`}
              title={worst ? t.alerts.map((a) => a.rule).join(", ") : "no alert"}
            >
              <span class="mono">{t.id.replace(/^[^:]*:/, "")}</span>
              <span class="tile-value">
                {typeof first?.value === "number" ? `${number(first.value, 4)} ${unitSign(first.unit)}` : "–"}
              </span>
              <span class="hidden">
                {name} {worst ? `${worst} alert` : "no alert"}
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

export function Overview() {
  const [changed, setChanged] = useState(new Map<string, Twin>());
  const list = useLoad((signal) => twinDocuments({ limit: most }, signal), [], 30_000);
  const all = list.data?.rows ?? [];
  const small = (latest.value?.twins ?? most) <= mostLive;
  const byModel = useLoad(counts, [], 5000);
  useLive(
    list.data ? { twins: "*", kinds: small ? "state,alert" : "alert" } : undefined,
    (events) => {
      const states = events.filter((e) => e.kind === "state" && e.document.telemetry);
      if (states.length)
        setChanged((was) => new Map([...was, ...states.map((e) => [e.twin, toTwin(e.document)] as [string, Twin])]));
    },
    list.again,
  );
  const known = new Set(all.map((t) => t.id));
  const twins = [...all.map((t) => changed.get(t.id) ?? t), ...[...changed.values()].filter((t) => !known.has(t.id))];
  const rate = rates.value.at(-1);
  const s = latest.value;
  const alerts = activeAlerts.value;
  const count = (severity: string) => alerts.filter((a) => a.severity === severity).length;
  const kept = (s?.quarantined as { kept?: number } | undefined)?.kept;
  return (
    <>
      <PageHead
        title="Fleet"
        sub={
          s ? `${short(s.twins)} twins, ${short(s.readings?.stored ?? s.readings?.applied)} readings kept` : undefined
        }
      />
      <div class="figures">
        <Figure value={short(s?.twins ?? twins.length)} label="twins" href="/twins" />
        <Figure
          value={String(count("critical"))}
          label="critical"
          tone={count("critical") ? "critical" : "quiet"}
          href="/alerts?severity=critical"
        />
        <Figure
          value={String(count("warning"))}
          label="warning"
          tone={count("warning") ? "warning" : "quiet"}
          href="/alerts?severity=warning"
        />
        <Figure
          value={String(count("info"))}
          label="info"
          tone={count("info") ? "info" : "quiet"}
          href="/alerts?severity=info"
        />
        <Figure value={short(kept)} label="in quarantine" tone={kept ? "warning" : "quiet"} href="/quarantine" />
        <div class="figure wide">
          <span class="figure-value">{rate ? short(rate.readings) : "–"}</span>
          <span class="figure-label">readings a second</span>
          <Spark
            values={rates.value.map((r) => r.readings)}
            floor={0}
            filled
            width={220}
            height={44}
            label={`Readings a second over the last minutes, now ${rate ? short(rate.readings) : "unknown"}`}
          />
        </div>
      </div>
      {list.error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
      {list.loading && !list.data && <Loading what="the fleet" />}
      {list.data && twins.length === 0 && (
        <Empty title="No twins yet">
          A twin is made by its first reading. <code>pollux sim fleet</code> sends some.
        </Empty>
      )}
      {twins.length > 0 && (
        <div class="columns">
          <div>
            <Card title="By model">
              <Models rows={byModel.data ?? groups(twins, Date.now())} />
            </Card>
            <Card title="Twins" aside={<a href="/twins">table</a>}>
              <Twins twins={twins} />
            </Card>
          </div>
          <Card title="Active alerts" aside={<a href="/alerts">inbox</a>}>
            <Active />
          </Card>
        </div>
      )}
    </>
  );
}
