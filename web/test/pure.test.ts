// SPDX-License-Identifier: Apache-2.0
// Pure parts: node --test strips the types itself (npm test).
import assert from "node:assert/strict";
import { test } from "node:test";
import { age, ageOf, bytes, clock, duration, inSentence, number, short, unitSign } from "../src/format";
import { bandOf, evidenceLimits, limitsOf, marksOf } from "../src/limits";
import { netStep, placeNames, shapesOf, trackOf } from "../src/geography";
import { latencies, parseMetrics, quantile, total } from "../src/metrics";
import { backtestArguments } from "../src/backtest";
import { faultsIn, idPath, modelText, query } from "../src/api";
import { eventsOf, missedOf } from "../src/live";
import { instant, stepsAround } from "../src/steps";
import { items, toJob, toRow, toTwin, worstOf } from "../src/documents";

test("numbers keep the digits that matter", () => {
  assert.equal(number(56.7731234), "56.773");
  assert.equal(number(1234567), "1,234,567");
  assert.equal(number(null), "–");
  assert.equal(number(0.00001234), "1.23e-5");
  assert.equal(number(true), "true");
  assert.equal(short(12_345), "12.3k");
  assert.equal(short(2.25), "2.3");
  assert.equal(bytes(64 * 1024 * 1024), "64 MiB");
});

test("ages are told in the largest unit that fits, and the future is said to be one", () => {
  assert.deepEqual([0.25, 12, 300, 7200, 200_000, -30].map(age), ["250 ms", "12 s", "5 min", "2 h", "2 d", "in 30 s"]);
  assert.equal(age(NaN), "–");
  const at = Date.UTC(2026, 0, 1);
  assert.deepEqual([-1, 0.9, 2, 61].map((s) => ageOf(new Date(at).toISOString(), at + s * 1000)), ["now", "now", "2 s", "61 s"]);
});

test("durations are read as the node writes them", () => {
  assert.equal(duration("5m"), 300_000);
  assert.equal(duration("1m30s"), 90_000);
  assert.ok(Number.isNaN(duration("five")));
  assert.ok(Number.isNaN(duration("5 apples")));
});

test("a time of another day bears the day; times in sentences become clock times", () => {
  const at = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
  assert.equal(clock(at, true, at), "03:04:05.006");
  assert.equal(clock(at, false, at + 3 * 86_400_000), "2026-01-02 03:04:05");
  const told = new Date(at).toISOString().replace("Z", "123456Z");
  assert.equal(inSentence(`fires at ${told} without a word`, at), "fires at 03:04:05 without a word");
  assert.equal(unitSign("degC"), "°C");
});

const model = {
  name: "m",
  operators: [
    { name: "hot", type: "threshold", value: "t", above: 90, severity: "critical" },
    { name: "mean_hot", type: "threshold", value: "t_5m.mean", above: 50 },
    { name: "low", type: "threshold", value: "t", below: 1 },
  ],
};

test("only limits of the telemetry itself are drawn into its chart", () => {
  assert.deepEqual(
    limitsOf(model, "t").map((l) => [l.value, l.tone]),
    [
      [90, "critical"],
      [1, "warning"],
    ],
  );
  assert.deepEqual(limitsOf(undefined, "t"), []);
});

test("of several windows the longest gives the band", () => {
  const w = (from: string, mean: number) => ({
    name: "w",
    telemetry: "t",
    count: 9,
    mean,
    sample_stddev: 2,
    from,
    to: "2026-01-01T01:00:00Z",
  });
  const band = bandOf(
    [w("2026-01-01T00:55:00Z", 10), w("2026-01-01T00:00:00Z", 20), { ...w("2025-01-01T00:00:00Z", 5), telemetry: "u" }],
    "t",
  );
  assert.deepEqual([band?.low, band?.middle, band?.high], [18, 20, 22]);
});

test("an alert lasts to its clearing, else to now; one without a life is a moment", () => {
  const a = {
    twin: "a:b",
    incident: "1",
    rule: "hot",
    severity: "critical" as const,
    state: "active",
    message: "",
    raised_at: "2026-01-01T00:00:00Z",
  };
  assert.equal(marksOf([a], 7)[0].to, 7);
  assert.equal(
    marksOf([{ ...a, state: "cleared", cleared_at: "2026-01-01T00:00:01Z" }], 7)[0].to,
    Date.UTC(2026, 0, 1, 0, 0, 1),
  );
  assert.equal(marksOf([{ ...a, state: "emitted" }], 7)[0].to, undefined);
});

