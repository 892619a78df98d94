// SPDX-License-Identifier: Apache-2.0
// The text in the editor, tried on the past as a job of the node, and what came out.
import { useEffect, useState } from "preact/hooks";
import { cancelJob, idPath, job as readJob, startJob } from "../api";
import { type Report, backtestArguments } from "../backtest";
import type { Job } from "../documents";
import { age, clock, number, short, words } from "../format";
import { Action, Badge, Card, Failure } from "../ui/parts";

const open = (j: Job) => j.state === "queued" || j.state === "running";

function Result({ report }: { report: Report }) {
  const a = report.alerts;
  const rules = report.rules ?? [];
  return (
    <div class="report">
      <p>
        {report.state === "cancelled" ? "Cancelled; " : ""}
        {short(report.readings)} readings of {number(report.twins?.compared)} twins
        {report.twins?.failed ? `, ${report.twins.failed} failed` : ""}.
      </p>
      {a && (
        <div class="figures small">
          {(["same", "moved", "gained", "lost"] as const).map((k) => (
            <div class="figure" key={k}>
              <span
                class={`figure-value ${k === "gained" && a[k] ? "warning" : k === "lost" && a[k] ? "critical" : ""}`}
              >
                {number(a[k])}
              </span>
              <span class="figure-label">{k}</span>
            </div>
          ))}
        </div>
      )}
      {rules.length > 0 && (
        <div class="table-wrap">
          <table>
            <caption class="hidden">Alerts by rule, ruling version against candidate</caption>
            <thead>
              <tr>
                <th scope="col">Rule</th>
                <th scope="col" class="num">
                  Ruling
                </th>
                <th scope="col" class="num">
                  Candidate
                </th>
                <th scope="col" class="num">
                  Same
                </th>
                <th scope="col" class="num">
                  Moved
                </th>
                <th scope="col" class="num">
                  Gained
                </th>
                <th scope="col" class="num">
                  Lost
                </th>
              </tr>
            </thead>
            <tbody>
              {rules.map((r) => (
                <tr key={r.rule}>
                  <th scope="row">{words(r.rule)}</th>
                  {[r.ruling, r.candidate, r.same, r.moved, r.gained, r.lost].map((n, i) => (
                    <td key={i} class="num">
                      {number(n)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(report.differences?.length ?? 0) > 0 && (
        <details open>
          <summary>{number(report.differences_total)} differences</summary>
          <ul class="differences">
            {report.differences!.slice(0, 50).map((d, i) => {
              const told = d.candidate ?? d.ruling!;
              return (
                <li key={i}>
                  <Badge severity={d.kind === "lost" ? "critical" : d.kind === "gained" ? "warning" : "info"}>
                    {d.kind}
                  </Badge>{" "}
                  <a class="mono" href={`/twins/${idPath(d.twin.split("#")[0])}?at=${told.event_time}`}>
                    {d.twin}
                  </a>{" "}
                  {words(d.rule)}{" "}
                  <span class="muted">
                    {clock(told.event_time)}
                    {d.lead_s !== undefined
                      ? `, ${age(Math.abs(d.lead_s))} ${d.lead_s >= 0 ? "earlier" : "later"}`
                      : ""}
                  </span>
                </li>
              );
            })}
          </ul>
        </details>
      )}
      {report.failures?.map((f) => (
        <p key={f.twin} class="failure-title">
          {f.twin}: {f.what}
        </p>
      ))}
    </div>
  );
}

const local = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

export function Backtest({ text, wrong, promote }: { text: string; wrong: (e: unknown) => void; promote: () => void }) {
  const [twins, setTwins] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [tolerance, setTolerance] = useState("10m");
  const [job, setJob] = useState<Job>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!job || !open(job)) return;
    const timer = setTimeout(() => readJob(job.id).then(setJob, setError), 500);
    return () => clearTimeout(timer);
  }, [job]);
  const run = async () => {
    setError(undefined);
    setJob(undefined);
    setJob(
      await startJob(
        "backtest",
        backtestArguments({
          model: text,
          twins,
          from: from && new Date(from).toISOString(),
          to: to && new Date(to).toISOString(),
          tolerance,
        }),
      ),
    );
  };
  const last = (ms: number) => () => (setFrom(local(Date.now() - ms)), setTo(""));
  const report = job?.result as Report | undefined;
  return (
    <Card title="Back-test" aside={<span class="muted">against the versions that ruled then</span>}>
      <div class="inline-form">
        <label class="field">
          <span>Twins</span>
          <input
            class="mono"
            placeholder="all of the model"
            value={twins}
            onInput={(e) => setTwins(e.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>From</span>
          <input type="datetime-local" value={from} onInput={(e) => setFrom(e.currentTarget.value)} />
        </label>
        <label class="field">
          <span>To</span>
          <input type="datetime-local" value={to} onInput={(e) => setTo(e.currentTarget.value)} />
        </label>
        <label class="field short">
          <span>Tolerance</span>
          <input
            value={tolerance}
            pattern="\d+(\.\d+)?(ms|s|m|h|d)"
            onInput={(e) => setTolerance(e.currentTarget.value)}
          />
        </label>
      </div>
      <div class="buttons">
        <Action class="primary" run={run} failed={wrong} disabled={!!job && open(job)}>
          Run the back-test
        </Action>
        <button type="button" class="quiet" onClick={last(3_600_000)}>
          last hour
        </button>
        <button type="button" class="quiet" onClick={last(86_400_000)}>
          last day
        </button>
        <button type="button" class="quiet" onClick={() => (setFrom(""), setTo(""))}>
          all
        </button>
      </div>
      {job && (
        <div role="status" class="job">
          <Badge severity={job.state === "failed" ? "critical" : job.state === "done" ? "ok" : "info"}>
            {job.state}
          </Badge>{" "}
          {job.what} {job.total > 0 && `${number(job.done)} of ${number(job.total)} twins`}
          {open(job) && <progress max={job.total || 1} value={job.done} aria-label="Back-test" />}
          {open(job) && <Action run={() => cancelJob(job.id)}>Cancel</Action>}
        </div>
      )}
      {error ? <Failure error={error} /> : null}
      {report && <Result report={report} />}
      {report?.state === "complete" && job?.state === "done" && (
        <button type="button" onClick={promote}>
          Promote: put in force…
        </button>
      )}
    </Card>
  );
}
