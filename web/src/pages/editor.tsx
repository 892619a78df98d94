// SPDX-License-Identifier: Apache-2.0
// Models: read, changed, checked, tried on the past, and put in force or taken back.
import { useEffect, useState } from "preact/hooks";
import {
  ApiError,
  type Fault,
  applyModel,
  checkModel,
  model as readModel,
  modelVersions,
  models as listModels,
  rollbackModel,
} from "../api";
import type { ModelVersion } from "../documents";
import { clock, shortHash } from "../format";
import { useLive, useLoad } from "../load";
import { go } from "../router";
import { CodeArea, showPlace } from "../ui/code";
import { Action, Badge, Card, Dialog, Empty, Failure, Loading, PageHead } from "../ui/parts";
import { Backtest } from "./backtest";

function ModelList({ rows, name }: { rows: ModelVersion[]; name: string }) {
  const names = [...new Set(rows.map((r) => r.name))].sort();
  return (
    <nav class="model-list" aria-label="Models">
      {names.map((n) => {
        const v = rows.find((r) => r.name === n && r.ruling !== false) ?? rows.find((r) => r.name === n)!;
        return (
          <a
            key={n}
            href={`/editor/${encodeURIComponent(n)}`}
            class={n === name ? "here" : ""}
            aria-current={n === name ? "true" : undefined}
          >
            <strong>{n}</strong>
            <span class="muted mono">{shortHash(v.hash)}</span>
            {v.shadow && <Badge severity="info">shadow</Badge>}
          </a>
        );
      })}
    </nav>
  );
}

function Versions({
  rows,
  chosen,
  choose,
  back,
}: {
  rows: ModelVersion[];
  chosen: string;
  choose: (hash: string) => void;
  back: (v: ModelVersion) => Promise<unknown>;
}) {
  const [error, setError] = useState<unknown>();
  if (rows.length === 0) return <p class="muted">No earlier version is known.</p>;
  return (
    <>
      <ul class="versions">
        {rows.map((v, i) => (
          <li key={`${v.hash}${i}`}>
            <button type="button" class="link mono" aria-pressed={chosen === v.hash} onClick={() => choose(v.hash)}>
              {shortHash(v.hash)}
            </button>
            {v.ruling && <Badge severity="ok">rules</Badge>}
            <span class="muted">
              {v.how} {v.by && `by ${v.by.split("/").pop()}`} {v.at && clock(v.at)}{" "}
              {v.twins && v.twins !== "*" && `for ${v.twins}`}
            </span>
            {v.ruling === false && (
              <Action run={() => back(v)} failed={setError}>
                Roll back to it
              </Action>
            )}
          </li>
        ))}
      </ul>
      {error ? <Failure error={error} /> : null}
    </>
  );
}

function Faults({ faults }: { faults: Fault[] }) {
  return (
    <ul class="faults" id="model-faults" role="alert">
      {faults.map((f, i) => (
        <li key={i}>
          {f.line ? (
            <button type="button" class="link" onClick={() => showPlace(f)}>
              line {f.line}, column {f.column ?? 1}
            </button>
          ) : null}{" "}
          {f.detail}
        </li>
      ))}
    </ul>
  );
}

/** Errors of a text that is no JSON, found without asking the node. */
export function syntaxFault(text: string): Fault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (e) {
    const words = (e as Error).message;
    const at = Number(/position (\d+)/.exec(words)?.[1] ?? text.length);
    const before = text.slice(0, at).split("\n");
    return {
      line: before.length,
      column: before[before.length - 1].length + 1,
      detail: words.replace(/ \(line .*\)$/, ""),
    };
  }
}

function Apply({ text, close, done }: { text: string; close: () => void; done: (told: string) => void }) {
  const [glob, setGlob] = useState("");
  const [error, setError] = useState<unknown>();
  const run = async () => {
    const d = await applyModel(text, glob.trim());
    done(`${String(d.state ?? "applied")}: version ${shortHash(String(d.hash ?? ""))}`);
  };
  return (
    <Dialog title="Put in force" close={close}>
      <p>From its next input on a twin is judged by this version. The one before can be rolled back to.</p>
      <label class="field">
        <span>Twins (a pattern; empty: all of the model)</span>
        <input class="mono" placeholder="plant1:*" value={glob} onInput={(e) => setGlob(e.currentTarget.value)} />
      </label>
      {error ? <Failure error={error} /> : null}
      <Action class="primary" run={run} failed={setError}>
        Put in force
      </Action>
    </Dialog>
  );
}

