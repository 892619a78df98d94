# SPDX-License-Identifier: Apache-2.0
# Requests made of docs/openapi.json at random, right ones and spoilt ones, some 6,000: none brings
# about a 5xx, and every answer is one the description knows and fits its schema. What twins there
# are is made anew as requests end them. POLLUX_SEED and POLLUX_ROUNDS choose others.
import json
import os
import pathlib
import random
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import json_schema  # noqa: E402
import node as support  # noqa: E402
from api import DOCUMENT, Api  # noqa: E402
from http_api_test import INGRESS, MODEL, START_MS  # noqa: E402

SEED = int(os.environ.get("POLLUX_SEED", "1"))
ROUNDS = int(os.environ.get("POLLUX_ROUNDS", "75"))  # of all operations
ODD = ["", "0", "-1", "true", "null", "x" * 300, "ä€😀", "a/b", "..", "%", "a b&c=d", "*", "\x00", "9" * 30,
       "2026-13-01T00:00:00Z", "1e400", "'\"<script>", "lab:a", "\r\nX: y"]


class Maker:
    """Values a schema describes, now and then others."""

    def __init__(self, dice, known):
        self.dice, self.known = dice, known

    def odd(self):
        return self.dice.random() < 0.15

    def text(self, schema, name=""):
        if self.odd():
            return self.dice.choice(ODD)
        if "enum" in schema:
            return self.dice.choice(schema["enum"])
        if name in self.known:
            return self.dice.choice(self.known[name])
        if schema.get("type") in ("boolean", "integer"):
            return self.dice.choice(["true", "false"] if schema["type"] == "boolean" else ["0", "1", "10", "100"])
        if schema.get("format") == "date-time" or name in ("from", "to", "at", "until"):
            return self.dice.choice(["2023-11-14T22:13:30Z", "1700000010", "2100-01-01T00:00:00Z"])
        return self.dice.choice(["a", "temperature", "5m", "hot", "lab:*", "10"])

    def value(self, schema, name="", depth=0):
        schema = json_schema.resolve(DOCUMENT, schema)
        types = schema.get("type", ["string", "number", "null"])
        kind = self.dice.choice(types if isinstance(types, list) else [types])
        if self.dice.random() < 0.05 or depth > 5:
            return self.dice.choice([None, 7, -1.5, True, "odd", [], {}, [[1]], {"a": None}])
        if kind == "object":
            out = {}
            for key, inner in schema.get("properties", {}).items():
                if key in schema.get("required", []) or self.dice.random() < 0.5:
                    out[key] = self.value(inner, key, depth + 1)
            if self.odd():
                out[self.dice.choice(["extra", "a/b~c", "setpoint"])] = self.dice.choice([1, None, "x"])
            return out
        if kind == "array":
            return [self.value(schema.get("items", {}), name, depth + 1) for _ in range(self.dice.randrange(4))]
        if kind in ("integer", "number"):
            return self.dice.choice([0, 1, 2, 10, 60, 1000, -5, 10**12, 1.5])
        return {"boolean": self.dice.random() < 0.5, "null": None}.get(kind, self.text(schema, name))


