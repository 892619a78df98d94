// SPDX-License-Identifier: Apache-2.0
// Messages that could not be used: what they were, why, and once the cause is mended, again.
import { useState } from "preact/hooks";
import { quarantine, quarantined, replayQuarantined } from "../api";
import type { Quarantined } from "../documents";
import { clock, words } from "../format";
import { rowKeys } from "../keys";
import { useLive, useLoad } from "../load";
import { go, parameters, place, setParameters } from "../router";
import { Icon } from "../ui/icons";
import { Action, Age, Badge, Card, Empty, Failure, Loading, PageHead } from "../ui/parts";

/** JSON as people read it; other bytes as they are, with a picture of what cannot be printed. */
export function readable(payload: string | undefined): string {
  if (!payload) return "";
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    // eslint-disable-next-line no-control-regex
    return payload.replace(
      /[\u0000-\u0008\u000b-\u001f\u007f]/g,
      (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  }
}

function Open({ id, rows, gone }: { id: number; rows: Quarantined[]; gone: () => void }) {
  const asked = useLoad(() => quarantined(id), [id]);
  const [error, setError] = useState<unknown>();
  const entry = { ...rows.find((r) => r.id === id), ...asked.data } as Quarantined;
  if (!entry.reason)
    return asked.error ? <Failure error={asked.error} again={asked.again} /> : <Loading what="the message" />;
  return (
    <Card title={`Message ${id}`} aside={<Badge severity="warning">{words(entry.reason)}</Badge>}>
      <p class="why">{entry.detail}</p>
      <dl class="facts">
        <div>
          <dt>topic</dt>
          <dd class="mono">{entry.topic}</dd>
        </div>
        <div>
          <dt>came</dt>
          <dd>{clock(entry.ingest_time, true)}</dd>
        </div>
        {entry.mapping && (
          <div>
            <dt>mapping</dt>
            <dd class="mono">{entry.mapping}</dd>
          </div>
        )}
      </dl>
      {entry.payload_encoding === "hex" && <p class="muted">Not text: shown as hex digits.</p>}
      <pre class="payload" tabIndex={0} aria-label="Payload">
        {readable(entry.payload) || "(empty)"}
      </pre>
      <Action
        class="primary"
        run={async () => {
          setError(undefined);
          await replayQuarantined(id);
          gone();
        }}
        failed={setError}
      >
        Decode again
      </Action>
      <p class="muted hint">
        It is read with the mapping and model of today, and leaves the quarantine when it goes through.
      </p>
      {error ? <Failure error={error} /> : null}
    </Card>
  );
}

export function QuarantinePage({ arguments: [opened] }: { arguments: string[] }) {
  const cursor = parameters.value.get("cursor") ?? "";
  const [told, setTold] = useState("");
  const list = useLoad((signal) => quarantine(cursor, signal), [cursor], 5000);
  useLive({ kinds: "alert" }, () => {});
  const rows = list.data?.rows ?? [];
  const address = (r: Quarantined) => `/quarantine/${r.id}${place.value.search}`;
  return (
    <>
      <PageHead title="Quarantine" sub={list.data?.total !== undefined ? `${list.data.total} kept` : undefined} />
      <p role="status" class="told">
        {told}
      </p>
      {list.error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
      {list.loading && !list.data && <Loading what="the quarantine" />}
      {list.data && rows.length === 0 && <Empty title="Nothing is in quarantine">Every message could be used.</Empty>}
      {(rows.length > 0 || opened) && (
        <div class={`split ${opened ? "has-open" : ""}`}>
          <div class="split-list">
            <div class="table-wrap" onKeyDown={rowKeys}>
              <table class="rows">
                <caption class="hidden">Messages in quarantine</caption>
                <thead>
                  <tr>
                    <th scope="col" class="num">
                      Id
                    </th>
                    <th scope="col">Reason</th>
                    <th scope="col">Topic</th>
                    <th scope="col">Came</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((r) => (
                    <tr
                      key={r.id}
                      tabIndex={0}
                      class={String(r.id) === opened ? "chosen" : ""}
                      aria-label={`Message ${r.id}, ${words(r.reason)}, ${r.topic}`}
                      onClick={() => go(address(r))}
                    >
                      <td class="num">
                        <a tabIndex={-1} href={address(r)}>
                          {r.id}
                        </a>
                      </td>
                      <td>{words(r.reason)}</td>
                      <td class="mono">{r.topic}</td>
                      <td>
                        <Age time={r.ingest_time} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {(list.data?.next || cursor) && (
              <nav class="pages" aria-label="Pages of the list">
                <button type="button" disabled={!cursor} onClick={() => history.back()}>
                  <Icon name="left" /> Back
                </button>
                <button
                  type="button"
                  disabled={!list.data?.next}
                  onClick={() => setParameters({ cursor: list.data!.next }, false)}
                >
                  Next <Icon name="right" />
                </button>
              </nav>
            )}
          </div>
          <div class="split-open">
            {opened ? (
              <>
                <a class="only-narrow back" href={`/quarantine${place.value.search}`}>
                  ← all messages
                </a>
                <Open
                  key={opened}
                  id={Number(opened)}
                  rows={rows}
                  gone={() => (setTold(`Message ${opened} went through`), go("/quarantine"), list.again())}
                />
              </>
            ) : (
              <Card>
                <Empty title="No message is open">Choose one of the list.</Empty>
              </Card>
            )}
          </div>
        </div>
      )}
    </>
  );
}