test("evidence of deviations gives the line the value crossed, on its own side", () => {
  const proof = (numbers: Record<string, number>) => ({ numbers, times: {}, event_times: [], explanation: "" });
  assert.equal(evidenceLimits(proof({ value: 60, mean: 50, sd: 2, limit: 3 })).at(-1)?.value, 56);
  assert.equal(evidenceLimits(proof({ value: 40, mean: 50, sd: 2, limit: 3 })).at(-1)?.value, 44);
  assert.deepEqual(
    evidenceLimits(proof({ value: 95, limit: 90, clear: 85 })).map((l) => l.value),
    [85, 90],
  );
  assert.equal(
    evidenceLimits(proof({ value: 5, mean: 3, sd: 1, upper: 4, lower: 2, limit: 3 })).filter(
      (l) => l.tone === "critical",
    ).length,
    2,
  );
});

test("a track needs both coordinates of an instant, in the order of time", () => {
  const row = (name: string, s: number, value: unknown) => ({ name, value, event_time: `2026-01-01T00:00:0${s}Z` });
  const track = trackOf(
    [row("lat", 2, 52), row("lon", 2, 13), row("lat", 1, 51), row("lon", 3, 14), row("lat", 4, 91), row("lon", 4, 1)],
    ["lat", "lon"],
  );
  assert.deepEqual(
    track.map((p) => p.at),
    [[52, 13]],
  );
  assert.deepEqual(placeNames({ latitude: 1, longitude: 2 }), ["latitude", "longitude"]);
  assert.equal(placeNames({ lat: 1 }), undefined);
});

test("fences and routes are found as points, circles and GeoJSON", () => {
  const shapes = shapesOf({
    geofence: { lat: 52, lon: 13, radius_m: 500 },
    geofences: {
      yard: [
        [52, 13],
        [52, 14],
        [53, 14],
      ],
      broken: [[1]],
    },
    route: {
      type: "LineString",
      coordinates: [
        [13, 52],
        [14, 53],
      ],
    },
  });
  assert.deepEqual(
    shapes.map((s) => [s.name, s.kind, s.points.length, s.circle?.radius]),
    [
      ["geofence", "fence", 0, 500],
      ["yard", "fence", 3, undefined],
      ["route", "route", 2, undefined],
    ],
  );
  assert.deepEqual(shapes[2].points[0], [52, 13]);
  assert.deepEqual(shapesOf(undefined), []);
  assert.ok(netStep(360) === 30 && netStep(0.5) === 0.1);
});

const text = `# HELP p_seconds How long.
# TYPE p_seconds histogram
p_seconds_bucket{le="0.1"} 50
p_seconds_bucket{le="1"} 100
p_seconds_bucket{le="+Inf"} 100
p_seconds_sum 20
p_seconds_count 100
# TYPE q_total counter
q_total{reason="a \\"b\\""} 2
q_total{reason="c"} 3
`;

test("metrics are read with labels, summed, and their quantiles are drawn straight", () => {
  const families = parseMetrics(text);
  assert.equal(families.length, 2);
  assert.equal(total(families, "q_total"), 5);
  assert.equal(total(families, "q_total", { reason: "c" }), 3);
  assert.equal(total(families, "absent"), undefined);
  assert.equal(quantile(families[0].samples, 0.5), 0.1);
  assert.equal(quantile(families[0].samples, 0.75), 0.55);
  assert.equal(quantile([], 0.5), undefined);
});

test("a back-test's order leaves out what was left empty", () => {
  assert.deepEqual(
    backtestArguments({ model: "{}", twins: " ", from: "2026-01-01T00:00:00Z", to: "", tolerance: "10m" }),
    { model: "{}", from: "2026-01-01T00:00:00Z", tolerance: "10m", differences: 200 },
  );
});

test("documents of another release do not break the page", () => {
  assert.deepEqual(items({ items: [1] }), [1]);
  assert.deepEqual(items({ jobs: [2], next: null }), [2]);
  assert.deepEqual(items(null), []);
  assert.equal(toTwin({ id: "a:b" }).model.name, "");
  assert.equal(toTwin({ id: "a:b", alerts: [{ incident: "1" }] }).alerts[0].twin, "a:b");
  assert.equal(toRow({ id: "a:b", model: { name: "m" }, readings: { applied: 3 } }).readings, 3);
  assert.deepEqual(toJob({ id: 1, document: '{"a":1}' }).result, { a: 1 });
  assert.equal(worstOf([{ severity: "info" }, { severity: "critical" }, { severity: "warning" }]), "critical");
});