class HttpRandom(support.NodeTest):
    def started(self):
        node = self.node([MODEL], [dict(i) for i in INGRESS])
        node.start()
        self.device = self.client("device")
        for i in range(20):
            self.device.publish("telemetry/a", json.dumps({"ts": START_MS + i * 1000, "temperature": 85 + i}), qos=1)
        self.device.publish("telemetry/a", b"{", qos=1)
        self.device.drain()
        support.eventually(lambda: node.applied("lab:a") == 20, 20, "all readings applied")
        return node

    def known(self, api):
        """What there is at present: twins, an alert, a record, a job, a silence, a command."""
        for twin in ("lab:a", "lab:b", "known:c"):
            if api("POST", "/twins", {"id": twin, "model": "oven", "properties": {"floor": 2}}).status == 201 and twin == "lab:a":
                self.device.publish("telemetry/a", json.dumps({"temperature": 95}), qos=1)
        self.device.publish("telemetry/a", b"{", qos=1)
        self.device.drain()
        alerts = support.eventually(lambda: api("GET", "/alerts?twin=lab:a&active=false").json["items"], 20, "an alert")
        records = api("GET", "/quarantine").json["items"]
        jobs = api("GET", "/jobs").json["items"]
        silence = api("POST", "/twins/lab:a/maintenance", {"for": "1h"}).json
        command = api("POST", "/twins/lab:a/commands", {"name": "set_setpoint", "arguments": {"setpoint": 20}}).json
        return {"id": ["lab:a", "lab:a", "lab:b", "known:c", "lab:new%d" % len(jobs)], "twin": ["lab:a"],
                "incident": [alerts[-1]["incident"]], "rule": ["hot"], "name": ["oven", "temperature", "set_setpoint", "hot", "floor"], "model": ["oven"],
                "kind": ["backtest", "nothing"], "job": [str(j["id"]) for j in jobs] or ["1"],
                "record": [str(r["id"]) for r in records[-3:]] or ["1"], "command": [command.get("id", "x")],
                "maintenance": [silence.get("id", "x")], "fields": ["id,items"], "limit": ["1", "10"], "points": ["10"],
                "href": ["/models/oven"], "rel": ["type"], "title": ["Oven"],
                "filter": ["eq(id,\"lab:a\")", "gt(telemetry/temperature/value,1)", "within_radius(1,2,3)", "gt(x"],
                "sort": ["-telemetry/temperature", "nearest(1,2)"], "at_least": ["lab:a rev:1"],
                "values": ["count,mean(telemetry/temperature)"], "group_by": ["model", "telemetry/temperature"]}

    def test_no_request_brings_about_a_failure_of_the_node(self):
        node = self.started()
        api = Api(node.http_port)
        dice = random.Random(SEED)
        operations = [(method.upper(), path, operation) for path, item in DOCUMENT["paths"].items()
                      for method, operation in item.items()]
        answered, requests, seconds = {}, 0, time.monotonic()
        for _ in range(ROUNDS):
            make = Maker(dice, self.known(api))
            dice.shuffle(operations)
            for method, path, operation in operations:
                answered.setdefault((method, path), set()).add(self.one(api, make, dice, method, path, operation))
                requests += 1
            node.check_running()
        never = sorted(m + " " + p for (m, p), seen in answered.items() if not any(s < 400 for s in seen))
        refused = sum(any(400 <= s < 500 for s in seen) for seen in answered.values())
        print("seed %d: %d requests of %d operations in %.0f s; %d refused some, never done: %s" %
              (SEED, requests, len(answered), time.monotonic() - seconds, refused, ", ".join(never)))
        api("GET", "/twins", status=200)
        # nearly all was done and nearly all refused now and then, or the requests were no test
        self.assertLess(len(never), len(answered) / 8)
        self.assertGreater(refused, len(answered) * 3 / 4)

    def one(self, api, make, dice, method, path, operation):
        query, headers = [], {}
        for parameter in operation.get("parameters", []):
            parameter = json_schema.resolve(DOCUMENT, parameter)
            name = parameter["name"]
            value = str(make.text(json_schema.resolve(DOCUMENT, parameter["schema"]), name))
            if parameter["in"] == "path":
                path = path.replace("{%s}" % name, urllib.parse.quote(value or "x", safe=""))
            elif parameter["in"] == "query" and dice.random() < 0.4:
                query.append("%s=%s" % (name, urllib.parse.quote(value, safe="")))
            elif parameter["in"] == "header" and dice.random() < 0.3:
                headers[name] = "".join(c for c in value if 32 < ord(c) < 127) or "x"
        body = None
        if "requestBody" in operation:
            kind, content = dice.choice(sorted(operation["requestBody"]["content"].items()))
            body = json.dumps(content["example"] if "example" in content and dice.random() < 0.3
                              else make.value(content["schema"]))
            if dice.random() < 0.05:
                body = body[:dice.randrange(len(body) + 1)]
            headers["Content-Type"] = kind if dice.random() < 0.95 else "text/plain"
        if headers.get("Prefer"):
            headers["Prefer"] = "wait=0"
        target = path + ("?" + "&".join(query) if query else "")
        answer = api.send(method, target, body and body.encode(), headers)
        where = "seed %d: %s %s\n%s\n%s" % (SEED, method, target, headers, body)
        told = answer.status == 501 and "501" in operation["responses"]  # what is not done on purpose
        self.assertTrue(answer.status < 500 or told, where + "\n%d " % answer.status + answer.text[:500])
        try:
            api.check(method, target, answer)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (where, error)) from None
        return answer.status


if __name__ == "__main__":
    unittest.main()
