// SPDX-License-Identifier: Apache-2.0
// Which input one step back or on leads to, from a moment.

/** A moment as a text that sorts by time, whatever digits its second has. */
export const instant = (time: string) =>
  time.replace(/(?:\.(\d+))?Z$/, (_, digits: string = "") => `.${digits.padEnd(9, "0")}Z`);

/** The row of the moment, and those one comes to by one step back or on: inputs of one instant are
    one step, since a state is asked for by its time. */
export function stepsAround(times: string[], at: string): { here: number; back: number; on: number } {
  const moments = times.map(instant);
  const last = (fits: (moment: string) => boolean) => moments.reduce((found, m, i) => (fits(m) ? i : found), -1);
  const here = last((m) => m <= instant(at));
  const next = moments.find((m) => m > instant(at));
  return { here, back: last((m) => here >= 0 && m < moments[here]), on: last((m) => m === next) };
}
