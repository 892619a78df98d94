// SPDX-License-Identifier: Apache-2.0
// The table of twins: searched by RQL, sorted and paged by the node, its values live.
import { useState } from "preact/hooks";
import { ApiError, idPath, twinDocuments } from "../api";
import { type Twin, toTwin, worstOf } from "../documents";
import { number, unitSign } from "../format";
import { rowKeys } from "../keys";
import { useLive, useLiveSearch, useLoad } from "../load";
import { latest } from "../rates";
import { parameters, setParameters } from "../router";
import { Age, Badge, Dialog, Dot, Empty, Failure, Loading, PageHead } from "../ui/parts";
import { Icon } from "../ui/icons";

const size = 50;
const mostLive = 500;
const fixed = [
  { key: "id", label: "Twin", sort: "id" },
  { key: "model", label: "Model", sort: "model" },
  { key: "health", label: "Health", sort: "" },
  { key: "heard", label: "Last reading", sort: "last_event_time" },
  { key: "readings", label: "Readings", sort: "readings" },
];

const examples: [string, string][] = [
  ['eq(model,"motor")', "twins of one model"],
  ["gt(telemetry/temperature,60)", "a value above a number"],
  ['like(id,"plant1:*")', "ids by pattern"],
  ['eq(alerts/severity,"critical")', "with a critical alert"],
  ["gt(age,60)", "not heard of for a minute"],
  ['and(eq(kind,"vehicle"),lt(telemetry/fuel_level,0.3))', "both at once"],
];