function Work({ name, versions, changed }: { name: string; versions: ModelVersion[]; changed: () => void }) {
  const [version, setVersion] = useState("");
  const asked = useLoad(() => readModel(name, version || undefined), [name, version]);
  const own = useLoad(() => modelVersions(name), [name]);
  const [text, setText] = useState<string>();
  const [faults, setFaults] = useState<Fault[]>([]);
  const [told, setTold] = useState("");
  const [error, setError] = useState<unknown>();
  const [applying, setApplying] = useState(false);
  useEffect(() => {
    if (asked.data) setText(asked.data.text);
    setFaults([]);
  }, [asked.data]);
  if (asked.error && !asked.data) return <Failure error={asked.error} again={asked.again} />;
  if (text === undefined) return <Loading what={`model ${name}`} />;
  const dirty = text !== asked.data?.text;
  const wrong = (e: unknown) => {
    if (!(e instanceof ApiError) || ![400, 409, 422].includes(e.status)) return setError(e);
    setFaults(e.faults.length ? e.faults : [{ detail: e.detail || e.title }]);
  };
  const check = async () => {
    setError(undefined);
    setTold("");
    const broken = syntaxFault(text);
    if (broken) return setFaults([broken]);
    const d = await checkModel(text);
    const found = (Array.isArray(d.errors) ? d.errors : []) as Fault[];
    setFaults(found);
    const warnings = (Array.isArray(d.warnings) ? d.warnings : []) as Fault[];
    const hash = (d.model as { hash?: string } | null)?.hash;
    if (found.length === 0)
      setTold(
        [
          `Sound${hash ? `: it would be version ${shortHash(hash)}` : ""}`,
          ...warnings.map((w) => `line ${w.line}: ${w.detail}`),
        ].join("; "),
      );
  };
  const known = own.data?.length ? own.data : versions.filter((v) => v.name === name);
  return (
    <div class="columns">
      <div>
        <Card
          title={
            <>
              {name} <span class="mono muted">{shortHash(asked.data?.hash)}</span>
              {dirty && <Badge severity="info">changed</Badge>}
            </>
          }
          label={`Model ${name}`}
        >
          <CodeArea
            value={text}
            set={(t) => (setText(t), setFaults([]), setTold(""))}
            faults={faults}
            label={`Text of model ${name}`}
          />
          <div class="buttons">
            <Action class="primary" run={check} failed={wrong}>
              Check
            </Action>
            <button type="button" disabled={!dirty} onClick={() => setApplying(true)}>
              Put in force…
            </button>
            <button
              type="button"
              class="quiet"
              disabled={!dirty}
              onClick={() => (setText(asked.data!.text), setFaults([]))}
            >
              Undo changes
            </button>
            <span role="status" class="told">
              {told}
            </span>
          </div>
          {faults.length > 0 && <Faults faults={faults} />}
          {error ? <Failure error={error} /> : null}
        </Card>
      </div>
      <div>
        <Backtest text={text} wrong={wrong} promote={() => setApplying(true)} />
        <Card title="Versions">
          <Versions
            rows={known}
            chosen={version}
            choose={setVersion}
            back={async (v) => (await rollbackModel(name, v.hash), changed(), asked.again(), own.again())}
          />
        </Card>
      </div>
      {applying && (
        <Apply
          text={text}
          close={() => setApplying(false)}
          done={(words) => (setApplying(false), setTold(words), setVersion(""), changed(), asked.again(), own.again())}
        />
      )}
    </div>
  );
}

export function Editor({ arguments: [name] }: { arguments: string[] }) {
  const list = useLoad(listModels, []);
  useLive({ kinds: "alert" }, () => {});
  const rows = list.data ?? [];
  const first = rows.length ? [...new Set(rows.map((r) => r.name))].sort()[0] : undefined;
  useEffect(() => {
    if (!name && first) go(`/editor/${encodeURIComponent(first)}`, true);
  }, [name, first]);
  return (
    <>
      <PageHead title="Models" sub="What twins of a kind measure, watch and do." />
      {list.error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
      {list.loading && !list.data && <Loading what="models" />}
      {list.data && rows.length === 0 && <Empty title="No models" />}
      {rows.length > 0 && <ModelList rows={rows} name={name} />}
      {name && <Work key={name} name={name} versions={rows} changed={list.again} />}
    </>
  );
}
