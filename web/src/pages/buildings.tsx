// SPDX-License-Identifier: Apache-2.0
// Buildings: each zone against its setpoint, what it costs, and the setpoint to be changed.
import { useRef, useState } from "preact/hooks";
import { commandState, idPath, model as readModel, sendCommand, twinsLike } from "../api";
import { type CommandModel, type CommandState, type Twin, toTwin } from "../documents";
import { number, unitSign } from "../format";
import { useLive, useLoad } from "../load";
import { LiveBuffer, joined, useM4 } from "../m4";
import { Fate, argumentsOf, settled } from "../ui/command";
import { Icon } from "../ui/icons";
import { Age, Badge, Card, Empty, Failure, Loading, PageHead } from "../ui/parts";
import { Spark } from "../ui/spark";

/** The command that moves a setpoint, and the telemetry that tells where it is. */
export function setpointOf(
  commands: Record<string, CommandModel> | undefined,
): { command: string; argument: string; min: number; max: number; step: number } | undefined {
  for (const [command, c] of Object.entries(commands ?? {}))
    for (const a of argumentsOf(c))
      if (a.type === "number" && a.name.includes("setpoint"))
        return { command, argument: a.name, min: a.min ?? -Infinity, max: a.max ?? Infinity, step: 0.5 };
  return undefined;
}

/** "zone_temperature" of a building with one zone; "east.zone_temperature" of one with several. */
export function zonesOf(twin: Twin): { name: string; temperature: string; setpoint?: string }[] {
  return Object.keys(twin.telemetry)
    .filter((n) => /(^|[._])(zone_)?temperature$/.test(n) && !n.includes("outside"))
    .map((temperature) => {
      const stem = temperature.replace(/(zone_)?temperature$/, "");
      const setpoint = [`${stem}setpoint`, "setpoint"].find((n) => n in twin.telemetry);
      return { name: stem.replace(/[._]+$/, "").replace(/_/g, " ") || "zone", temperature, setpoint };
    });
}

const value = (t: Twin, name: string | undefined) =>
  name && typeof t.telemetry[name]?.value === "number" ? (t.telemetry[name].value as number) : undefined;

function Gauge({ now, wanted, unit }: { now: number; wanted?: number; unit: string }) {
  const [low, high] = [14, 30];
  const x = (v: number) => 8 + (Math.max(low, Math.min(high, v)) - low) * (184 / (high - low));
  return (
    <svg
      class="gauge"
      viewBox="0 0 200 34"
      role="img"
      aria-label={`${number(now, 3)} ${unit}${wanted === undefined ? "" : `, wanted ${number(wanted, 3)}`}`}
    >
      <rect class="gauge-track" x="8" y="13" width="184" height="6" rx="3" />
      {wanted !== undefined && (
        <rect
          class="gauge-off"
          x={Math.min(x(now), x(wanted))}
          y="13"
          width={Math.abs(x(now) - x(wanted))}
          height="6"
        />
      )}
      {wanted !== undefined && <path class="gauge-wanted" d={`M${x(wanted)} 7v18`} />}
      <circle class="gauge-now" cx={x(now)} cy="16" r="6" />
      <text x="8" y="32">
        {low}
      </text>
      <text x="192" y="32" text-anchor="end">
        {high}
      </text>
    </svg>
  );
}

function Setpoint({ twin, commands }: { twin: Twin; commands?: Record<string, CommandModel> }) {
  const control = setpointOf(commands);
  const [wanted, setWanted] = useState<number>();
  const [sent, setSent] = useState<CommandState>();
  const [error, setError] = useState<unknown>();
  if (!control) return null;
  const present = value(twin, control.argument) ?? value(twin, "setpoint") ?? 21;
  const shown = wanted ?? present;
  const move = (by: number) =>
    setWanted(Math.round(Math.max(control.min, Math.min(control.max, shown + by)) * 10) / 10);
  const send = async (e: Event) => {
    e.preventDefault();
    setError(undefined);
    setSent(undefined);
    try {
      let c = await sendCommand(twin.id, control.command, { [control.argument]: shown });
      setSent(c);
      for (let i = 0; i < 20 && !settled(c.phase); i++) {
        await new Promise((r) => setTimeout(r, 1000));
        c = { ...c, ...(await commandState(twin.id, c.id)) };
        setSent(c);
      }
      setWanted(undefined);
    } catch (failed) {
      setError(failed);
    }
  };
  const id = `setpoint-${twin.id}`;
  return (
    <form class="setpoint" onSubmit={(e) => void send(e)}>
      <label for={id}>Setpoint</label>
      <button type="button" onClick={() => move(-control.step)} aria-label={`Setpoint of ${twin.id} down`}>
        <Icon name="minus" />
      </button>
      <input id={id} type="number" step="0.1" value={shown} onInput={(e) => setWanted(Number(e.currentTarget.value))} />
      <button type="button" onClick={() => move(control.step)} aria-label={`Setpoint of ${twin.id} up`}>
        <Icon name="plus" />
      </button>
      <button type="submit" class="primary" disabled={shown === present}>
        Set
      </button>
      {sent && <Fate command={sent} />}
      {error ? <Failure error={error} /> : null}
    </form>
  );
}

