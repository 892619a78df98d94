// SPDX-License-Identifier: Apache-2.0
// The inbox: alerts by what they ask for, and beside it the one that is open with its evidence.
import { useEffect } from "preact/hooks";
import { alerts as listAlerts, idPath } from "../api";
import { type AlertRow, isOver } from "../documents";
import { words } from "../format";
import { rowKeys } from "../keys";
import { useLive, useLoad } from "../load";
import { go, parameters, place, setParameters } from "../router";
import { Icon } from "../ui/icons";
import { Age, Badge, Card, Empty, Failure, Loading, PageHead, byWorst } from "../ui/parts";
import { AlertView } from "./alert";

const states = [
  "active",
  "acknowledged",
  "latched",
  "flapping",
  "snoozed",
  "shelved",
  "maintenance",
  "suppressed",
  "cleared",
  "emitted",
  "retracted",
];

function Filters({ rows }: { rows: AlertRow[] }) {
  const p = parameters.value;
  const rules = [...new Set([...rows.map((a) => a.rule), ...(p.get("rule") ? [p.get("rule")!] : [])])].sort();
  const select = (name: string, label: string, options: [string, string][]) => (
    <label class="field inline">
      <span>{label}</span>
      <select value={p.get(name) ?? ""} onChange={(e) => setParameters({ [name]: e.currentTarget.value, cursor: "" })}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <div class="filters" role="search" aria-label="Alerts">
      {select("active", "Show", [
        ["", "active"],
        ["all", "all"],
      ])}
      {select("severity", "Severity", [
        ["", "any"],
        ["critical", "critical"],
        ["warning", "warning"],
        ["info", "info"],
      ])}
      {select("state", "State", [["", "any"], ...states.map((s) => [s, s] as [string, string])])}
      {select("rule", "Rule", [["", "any"], ...rules.map((r) => [r, words(r)] as [string, string])])}
      <label class="field inline">
        <span>Twin</span>
        <input
          data-search
          class="mono"
          placeholder="plant1:*"
          key={p.get("twin") ?? ""}
          defaultValue={p.get("twin") ?? ""}
          onChange={(e) => setParameters({ twin: e.currentTarget.value.trim(), cursor: "" })}
        />
      </label>
    </div>
  );
}

const address = (a: AlertRow) => `/alerts/${idPath(a.twin)}/${a.incident}${place.value.search}`;

function Table({ rows, open }: { rows: AlertRow[]; open: string }) {
  return (
    <div class="table-wrap" onKeyDown={rowKeys}>
      <table class="rows">
        <caption class="hidden">Alerts; arrow keys go through the rows, Enter opens one, a acknowledges it</caption>
        <thead>
          <tr>
            <th scope="col">Severity</th>
            <th scope="col">Rule</th>
            <th scope="col">Twin</th>
            <th scope="col">State</th>
            <th scope="col">Raised</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((a) => (
            <tr
              key={`${a.twin}/${a.incident}`}
              tabIndex={0}
              class={open === `${a.twin}/${a.incident}` ? "chosen" : isOver(a.state) ? "over" : ""}
              aria-label={`${a.severity} ${a.rule} of ${a.twin}, ${a.state}`}
              onClick={(e) => (e.target as Element).closest("a") || go(address(a))}
            >
              <td>
                <Badge severity={isOver(a.state) ? "off" : a.severity}>{a.severity}</Badge>
              </td>
              <td>
                <a tabIndex={-1} href={address(a)}>
                  {words(a.rule)}
                </a>
              </td>
              <td class="mono">{a.twin}</td>
              <td>
                {a.state}
                {a.assigned_to ? <span class="muted"> · {a.assigned_to}</span> : null}
              </td>
              <td>
                <Age time={a.raised_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Alerts({ arguments: [twin, incident] }: { arguments: string[] }) {
  const p = parameters.value;
  const of = {
    twin: p.get("twin") ?? "",
    state: p.get("state") ?? "",
    severity: p.get("severity") ?? "",
    rule: p.get("rule") ?? "",
    active: p.get("active") !== "all" && !p.get("state"),
    limit: 500,
    cursor: p.get("cursor") ?? "",
  };
  const list = useLoad((signal) => listAlerts(of, signal), [JSON.stringify(of)], 10_000);
  useLive({ kinds: "alert" }, () => list.again(), list.again);
  const rows = [...(list.data?.rows ?? [])].sort((a, b) =>
    of.active ? byWorst(a, b) : b.raised_at.localeCompare(a.raised_at),
  );
  const open = twin ? `${twin}/${incident}` : "";
  useEffect(() => {
    if (!twin && rows.length > 0 && matchMedia("(min-width: 1100px)").matches) go(address(rows[0]), true);
  }, [twin, rows.length > 0]);
  return (
    <>
      <PageHead
        title="Alerts"
        sub={
          list.data ? `${rows.length}${list.data.next ? " and more" : ""} ${of.active ? "active" : "found"}` : undefined
        }
      />
      <Filters rows={rows} />
      <div class={`split ${twin ? "has-open" : ""}`}>
        <div class="split-list">
          {list.error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
          {list.loading && !list.data && <Loading what="alerts" />}
          {list.data && rows.length === 0 && (
            <Empty title={of.active ? "No active alert" : "No alert fits"}>
              {of.active ? "Everything is within its limits." : "Try another filter."}
            </Empty>
          )}
          {rows.length > 0 && <Table rows={rows} open={open} />}
          {(list.data?.next || of.cursor) && (
            <nav class="pages" aria-label="Pages of the list">
              <button type="button" disabled={!of.cursor} onClick={() => history.back()}>
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
          {twin ? (
            <>
              <a class="only-narrow back" href={`/alerts${place.value.search}`}>
                ← all alerts
              </a>
              <AlertView key={open} twin={twin} incident={incident} changed={list.again} />
            </>
          ) : rows.length > 0 ? (
            <Card>
              <Empty title="No alert is open">Choose one of the list.</Empty>
            </Card>
          ) : null}
        </div>
      </div>
    </>
  );
}
