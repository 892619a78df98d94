// SPDX-License-Identifier: Apache-2.0
// The node itself: is it ready, what does it carry, how quick is it, what is it working on.
import { useState } from "preact/hooks";
import { cancelJob, jobs, metrics, readiness, whoami } from "../api";
import type { Job } from "../documents";
import { bytes, number, short, words } from "../format";
import { useLive, useLoad } from "../load";
import { type Family, latencies, parseMetrics, total } from "../metrics";
import { latest, rates } from "../rates";
import { Action, Age, Badge, Card, Dot, Empty, Failure, Loading, PageHead } from "../ui/parts";
import { Spark } from "../ui/spark";

function Readiness() {
  const asked = useLoad(readiness, [], 3000);
  if (!asked.data)
    return asked.error ? <Failure error={asked.error} again={asked.again} /> : <Loading what="the conditions" />;
  const lines = asked.data.text.split("\n").filter((l) => l.startsWith("["));
  return (
    <>
      <p>{asked.data.ready ? <Badge severity="ok">ready</Badge> : <Badge severity="critical">not ready</Badge>}</p>
      <ul class="conditions">
        {lines.map((l) => {
          const ok = l.startsWith("[+]");
          const [name, ...why] = l.slice(3).split(/ (?:ok|failed)/);
          return (
            <li key={name}>
              <Dot tone={ok ? "ok" : "critical"} label={words(name)} />{" "}
              <span class="muted">{why.join(" ").replace(/^: ?/, "") || (ok ? "ok" : "failed")}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** Nested numbers as lines: "journal tail readings: 42". */
export function flat(document: Record<string, unknown>, before = ""): [string, unknown][] {
  return Object.entries(document).flatMap(([key, v]) =>
    v !== null && typeof v === "object" && !Array.isArray(v)
      ? flat(v as Record<string, unknown>, `${before}${key} `)
      : [[words(before + key), v] as [string, unknown]],
  );
}

const told = (name: string, v: unknown) =>
  typeof v === "number" && /bytes/.test(name) ? bytes(v) : typeof v === "number" ? number(v) : String(v ?? "");

function StatsList() {
  const s = latest.value;
  if (!s) return <Loading what="figures" />;
  const { conditions: _, ...rest } = s;
  return (
    <dl class="facts">
      {flat(rest)
        .filter(([, v]) => v !== "")
        .map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{told(k, v)}</dd>
          </div>
        ))}
    </dl>
  );
}

function brief(seconds: number): string {
  if (Number.isNaN(seconds)) return "–";
  if (seconds < 0.001) return `${number(seconds * 1e6, 3)} µs`;
  return seconds < 1 ? `${number(seconds * 1000, 3)} ms` : `${number(seconds, 3)} s`;
}

function Latencies({ families }: { families: Family[] }) {
  const rows = latencies(families).filter((r) => r.count > 0);
  if (rows.length === 0) return <Empty title="No latencies are told" />;
  return (
    <div class="table-wrap">
      <table>
        <caption class="hidden">Latencies of the last minutes</caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col" class="num">
              p50
            </th>
            <th scope="col" class="num">
              p99
            </th>
            <th scope="col" class="num">
              p99.9
            </th>
            <th scope="col" class="num">
              Count
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.name} title={r.help}>
              <th scope="row">{words(r.name)}</th>
              {r.quantiles.map((q, i) => (
                <td key={i} class="num">
                  {r.seconds ? brief(q) : number(q, 3)}
                </td>
              ))}
              <td class="num">{short(r.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AllMetrics({ families }: { families: Family[] }) {
  const [wanted, setWanted] = useState("");
  const rows = families
    .flatMap((f) => f.samples.filter((s) => !s.name.endsWith("_bucket")).map((s) => ({ f, s })))
    .filter(({ s }) => s.name.includes(wanted.trim().replace(/ /g, "_")));
  return (
    <details class="all-metrics">
      <summary>All {rows.length} counters and gauges</summary>
      <label class="field inline">
        <span>Name</span>
        <input data-search value={wanted} onInput={(e) => setWanted(e.currentTarget.value)} />
      </label>
      <div class="table-wrap">
        <table>
          <caption class="hidden">Counters and gauges</caption>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">Of</th>
              <th scope="col" class="num">
                Value
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, 400).map(({ f, s }) => (
              <tr key={s.name + JSON.stringify(s.labels)} title={f.help}>
                <th scope="row" class="mono">
                  {s.name}
                </th>
                <td class="mono">
                  {Object.entries(s.labels)
                    .map(([k, v]) => `${k}=${v}`)
                    .join(" ")}
                </td>
                <td class="num">{s.name.endsWith("bytes") ? bytes(s.value) : number(s.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export function JobLine({ job, changed }: { job: Job; changed: () => void }) {
  const open = job.state === "running" || job.state === "queued";
  return (
    <li>
      <Badge severity={job.state === "failed" ? "critical" : job.state === "done" ? "ok" : "info"}>{job.state}</Badge>{" "}
      <strong>{job.kind}</strong>{" "}
      <span class="muted">
        #{job.id} {job.by && `by ${job.by}`} <Age time={job.asked_at} />
      </span>
      {open && job.total > 0 && <progress max={job.total} value={job.done} aria-label={`${job.kind} ${job.id}`} />}
      {open && <Action run={async () => (await cancelJob(job.id), changed())}>Cancel</Action>}
      {job.what && <div class="muted">{job.what}</div>}
    </li>
  );
}

export function NodePage() {
  const text = useLoad(metrics, [], 5000);
  const work = useLoad(jobs, [], 3000);
  const me = useLoad(() => whoami(), []);
  useLive({ kinds: "alert" }, () => {});
  const families = text.data ? parseMetrics(text.data) : [];
  const build = families.find((f) => f.name.endsWith("build_info"))?.samples[0]?.labels;
  const memory = total(families, "process_resident_memory_bytes");
  return (
    <>
      <PageHead
        title="Node"
        sub={
          <>
            {build?.version ? `version ${[build.version, build.revision].filter(Boolean).join(" ")}` : "this node"}
            {memory ? `, ${bytes(memory)} of memory` : ""}
            {me.data?.name ? `, you are ${String(me.data.name)}` : ""}
            {me.data?.role ? ` (${String(me.data.role)})` : ""}
          </>
        }
      />
      <div class="columns even">
        <div>
          <Card title="Readiness">
            <Readiness />
          </Card>
          <Card title="Coming in">
            <Spark
              values={rates.value.map((r) => r.readings)}
              floor={0}
              filled
              width={400}
              height={70}
              label="Readings a second over the last minutes"
            />
            <p>{rates.value.length ? `${short(rates.value.at(-1)!.readings)} readings a second` : "measuring…"}</p>
          </Card>
          <Card title="Jobs">
            {work.error && !work.data ? <Failure error={work.error} again={work.again} /> : null}
            {work.data?.length === 0 && <p class="muted">No job was ordered since the start.</p>}
            <ul class="jobs">
              {[...(work.data ?? [])].reverse().map((j) => (
                <JobLine key={j.id} job={j} changed={work.again} />
              ))}
            </ul>
          </Card>
        </div>
        <div>
          <Card title="Latencies">
            {text.error && !text.data ? (
              <Failure error={text.error} again={text.again} />
            ) : (
              <Latencies families={families} />
            )}
          </Card>
          <Card title="Figures">
            <StatsList />
          </Card>
        </div>
      </div>
      <Card title="Metrics">
        <AllMetrics families={families} />
      </Card>
    </>
  );
}
