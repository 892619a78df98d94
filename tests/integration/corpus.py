# SPDX-License-Identifier: Apache-2.0
# What a folder of tests/data/formats is made of: models, settings and content that touch every kind
# of row on disk, and how a node's answers are written down so that two of them can be compared.
# Event times are fixed and no rule asks the clock, so that a folder says the same for ever.
import json
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

FORMATS = support.SOURCE / "tests" / "data" / "formats"
START = 1_767_312_000_000  # 2026-01-02T00:00:00Z, ms
SETTINGS = {"node": {"shards": 2}, "journal": {"tail_readings": 1000}, "twins": {"start_grace": "500ms"}}

NUMBERS = {"vibration": {"min": 0, "max": 100}, "temperature": {"min": -40, "max": 250}}
MOTOR = {"name": "c_motor", "kind": "motor",
         "telemetry": {**NUMBERS, "starts": {"type": "integer"}, "on": {"type": "boolean"},
                       "mode": {"type": "text"}, "shape": {"type": "samples"}},
         "operators": [
             {"name": "vibration_5m", "type": "window", "of": "vibration", "span": "5m"},
             {"name": "minute", "type": "window", "kind": "tumbling", "of": "temperature",
              "size": "1m", "aggregates": ["mean", "max"]},
             {"name": "spike", "type": "z_score", "window": "vibration_5m", "limit": 4},
             {"name": "overheat", "type": "threshold", "value": "temperature", "above": 90,
              "clear": 85, "severity": "critical"}]}
BUILDING = {"name": "c_building", "kind": "building",
            "telemetry": {"setpoint": {"min": 0, "max": 50}, "zone": {}},
            "commands": {"set_setpoint": {"argument": "setpoint", "min": 16, "max": 28}},
            "operators": [{"name": "too_warm", "type": "threshold", "value": "zone", "above": 28,
                           "clear": 27, "latch": True}]}
AMENDED = {"name": "c_amended", "telemetry": {"x": {}},
           "event_time": {"disorder": "2s", "lateness": "10m"},
           "operators": [{"name": "x_1m", "type": "window", "of": "x", "span": "1m"},
                         {"name": "high", "type": "threshold", "value": "x_1m.mean", "above": 60}]}
PATTERN = {"name": "c_pattern", "telemetry": dict(NUMBERS),
           "operators": [{"name": "wear", "type": "pattern", "severity": "critical",
                          "pattern": "rise: vibration above 4 {3} consecutive then heat: "
                                     "temperature above 80 within 10m"}]}
MACHINE = {"name": "c_machine", "telemetry": {"pressure": {}},
           "operators": [
               {"name": "over", "type": "machine_alert", "severity": "critical"},
               {"name": "boiler", "type": "state_machine", "initial": "calm",
                "variables": [{"name": "good", "initial": 0}],
                "states": [
                    {"name": "calm",
                     "transitions": [{"name": "up", "when": "pressure > 70", "to": "hot"}]},
                    {"name": "hot", "alert": "over",
                     "on_enter": [{"do": [{"set": "good", "to": "0"}]}],
                     "on_input": [{"when": "pressure <= 70",
                                   "do": [{"set": "good", "to": "var.good + 1"}]}],
                     "transitions": [{"when": "var.good >= 3", "to": "calm"}]}]}]}
KINDS = {"name": "c_kinds", "telemetry": {"x": {}, "y": {}, "who": {"type": "text"}},
         "operators": [
             {"name": "of_count", "type": "window", "kind": "count", "of": "x", "last": 20,
              "aggregates": ["mean", "p90", "slope", "distinct"]},
             {"name": "by_who", "type": "window", "of": "x", "span": "2m", "by": "who",
              "aggregates": ["count", "sum"]},
             {"name": "more", "type": "window", "of": "x", "span": "1m",
              "aggregates": ["p50", "slope", "time_weighted_mean", "ewma"], "half_life": "20s"},
             {"name": "session", "type": "window", "kind": "session", "of": "y", "gap": "10s",
              "aggregates": ["mean", "count"]},
             {"name": "hop", "type": "window", "kind": "hopping", "of": "y", "size": "1m",
              "hop": "20s", "aggregates": ["max"]}]}
