// SPDX-License-Identifier: Apache-2.0
// Readings a second, from the node's counters, kept while the page stands so that the line on the
// overview is there when one comes back to it.
import { signal } from "@preact/signals";
import { stats } from "./api";
import type { Stats } from "./documents";
import { signInNeeded } from "./session";

export interface Rate {
  at: number;
  readings: number;
  messages: number;
}

export const rates = signal<Rate[]>([]);
export const latest = signal<Stats | undefined>(undefined);
export const reachable = signal(true);
/** Whatever was wrong with the last poll. */
export const trouble = signal<unknown>(undefined);

const keep = 150;
let before: { at: number; readings: number; messages: number } | undefined;

function counted(s: Stats): { readings: number; messages: number } {
  const first = (...tried: unknown[]) => Number(tried.find((v) => typeof v === "number") ?? 0);
  return {
    readings: first(s.readings?.received, s.readings?.applied),
    messages: first(s.messages, (s.messages as { received?: number } | undefined)?.received),
  };
}

/** Counters that fall mean a node that was started anew: no rate then, not a negative one. */
export function rateOf(
  was: { at: number; readings: number; messages: number },
  is: { at: number; readings: number; messages: number },
): Rate | undefined {
  const seconds = (is.at - was.at) / 1000;
  if (seconds <= 0 || is.readings < was.readings) return undefined;
  return {
    at: is.at,
    readings: (is.readings - was.readings) / seconds,
    messages: Math.max(0, is.messages - was.messages) / seconds,
  };
}

export async function poll() {
  if (document.hidden || signInNeeded.value) return;
  try {
    const told = await stats();
    latest.value = told;
    reachable.value = true;
    trouble.value = undefined;
    const is = { at: Date.now(), ...counted(told) };
    const rate = before && rateOf(before, is);
    before = is;
    if (rate) rates.value = [...rates.value.slice(-keep + 1), rate];
  } catch (e) {
    reachable.value = ((e as { status?: number }).status ?? 0) > 0; // a refusal is an answer
    trouble.value = e;
  }
}
