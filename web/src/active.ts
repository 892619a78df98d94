// SPDX-License-Identifier: Apache-2.0
// Alerts that ask for somebody, counted for the header and listed on the overview.
import { signal } from "@preact/signals";
import { alerts } from "./api";
import { type AlertRow, isOver } from "./documents";
import { signInNeeded } from "./session";

export const activeAlerts = signal<AlertRow[]>([]);
let soon: ReturnType<typeof setTimeout> | undefined;

export async function countAlerts() {
  if (signInNeeded.value) return;
  try {
    activeAlerts.value = (await alerts({ active: true, limit: 200 })).rows.filter((a) => !isOver(a.state));
  } catch {
    /* the page itself says what is wrong */
  }
}

/** Events come in flocks; one count answers all of them. */
export function countSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => void countAlerts(), 300);
}