MODELS = (MOTOR, BUILDING, AMENDED, PATTERN, MACHINE, KINDS)
TWINS = ("c:kinds", "c:motor", "c:building", "c:amended", "c:pattern", "c:machine", "c:gone")
INGRESS = [{"topic": "c/%s/{name}" % m["name"], "twin": "c:{name}", "model": m["name"]}
           for m in MODELS]


def changed_motor():
    """The version that is applied half way: another limit and one more rule."""
    model = json.loads(json.dumps(MOTOR))
    model["operators"][-1]["above"] = 95
    model["operators"].append({"name": "shaking", "type": "threshold",
                               "value": "vibration_5m.mean", "above": 5})
    return model


def motor_reading(n):
    out = {"ts": START + n * 1000, "vibration": round(2 + (n * 37 % 101) / 100, 2),
           "temperature": 60 + (n * 13 % 17) / 4, "starts": n // 50, "on": n % 9 != 0,
           "mode": ("idle", "run", "boost")[n // 40 % 3]}
    if n % 150 == 70:
        out["vibration"] = 30.5
    if 300 <= n < 320 or 900 <= n < 910:
        out["temperature"] = 93.25
    if n % 200 == 5:
        out["shape"] = [i * 0.5 - n for i in range(16)]
    return out


class Writer:
    """Sends, and waits until all of it was applied."""

    def __init__(self, node, client):
        self.node, self.client, self.sent = node, client, {}

    def send(self, model, twin, *documents):
        for document in documents:
            self.client.publish("c/%s/%s" % (model["name"], twin), json.dumps(document), qos=1)
            readings = len(document) if isinstance(document, list) else 1
            self.sent[twin] = self.sent.get(twin, 0) + readings
        self.client.drain()
        support.eventually(lambda: self.node.applied("c:" + twin) == self.sent[twin], 20,
                           lambda: "c:%s: %d of %d" % (twin, self.node.applied("c:" + twin),
                                                       self.sent[twin]))

    def motor(self, first, end, batch=1):
        readings = [motor_reading(n) for n in range(first, end)]
        if batch > 1:
            readings = [readings[n:n + batch] for n in range(0, len(readings), batch)]
        self.send(MOTOR, "motor", *readings)


def fill(node, client, folder):
    """Everything that a folder of formats holds; `node` runs and is empty."""
    write = Writer(node, client)
    write.motor(0, 360)
    write.send(BUILDING, "building", {"ts": START, "setpoint": 21, "zone": 22})
    device = node_device(client)
    node.ask("command", "send", "c:building", "set_setpoint", "setpoint=22", "--id", "c1",
             "--wait", "15s")
    device()
    write.send(BUILDING, "building", {"ts": START + 1000, "zone": 29},
               {"ts": START + 2000, "zone": 22})
    incident = node.ask("alert", "ls", "--limit", "0", "c:building")[0]["incident"]
    node.ask("alert", "ack", "c:building", incident, "--by", "ada", "--comment", "seen")
    # late ones behind the watermark: an alert is raised late, another corrected or retracted
    write.send(AMENDED, "amended", *({"ts": START + n * 5000, "x": 50 + n % 7} for n in range(60)))
    write.send(AMENDED, "amended", *({"ts": START + 60_000 + n * 250, "x": 99} for n in range(40)))
    write.send(AMENDED, "amended", *({"ts": START + 60_100 + n * 250, "x": 1} for n in range(80)))
    # what came late is worked in a little later than it came
    support.eventually(lambda: not node.twin_or_none("c:amended")["event_time"]["pending"], 20,
                       "late readings to be worked in")
    vibrations = (1, 5, 6, 7, 2, 3, 5, 5, 2, 6, 6, 6)
    write.send(PATTERN, "pattern", *({"ts": START + n * 1000, "vibration": v, "temperature": 50}
                                     for n, v in enumerate(vibrations)))
    write.send(PATTERN, "pattern", {"ts": START + 20_000, "vibration": 1, "temperature": 85},
               *({"ts": START + 21_000 + n, "vibration": 5 + n, "temperature": 40}
                 for n in range(2)))
    pressures = (10, 80, 60, 75, 61, 62, 10, 90, 50)
    write.send(MACHINE, "machine", *({"ts": START + n * 1000, "pressure": p}
                                     for n, p in enumerate(pressures)))
    write.send(KINDS, "kinds", *({"ts": START + n * 1500, "x": n * 7 % 31 / 4, "y": n % 13,
                                  "who": "abc"[n % 3]} for n in range(200)))
    write.send(MACHINE, "gone", *({"ts": START + n * 1000, "pressure": 5 + n} for n in range(10)))
    node.cli("twin", "delete", "c:gone")
    write.sent["gone"] = 0
    write.send(MACHINE, "gone", {"ts": START + 60_000, "pressure": 12})
    node.cli("twin", "set-parent", "c:motor", "c:building")
    candidate = pathlib.Path(folder) / "changed.json"
    candidate.write_text(json.dumps(changed_motor()))
    node.ask("model", "apply", candidate)
    node.put_model(changed_motor())
    for n in range(360, 1560, 40):
        write.motor(n, n + 40, batch=8)
    client.publish("c/c_motor/motor", b'{"vibration": 1000}', qos=1)
    client.publish("c/c_motor/motor", b'{"vibration"', qos=1)
    client.drain()
    support.eventually(lambda: len(node.quarantine()) == 2, 20, "two quarantined messages")
    # a pass of sealing has run, and the last of these stay in the log
    support.eventually(lambda: node.metric("pollux_sealed_readings_total") > 1000, 30, "sealing")
    support.eventually(lambda: node.metric("pollux_journal_tail_readings") < 750, 30, "trimming")
    write.motor(1560, 1590)


def node_device(client):
    """The building's device: answers the first request. Gives a check that it did."""
    done = []

    def answer(message):
        request = json.loads(message.payload)
        client.publish("twins/c/building/commands/set_setpoint/response",
                       json.dumps({"id": request["id"], "ok": True}), qos=1)
        done.append(request["id"])
    client.on_message = answer
    client.subscribe("twins/c/building/commands/set_setpoint/request", 1)

    def check():
        assert done == ["c1"], done
    return check


def total(rows):
    """How many values a telemetry has in the history, and their sum (of numbers)."""
    out = {}
    for row in rows:
        entry = out.setdefault(row["name"], {"count": 0, "sum": 0})
        entry["count"] += 1
        if isinstance(row["value"], (int, float)):
            entry["sum"] = round(entry["sum"] + row["value"], 6)
    return out


VOLATILE = ("age_s", "memory", "state_bytes", "connected")  # of the moment, or of this machine


def lasting(document):
    if isinstance(document, dict):
        return {k: lasting(v) for k, v in document.items() if k not in VOLATILE}
    return [lasting(v) for v in document] if isinstance(document, list) else document


def describe_some(node, names):
    out = {}
    for twin in names:
        alerts = [node.ask("alert", "show", twin, a["incident"])
                  for a in node.alerts("--all", twin)]
        out[twin] = {"document": lasting(node.twin(twin)), "alerts": alerts,
                     "history": total(node.history(twin))}
    return out


def describe(node):
    """What the node says of everything in it."""
    return {"twins": describe_some(node, TWINS), "quarantine": node.quarantine(),
            "command": node.ask("command", "get", "c:building", "c1"),
            "listed": sorted(t["id"] for t in node.ask("twin", "ls"))}


def difference(old, new, where=""):
    """What `new` lacks of `old` or says otherwise. Members that came later are no difference, nor
    that a twin's newest input is newer: each start of a node is an input of every twin. A release
    may add numbers up in another order, so they need not be the same in their last digits."""
    if where.endswith(("/document/revision", "/document/last_ingest_time")):
        return [] if new >= old else ["%s: %r, was %r" % (where, new, old)]
    if isinstance(old, dict) and isinstance(new, dict):
        return [d for key, value in old.items() if key not in VOLATILE
                for d in (difference(value, new[key], where + "/" + key) if key in new
                          else [where + "/" + key + " is gone"])]
    if where.endswith(("/model_hash", "/model/hash")):
        return []  # a release that revises an operator gives versions that use it another name
    if isinstance(old, float) and isinstance(new, (int, float)):
        return [] if abs(old - new) <= 1e-9 * max(abs(old), abs(new)) else [
            "%s: %r, was %r" % (where, new, old)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [d for n, (a, b) in enumerate(zip(old, new))
                for d in difference(a, b, "%s/%d" % (where, n))]
    if isinstance(old, float) and isinstance(new, (int, float)):
        return [] if math.isclose(old, new, rel_tol=1e-9) else ["%s: %r, was %r" % (where, new, old)]
    return [] if old == new else ["%s: %r, was %r" % (where, new, old)]