function QueryHelp({ close, take }: { close: () => void; take: (filter: string) => void }) {
  return (
    <Dialog title="Searching by RQL" close={close}>
      <p>
        <code>eq ne gt ge lt le in like exists</code> compare a path with a value; <code>and or not</code> join them.
        Paths: <code>id</code>, <code>kind</code>, <code>model</code>, <code>age</code>, <code>readings</code>,{" "}
        <code>telemetry/NAME</code>, <code>properties/PATH</code>, <code>windows/NAME/mean</code>,{" "}
        <code>alerts/severity</code>, <code>alerts/RULE/state</code>. Texts stand in double quotes.
      </p>
      <ul class="examples">
        {examples.map(([filter, what]) => (
          <li key={filter}>
            <button type="button" class="link mono" onClick={() => take(filter)}>
              {filter}
            </button>{" "}
            <span class="muted">{what}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

/** The error under the query, pointing at the column it names. */
function QueryError({ filter, error }: { filter: string; error: ApiError }) {
  const fault = error.faults.find((f) => f.column !== undefined);
  const named = fault?.column ?? Number(/(?:column|position|at) (\d+)/i.exec(error.detail)?.[1] ?? NaN);
  return (
    <div class="query-error" role="alert" id="query-error">
      {Number.isFinite(named) && <pre aria-hidden="true">{`${filter}\n${" ".repeat(Math.max(0, named - 1))}^`}</pre>}
      <p>{error.detail || error.title}</p>
    </div>
  );
}

function QueryBar({ error }: { error?: ApiError }) {
  const filter = parameters.value.get("filter") ?? "";
  const glob = parameters.value.get("glob") ?? "";
  const [help, setHelp] = useState(false);
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    const text = String(new FormData(e.target as HTMLFormElement).get("filter") ?? "").trim();
    // what is no expression is taken as a part of the id
    const expression = text === "" || /^\w+\(.*\)$/s.test(text) || text.includes("(");
    setParameters(
      { filter: expression ? text : "", glob: expression ? "" : text.includes("*") ? text : `*${text}*`, cursor: "" },
      false,
    );
  };
  return (
    <div>
      <form class="query" role="search" aria-label="Twins" onSubmit={submit}>
        <label class="hidden" for="filter">
          Filter: RQL, or a part of the id
        </label>
        <input
          id="filter"
          name="filter"
          data-search
          class="mono"
          spellcheck={false}
          autocomplete="off"
          key={filter + glob}
          defaultValue={filter || glob}
          placeholder="gt(telemetry/temperature,60)   or a part of the id"
          aria-invalid={!!error}
          aria-describedby={error ? "query-error" : undefined}
        />
        <button type="submit">Search</button>
        {(filter || glob) && (
          <button
            type="button"
            class="quiet"
            onClick={() => setParameters({ filter: "", glob: "", cursor: "" }, false)}
          >
            Clear
          </button>
        )}
        <button type="button" class="quiet" onClick={() => setHelp(true)} aria-label="How to search">
          ?
        </button>
      </form>
      {error && <QueryError filter={filter} error={error} />}
      {help && (
        <QueryHelp
          close={() => setHelp(false)}
          take={(f) => (setHelp(false), setParameters({ filter: f, glob: "", cursor: "" }, false))}
        />
      )}
    </div>
  );
}

/** Telemetry most rows have comes first; too many columns help nobody. */
export function columnsOf(twins: Twin[], most = 6): string[] {
  const count = new Map<string, number>();
  for (const t of twins) for (const name of Object.keys(t.telemetry)) count.set(name, (count.get(name) ?? 0) + 1);
  return [...count]
    .sort((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([name]) => name);
}

function Columns({ all, shown }: { all: string[]; shown: string[] }) {
  return (
    <details class="menu">
      <summary>Columns</summary>
      <fieldset>
        <legend class="hidden">Telemetry shown</legend>
        {all.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={shown.includes(name)}
              onChange={(e) =>
                setParameters({
                  columns:
                    (e.currentTarget.checked ? [...shown, name] : shown.filter((n) => n !== name)).join(",") || "none",
                })
              }
            />
            {name}
          </label>
        ))}
      </fieldset>
    </details>
  );
}

function SortHead({ label, sort, numeric }: { label: string; sort: string; numeric?: boolean }) {
  const present = parameters.value.get("sort") ?? "id";
  const now = present.replace(/^[+-]/, "") === sort ? (present.startsWith("-") ? "descending" : "ascending") : "none";
  return (
    <th scope="col" class={numeric ? "num" : ""} aria-sort={sort ? now : undefined}>
      {sort ? (
        <button
          type="button"
          class="sort"
          onClick={() => setParameters({ sort: now === "ascending" ? `-${sort}` : sort, cursor: "" })}
        >
          {label}
          <span aria-hidden="true">{now === "ascending" ? " ↑" : now === "descending" ? " ↓" : ""}</span>
        </button>
      ) : (
        label
      )}
    </th>
  );
}

export function Health({ twin }: { twin: Twin }) {
  const worst = worstOf(twin.alerts);
  if (worst)
    return (
      <Badge severity={worst}>
        {twin.alerts.length > 1 ? `${twin.alerts.length} × ` : ""}
        {worst}
      </Badge>
    );
  return <Dot tone="ok" label="ok" />;
}

function Row({ twin, columns }: { twin: Twin; columns: string[] }) {
  return (
    <tr tabIndex={0} aria-label={twin.id}>
      <th scope="row">
        <a class="mono" tabIndex={-1} href={`/twins/${idPath(twin.id)}`}>
          {twin.id}
        </a>
      </th>
      <td>{twin.model.name}</td>
      <td>
        <Health twin={twin} />
      </td>
      <td>
        <Age time={twin.last_event_time} />
      </td>
      <td class="num">{number(twin.readings?.applied)}</td>
      {columns.map((name) => {
        const t = twin.telemetry[name];
        return (
          <td key={name} class="num">
            {t ? (
              <>
                {number(t.value)} <span class="unit">{unitSign(t.unit)}</span>
              </>
            ) : (
              <span class="muted">·</span>
            )}
          </td>
        );
      })}
    </tr>
  );
}

export function Twins() {
  const p = parameters.value;
  const [changed, setChanged] = useState(new Map<string, Twin>());
  const of = {
    glob: p.get("glob") ?? "",
    filter: p.get("filter") ?? "",
    sort: p.get("sort") ?? "",
    cursor: p.get("cursor") ?? "",
    limit: size,
    count: p.get("filter") ? true : undefined,
  };
  // the states of a large fleet are no stream for one table: then its rows are asked for again
  const large = (latest.value?.twins ?? 0) > mostLive && !of.glob;
  const read = async (signal: AbortSignal) => ({ ...(await twinDocuments(of, signal)), filter: of.filter });
  const list = useLoad(read, [JSON.stringify(of)], large ? 3000 : 10_000);
  useLive(
    { twins: of.glob || "*", kinds: large ? "alert" : "state,alert" },
    (events) =>
      setChanged(
        (was) =>
          new Map(
            [
              ...was,
              ...events
                .filter((e) => e.kind === "state" && e.document.telemetry)
                .map((e) => [e.twin, toTwin(e.document)] as [string, Twin]),
            ].slice(-2000),
          ),
      ),
    list.again,
  );
  useLiveSearch(list.data?.filter === of.filter ? of.filter : "", list.again); // one that the node could read
  const rows = (list.data?.rows ?? []).map((t) => changed.get(t.id) ?? t);
  const all = columnsOf(rows, 100);
  const chosen = p.get("columns");
  const columns = chosen === "none" ? [] : chosen ? chosen.split(",") : columnsOf(rows);
  const error = list.error instanceof ApiError && list.error.status === 400 ? list.error : undefined;
  return (
    <>
      <PageHead
        title="Twins"
        sub={list.data?.total !== undefined ? `${list.data.total.toLocaleString("en-GB")} found` : undefined}
      >
        <Columns all={all} shown={columns} />
      </PageHead>
      <QueryBar error={error} />
      {list.error && !error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
      {list.loading && !list.data && <Loading what="twins" />}
      {list.data && rows.length === 0 && !error && (
        <Empty title="No twin fits">
          {of.filter || of.glob ? "Try another filter." : "A twin is made by its first reading."}
        </Empty>
      )}
      {rows.length > 0 && (
        <div class="table-wrap" onKeyDown={rowKeys}>
          <table class="rows">
            <caption class="hidden">Twins; arrow keys go through the rows, Enter opens one</caption>
            <thead>
              <tr>
                {fixed.map((c) => (
                  <SortHead key={c.key} label={c.label} sort={c.sort} numeric={c.key === "readings"} />
                ))}
                {columns.map((name) => (
                  <SortHead key={name} label={name} sort={`telemetry/${name}`} numeric />
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((t) => (
                <Row key={t.id} twin={t} columns={columns} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pages next={list.data?.next ?? ""} />
    </>
  );
}

function Pages({ next }: { next: string }) {
  const cursor = parameters.value.get("cursor");
  if (!next && !cursor) return null;
  return (
    <nav class="pages" aria-label="Pages of the table">
      <button type="button" disabled={!cursor} onClick={() => history.back()}>
        <Icon name="left" /> Back
      </button>
      <button type="button" disabled={!next} onClick={() => setParameters({ cursor: next }, false)}>
        Next <Icon name="right" />
      </button>
    </nav>
  );
}