test("events are read one by one, in a list, or in an envelope", () => {
  const told = (name: string, data: unknown) => eventsOf(name, JSON.stringify(data)).map((e) => [e.kind, e.twin]);
  assert.deepEqual(told("state", { id: "a:b", telemetry: {} }), [["state", "a:b"]]);
  assert.deepEqual(told("alert", [{ twin: "a:b" }, { twin: "a:c" }]), [
    ["alert", "a:b"],
    ["alert", "a:c"],
  ]);
  assert.deepEqual(told("batch", { events: [{ kind: "command", twin: "a:b", document: { phase: "confirmed" } }] }), [
    ["command", "a:b"],
  ]);
  assert.deepEqual(eventsOf("state", "no json"), []);
});

test("missed events are counted where the node could count them", () => {
  assert.deepEqual(['{"events":12}', '{"events":null}', "", "{}"].map(missedOf), [12, 0, 0, 0]);
});

test("a latency is told by the summary of the last minutes, a line for each label, the stages first", () => {
  const rows = latencies(
    parseMetrics(`
# TYPE pollux_seal_seconds histogram
pollux_seal_seconds_bucket{le="1"} 10
pollux_seal_seconds_bucket{le="+Inf"} 10
pollux_seal_seconds_sum 4
pollux_seal_seconds_count 10
# TYPE pollux_stage_seconds histogram
pollux_stage_seconds_bucket{stage="a",le="+Inf"} 3
pollux_stage_seconds_count{stage="a"} 3
pollux_stage_seconds_bucket{stage="b",le="+Inf"} 0
pollux_stage_seconds_count{stage="b"} 0
# TYPE pollux_stage_quantile_seconds summary
pollux_stage_quantile_seconds{stage="a",quantile="0.5"} 0.25
pollux_stage_quantile_seconds{stage="a",quantile="0.99"} 0.5
pollux_stage_quantile_seconds{stage="a",quantile="0.999"} 0.75
pollux_stage_quantile_seconds{stage="b",quantile="0.5"} NaN
`),
  );
  assert.deepEqual(
    rows.map((r) => [r.name, r.count, ...r.quantiles]),
    [
      ["stage a", 3, 0.25, 0.5, 0.75],
      ["stage b", 0, NaN, NaN, NaN],
      ["seal", 10, 0.5, 0.99, 0.999],
    ],
  );
});

test("a step leads to the next other instant, finer than a millisecond", () => {
  const of = (...parts: string[]) => parts.map((p) => `2026-01-01T00:00:0${p}Z`);
  const times = of("1.1234", "1.1234", "1.12345", "1.1236", "2");
  assert.deepEqual(stepsAround(times, of("1.1234")[0]), { here: 1, back: -1, on: 2 });
  assert.deepEqual(stepsAround(times, of("1.12345")[0]), { here: 2, back: 1, on: 3 });
  assert.deepEqual(stepsAround(times, of("1.5")[0]), { here: 3, back: 2, on: 4 });
  assert.deepEqual(stepsAround(times, of("3")[0]), { here: 4, back: 3, on: -1 });
  assert.deepEqual(stepsAround(times, of("0")[0]), { here: -1, back: -1, on: 1 });
  assert.deepEqual(stepsAround([], of("0")[0]), { here: -1, back: -1, on: -1 });
  assert.ok(instant(of("1")[0]) < instant(of("1.1")[0]));
});

test("errors are pointed at by line and column, however they are told", () => {
  assert.deepEqual(faultsIn({ errors: [{ pointer: "#", detail: "line 3, column 14: no such key" }] }, ""), [
    { line: 3, column: 14, detail: "no such key" },
  ]);
  assert.deepEqual(faultsIn({}, "model:7:2: unknown type"), [{ line: 7, column: 2, detail: "unknown type" }]);
  assert.deepEqual(faultsIn({ errors: [{ line: 1, column: 5, detail: "x" }] }, ""), [
    { line: 1, column: 5, detail: "x" },
  ]);
  assert.deepEqual(faultsIn({}, "nothing of the kind"), []);
});

test("addresses keep the colon of an id and nothing else that could lead away", () => {
  assert.equal(idPath("plant1:motor-1"), "plant1:motor-1");
  assert.equal(idPath("a:../b?c"), "a:..%2Fb%3Fc");
  assert.equal(query({ a: "x y", b: "", c: undefined, d: false }), "?a=x%20y&d=false");
});

test("a model is written with an operator a line, and reads back the same", () => {
  const model = {
    name: "m",
    telemetry: { t: { unit: "A" } },
    operators: [
      { name: "w", span: "5m" },
      { name: "x", value: 'a, "b": c' },
    ],
  };
  const text = modelText(model);
  assert.deepEqual(JSON.parse(text), model);
  assert.equal(text.split("\n").length, 11);
});
