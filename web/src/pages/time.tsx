// SPDX-License-Identifier: Apache-2.0
// The door to the time machine: which twin, which moment.
import { useState } from "preact/hooks";
import { type Page, alerts, idPath, twins } from "../api";
import type { AlertRow } from "../documents";
import { clock, iso, words } from "../format";
import { useLoad, useLive } from "../load";
import { go } from "../router";
import { Badge, Card, Empty, Failure, Loading, PageHead } from "../ui/parts";

const local = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

/** The node lists alerts by twin; here the last ones count. */
const newest = (page: Page<AlertRow>) => ({
  ...page,
  rows: page.rows.sort((a, b) => b.raised_at.localeCompare(a.raised_at)).slice(0, 20),
});

export function TimeStart() {
  const [id, setId] = useState("");
  const [at, setAt] = useState(local(Date.now() - 60_000));
  const known = useLoad((signal) => twins({ limit: 200 }, signal), []);
  const past = useLoad((signal) => alerts({ active: false, limit: 1000 }, signal).then(newest), [], 15_000);
  useLive({ kinds: "alert" }, () => {});
  const rows = known.data?.rows ?? [];
  const submit = (e: Event) => {
    e.preventDefault();
    const twin = id || rows[0]?.id;
    if (twin) go(`/twins/${idPath(twin)}?at=${iso(new Date(at).getTime())}`);
  };
  return (
    <>
      <PageHead
        title="Time machine"
        sub="A twin is a function of its journal: it can be shown as it was at any moment, with what it thought then and why."
      />
      <Card title="Go to a moment">
        <form class="inline-form" onSubmit={submit}>
          <label class="field">
            <span>Twin</span>
            <input
              list="twins-known"
              required
              value={id}
              placeholder={rows[0]?.id}
              onInput={(e) => setId(e.currentTarget.value)}
              data-search
            />
            <datalist id="twins-known">
              {rows.map((r) => (
                <option key={r.id} value={r.id} />
              ))}
            </datalist>
          </label>
          <label class="field">
            <span>Moment, your time</span>
            <input type="datetime-local" step="1" required value={at} onInput={(e) => setAt(e.currentTarget.value)} />
          </label>
          <button type="submit" class="primary">
            Go
          </button>
        </form>
      </Card>
      <Card title="Moments worth a look">
        {past.error && !past.data ? <Failure error={past.error} again={past.again} /> : null}
        {past.loading && !past.data && <Loading what="alerts" />}
        {past.data?.rows.length === 0 && <Empty title="No alert was ever raised" />}
        <ul class="alert-list">
          {past.data?.rows.map((a) => (
            <li key={`${a.twin}/${a.incident}`}>
              <a href={`/twins/${idPath(a.twin)}?at=${a.raised_at}`}>
                <Badge severity={a.severity}>{a.severity}</Badge>
                <span class="alert-words">
                  <strong>{words(a.rule)}</strong> <span class="mono">{a.twin}</span>
                </span>
                <span class="muted">{clock(a.raised_at)}</span>
              </a>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}
