// SPDX-License-Identifier: Apache-2.0
// A form for a command, built from the arguments the model declares, and the fate of what was sent.
import { useState } from "preact/hooks";
import { commandState, sendCommand } from "../api";
import type { CommandModel, CommandState, Value } from "../documents";
import { number, words } from "../format";
import { Age, Badge, Failure } from "./parts";

export interface Argument {
  name: string;
  type: "number" | "boolean" | "text";
  min?: number;
  max?: number;
  values?: string[];
  unit?: string;
}

/** The arguments a command takes: one number (`argument`), or `arguments` by name. */
export function argumentsOf(command: CommandModel): Argument[] {
  if (command.argument) return [{ name: command.argument, type: "number", min: command.min, max: command.max }];
  return Object.entries(command.arguments ?? {}).map(([name, given]) => {
    const g = (given ?? {}) as Record<string, unknown>;
    const kind = String(g.type ?? "number");
    return {
      name,
      type: kind === "boolean" ? "boolean" : kind === "number" || kind === "integer" ? "number" : "text",
      min: g.min as number | undefined,
      max: g.max as number | undefined,
      values: (g.enum ?? g.values ?? g.one_of) as string[] | undefined,
      unit: g.unit as string | undefined,
    };
  });
}

const tones: Record<string, string> = {
  confirmed: "ok",
  confirmed_late: "ok",
  refused: "critical",
  rejected: "critical",
  timed_out: "critical",
};
export const phaseTone = (phase: string) => tones[phase] ?? "info";
export const settled = (phase: string) => phase in tones;

/** Asks for a command's fate until it has one. */
async function follow(twin: string, sent: CommandState, tell: (c: CommandState) => void) {
  tell(sent);
  for (let i = 0; i < 30 && !settled(sent.phase); i++) {
    await new Promise((r) => setTimeout(r, 1000));
    try {
      sent = { ...sent, ...(await commandState(twin, sent.id)) };
      tell(sent);
    } catch {
      return;
    }
  }
}

function Input({
  numeric,
  value,
  typed,
}: {
  numeric: boolean;
  value: string;
  typed: (e: { currentTarget: HTMLInputElement }) => void;
}) {
  return numeric ? (
    <input type="number" step="any" required value={value} onInput={typed} />
  ) : (
    <input required value={value} onInput={typed} />
  );
}

function Field({ argument, value, set }: { argument: Argument; value: Value; set: (v: Value) => void }) {
  const range =
    argument.min !== undefined || argument.max !== undefined
      ? `${number(argument.min)} to ${number(argument.max)}`
      : undefined;
  const typed = (e: { currentTarget: HTMLInputElement }) => {
    const text = e.currentTarget.value;
    set(argument.type !== "number" ? text : text === "" ? null : Number(text));
  };
  if (argument.type === "boolean")
    return (
      <label class="field inline">
        <input type="checkbox" checked={value === true} onChange={(e) => set(e.currentTarget.checked)} />{" "}
        <span>{words(argument.name)}</span>
      </label>
    );
  return (
    <label class="field">
      <span>
        {words(argument.name)} {range && <span class="muted">{range}</span>}
      </span>
      {argument.values ? (
        <select value={String(value ?? "")} onChange={(e) => set(e.currentTarget.value)}>
          {argument.values.map((v) => (
            <option key={v} value={v}>
              {v}
            </option>
          ))}
        </select>
      ) : (
        <Input numeric={argument.type === "number"} value={value === null ? "" : String(value)} typed={typed} />
      )}
    </label>
  );
}

export function Fate({ command }: { command: CommandState }) {
  return (
    <span class="fate" role="status">
      <Badge severity={phaseTone(command.phase)}>{command.phase}</Badge> {command.detail}
    </span>
  );
}

export function CommandForm({
  twin,
  name,
  command,
  present,
}: {
  twin: string;
  name: string;
  command: CommandModel;
  present?: Record<string, Value>;
}) {
  const fields = argumentsOf(command);
  const [values, setValues] = useState<Record<string, Value>>(() =>
    Object.fromEntries(
      fields.map((f) => [f.name, present?.[f.name] ?? (f.type === "boolean" ? false : (f.values?.[0] ?? null))]),
    ),
  );
  const [sent, setSent] = useState<CommandState>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    setSent(undefined);
    try {
      const first = await sendCommand(twin, name, values);
      setBusy(false);
      await follow(twin, first, setSent);
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return (
    <form class="command" onSubmit={(e) => void submit(e)} aria-label={`Command ${name}`}>
      <span class="command-name">{words(name)}</span>
      {fields.map((f) => (
        <Field
          key={f.name}
          argument={f}
          value={values[f.name] ?? null}
          set={(v) => setValues((was) => ({ ...was, [f.name]: v }))}
        />
      ))}
      <button type="submit" class="primary" disabled={busy}>
        Send
      </button>
      {busy && (
        <span class="muted" role="status">
          sending…
        </span>
      )}
      {sent && <Fate command={sent} />}
      {error ? <Failure error={error} /> : null}
    </form>
  );
}

export function CommandList({ commands }: { commands: CommandState[] }) {
  if (commands.length === 0) return <p class="muted">No command was sent lately.</p>;
  return (
    <ul class="commands">
      {[...commands].reverse().map((c) => (
        <li key={c.id}>
          <Badge severity={phaseTone(c.phase)}>{c.phase}</Badge> <strong>{words(c.command ?? c.name ?? "")}</strong>{" "}
          <span class="muted mono">{c.id}</span>{" "}
          <span class="muted">
            <Age time={c.requested_at} />
          </span>
          {c.detail && <div class="muted">{c.detail}</div>}
        </li>
      ))}
    </ul>
  );
}
