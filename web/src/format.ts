// SPDX-License-Identifier: Apache-2.0
// How numbers, ages and times are told. Pure, so that tests need no browser.

/** At most `digits` significant digits, without an exponent where a person would not write one. */
export function number(value: unknown, digits = 5): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString("en-GB");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(2);
  return String(Number(value.toPrecision(digits)));
}

/** 12,345 → 12.3k: for places where the magnitude is what counts. */
export function short(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  for (const [limit, sign] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const)
    if (Math.abs(value) >= limit) return `${Number((value / (sign === "k" ? 1e3 : limit)).toPrecision(3))}${sign}`;
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString("en-GB");
}

export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let left = value;
  while (Math.abs(left) >= 1024 && at < units.length - 1) {
    left /= 1024;
    at++;
  }
  return `${left < 10 && at > 0 ? left.toFixed(1) : Math.round(left)} ${units[at]}`;
}

/** Seconds as the largest unit that fits: 850 ms, 12 s, 5 min, 3 h, 2 d. */
export function age(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.abs(seconds);
  const sign = seconds < 0 ? "in " : "";
  if (s < 1) return `${sign}${Math.round(s * 1000)} ms`;
  if (s < 99.5) return `${sign}${Math.round(s)} s`;
  if (s < 5400) return `${sign}${Math.round(s / 60)} min`;
  if (s < 129600) return `${sign}${Math.round(s / 3600)} h`;
  return `${sign}${Math.round(s / 86400)} d`;
}

/** Milliseconds since 1970 of an RFC 3339 text; NaN when it is none. */
export function millis(time: string | null | undefined): number {
  return time ? Date.parse(time) : NaN;
}

/** The age of a time, by a clock that ticks in seconds: what is younger than that is "now". */
export function ageOf(time: string | null | undefined, now = Date.now()): string {
  const at = millis(time);
  if (Number.isNaN(at)) return "–";
  const seconds = (now - at) / 1000;
  return seconds > -3 && seconds < 1.5 ? "now" : age(seconds);
}

const two = (n: number) => String(n).padStart(2, "0");

/** The clock of the viewer, with the day when it is not today. */
export function clock(time: string | number | null | undefined, withMillis = false, now = Date.now()): string {
  const at = typeof time === "number" ? time : millis(time);
  if (Number.isNaN(at)) return "–";
  const d = new Date(at);
  const today = new Date(now).toDateString() === d.toDateString();
  const day = today ? "" : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} `;
  const ms = withMillis ? `.${String(d.getMilliseconds()).padStart(3, "0")}` : "";
  return `${day}${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}${ms}`;
}

export const iso = (ms: number) => new Date(ms).toISOString();

const factors: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "5m" → 300000 ms; NaN when it is no duration. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join("") !== text.trim()) return NaN;
  return parts.reduce((sum, p) => sum + Number(p[1]) * factors[p[2]], 0);
}

/** temperature_spike → temperature spike */
export const words = (name: string) => name.replace(/[_-]+/g, " ");

export const shortHash = (hash: string | undefined) => (hash ? hash.slice(0, 12) : "–");

const signs: Record<string, string> = { degC: "°C", degF: "°F", deg: "°", "1": "", m3: "m³", "m/s2": "m/s²" };

/** A unit as people write it. */
export const unitSign = (unit: string | undefined) => (unit === undefined ? "" : (signs[unit] ?? unit));

/** Times in a sentence of the node become the viewer's clock. */
export const inSentence = (words: string, now = Date.now()) =>
  words.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) => clock(time, false, now));
