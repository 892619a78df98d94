// SPDX-License-Identifier: Apache-2.0
// Where twins are, from whatever names they use; tracks from history; fences and routes from what
// people said of a twin. Pure.
import type { HistoryRow } from "./api";
import type { Telemetry, Twin } from "./documents";
import { millis } from "./format";

export type LatLon = [number, number];

const pairs: [string, string][] = [
  ["lat", "lon"],
  ["latitude", "longitude"],
  ["position.lat", "position.lon"],
  ["gps.lat", "gps.lon"],
  ["lat", "lng"],
];

/** The names of the two telemetries that place a twin. */
export function placeNames(telemetry: Record<string, Telemetry | unknown>): [string, string] | undefined {
  return pairs.find(([a, b]) => a in telemetry && b in telemetry);
}

const sound = (lat: unknown, lon: unknown): LatLon | undefined =>
  typeof lat === "number" && typeof lon === "number" && Math.abs(lat) <= 90 && Math.abs(lon) <= 180
    ? [lat, lon]
    : undefined;

export function positionOf(twin: Twin): LatLon | undefined {
  const names = placeNames(twin.telemetry);
  if (names) return sound(twin.telemetry[names[0]].value, twin.telemetry[names[1]].value);
  const p = twin.properties ?? {};
  const at = (p.position ?? p.location ?? p) as Record<string, unknown>;
  return sound(at.lat ?? at.latitude, at.lon ?? at.longitude ?? at.lng);
}

/** A latitude and a longitude of one instant make a point; halves are left out. */
export function trackOf(rows: HistoryRow[], names: [string, string]): { time: number; at: LatLon }[] {
  const of = new Map<number, { lat?: unknown; lon?: unknown }>();
  for (const r of rows) {
    const time = millis(r.event_time);
    const one = of.get(time) ?? {};
    if (r.name === names[0]) one.lat = r.value;
    else if (r.name === names[1]) one.lon = r.value;
    of.set(time, one);
  }
  return [...of]
    .sort((a, b) => a[0] - b[0])
    .flatMap(([time, v]) => {
      const at = sound(v.lat, v.lon);
      return at ? [{ time, at }] : [];
    });
}

export interface Shape {
  name: string;
  kind: "fence" | "route";
  points: LatLon[];
  circle?: { at: LatLon; radius: number };
}

function pointsOf(value: unknown): LatLon[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((p) => {
    if (Array.isArray(p)) return sound(p[0], p[1]) ? [[p[0], p[1]] as LatLon] : [];
    const o = (p ?? {}) as Record<string, unknown>;
    const at = sound(o.lat ?? o.latitude, o.lon ?? o.longitude ?? o.lng);
    return at ? [at] : [];
  });
}

/** GeoJSON has longitude first. */
function geometry(value: Record<string, unknown>): LatLon[] {
  const of = (value.geometry ?? value) as { type?: string; coordinates?: unknown };
  const ring =
    of.type === "Polygon" ? (of.coordinates as unknown[])?.[0] : of.type === "LineString" ? of.coordinates : undefined;
  return Array.isArray(ring) ? ring.flatMap((p) => (sound(p?.[1], p?.[0]) ? [[p[1], p[0]] as LatLon] : [])) : [];
}

function shape(name: string, kind: "fence" | "route", value: unknown): Shape | undefined {
  if (Array.isArray(value)) {
    const points = pointsOf(value);
    return points.length > 1 ? { name, kind, points } : undefined;
  }
  if (value === null || typeof value !== "object") return undefined;
  const o = value as Record<string, unknown>;
  const centre = sound(o.lat, o.lon) ?? pointsOf([o.centre ?? o.center])[0];
  const radius = Number(o.radius_m ?? o.radius);
  if (centre && radius > 0) return { name: String(o.name ?? name), kind, points: [], circle: { at: centre, radius } };
  const points = o.type || o.geometry ? geometry(o) : pointsOf(o.points ?? o.polygon ?? o.path);
  return points.length > 1 ? { name: String(o.name ?? name), kind, points } : undefined;
}

/** `geofence`, `geofences`, `route`, `routes`: one shape, a list of shapes, or shapes by name. */
export function shapesOf(said: Record<string, unknown> | undefined): Shape[] {
  const out: Shape[] = [];
  for (const [key, kind, many] of [
    ["geofence", "fence", 0],
    ["geofences", "fence", 1],
    ["route", "route", 0],
    ["routes", "route", 1],
  ] as const) {
    const value = said?.[key];
    if (value === undefined) continue;
    const parts: [string, unknown][] = !many
      ? [[key, value]]
      : Array.isArray(value)
        ? value.map((v, i) => [`${key} ${i + 1}`, v])
        : Object.entries(value as object);
    for (const [name, one] of parts) {
      const made = shape(name, kind, one);
      if (made) out.push(made);
    }
  }
  return out;
}

/** A step of the net of latitudes and longitudes that gives some lines on the screen, and no more. */
export function netStep(degrees: number): number {
  const steps = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
  return steps.find((s) => degrees / s >= 4) ?? steps[steps.length - 1];
}