function Building({
  twin,
  buffer,
  commands,
}: {
  twin: Twin;
  buffer: LiveBuffer;
  commands?: Record<string, CommandModel>;
}) {
  const [since] = useState(() => ({ from: Date.now() - 15 * 60_000, to: Date.now() }));
  const before = useM4(
    twin.id,
    zonesOf(twin).map((z) => z.temperature),
    since,
    100,
    0,
  ).data;
  const rest = Object.entries(twin.telemetry).filter(([n]) => !/temperature$|setpoint$/.test(n));
  return (
    <Card
      title={
        <a class="mono" href={`/twins/${idPath(twin.id)}`}>
          {twin.id}
        </a>
      }
      label={twin.id}
      class="building"
      aside={
        twin.alerts.length ? (
          <a href={`/alerts?twin=${twin.id}`}>
            <Badge severity={twin.alerts[0].severity}>
              {twin.alerts.length} {twin.alerts.length === 1 ? "alert" : "alerts"}
            </Badge>
          </a>
        ) : (
          <Badge severity="ok">ok</Badge>
        )
      }
    >
      {zonesOf(twin).map((z) => {
        const now = value(twin, z.temperature);
        const wanted = value(twin, z.setpoint);
        const unit = unitSign(twin.telemetry[z.temperature].unit);
        return (
          <div class="zone" key={z.temperature}>
            <div class="zone-now">
              <span class="zone-name">{z.name}</span>
              <span class="zone-value">
                {now?.toFixed(1) ?? "–"}
                <span class="unit"> {unit}</span>
              </span>
            </div>
            {now !== undefined && <Gauge now={now} wanted={wanted} unit={unit} />}
            <Spark
              values={joined(before[z.temperature], buffer.of[z.temperature]).values.slice(-400)}
              label={`${z.name} temperature of the last quarter of an hour`}
            />
          </div>
        );
      })}
      <Setpoint twin={twin} commands={commands} />
      <dl class="facts">
        {rest.map(([n, t]) => (
          <div key={n}>
            <dt>{n.replace(/_/g, " ")}</dt>
            <dd>
              {number(t.value, 4)} <span class="unit">{unitSign(t.unit)}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>last reading</dt>
          <dd>
            <Age time={twin.last_event_time} />
          </dd>
        </div>
      </dl>
    </Card>
  );
}

/** Commands of each model among the twins, read once. */
function useCommands(twins: Twin[]) {
  const names = [...new Set(twins.map((t) => t.model.name))].sort().join(",");
  const read = async () =>
    Object.fromEntries(
      await Promise.all(
        names
          .split(",")
          .filter(Boolean)
          .map(async (n) => [n, (await readModel(n)).model.commands ?? {}] as const),
      ),
    );
  return useLoad<Record<string, Record<string, CommandModel>>>(read, [names]).data ?? {};
}

export function Buildings() {
  const [changed, setChanged] = useState(new Map<string, Twin>());
  const buffers = useRef(new Map<string, LiveBuffer>());
  const list = useLoad((signal) => twinsLike('eq(kind,"building")', 200, signal), [], 15_000);
  useLive({ twins: "*", kinds: "state,alert,command" }, (events) => {
    const states = events
      .filter((e) => e.kind === "state" && e.document.telemetry)
      .map((e) => toTwin(e.document))
      .filter((t) => t.kind === "building");
    if (states.length) setChanged((was) => new Map([...was, ...states.map((t) => [t.id, t] as [string, Twin])]));
  });
  const rows = (list.data?.rows ?? []).map((t) => changed.get(t.id) ?? t).filter((t) => t.kind === "building");
  const commands = useCommands(rows);
  for (const t of rows) {
    if (!buffers.current.has(t.id)) buffers.current.set(t.id, new LiveBuffer());
    buffers.current.get(t.id)!.add(t.telemetry);
  }
  return (
    <>
      <PageHead title="Buildings" sub={list.data ? `${rows.length} buildings` : undefined} />
      {list.error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
      {list.loading && !list.data && <Loading what="buildings" />}
      {list.data && rows.length === 0 && (
        <Empty title="No buildings">
          Twins whose model says <code>"kind": "building"</code> stand here.
        </Empty>
      )}
      <div class="buildings">
        {rows.map((t) => (
          <Building key={t.id} twin={t} buffer={buffers.current.get(t.id)!} commands={commands[t.model.name]} />
        ))}
      </div>
    </>
  );
}
