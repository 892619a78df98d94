# SPDX-License-Identifier: Apache-2.0
# Requests made of docs/openapi.json at random, right ones and spoilt ones: none brings about a 5xx,
# and every answer is one the description knows. POLLUX_SEED and POLLUX_ROUNDS choose others.
import json
import os
import pathlib
import random
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import json_schema  # noqa: E402
import node as support  # noqa: E402
from api import DOCUMENT, Api  # noqa: E402
from http_api_test import INGRESS, MODEL, START_MS, STREAMS  # noqa: E402

SEED = int(os.environ.get("POLLUX_SEED", "1"))
ROUNDS = int(os.environ.get("POLLUX_ROUNDS", "12"))  # for each operation
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
    def test_no_request_brings_about_a_failure_of_the_node(self):
        node = self.node([MODEL], [dict(i) for i in INGRESS]).start()
        with self.client("device") as device:
            for i in range(20):
                device.publish("telemetry/a", json.dumps({"ts": START_MS + i * 1000, "temperature": 85 + i}), qos=1)
            device.publish("telemetry/a", b"{", qos=1)
            device.drain()
        support.eventually(lambda: node.applied("lab:a") == 20, 20, "all readings applied")
        api = Api(node.http_port)
        alert = support.eventually(lambda: api("GET", "/alerts").json["items"], 20, "an alert")[0]
        dice = random.Random(SEED)
        make = Maker(dice, {"id": ["lab:a", "lab:b", "known:c"], "twin": ["lab:a", "lab:b"],
                            "incident": [alert["incident"]], "rule": ["hot"], "name": ["oven", "temperature", "set_setpoint"],
                            "model": ["oven"], "kind": ["backtest", "nothing"], "job": ["1"], "record": ["1"], "fields": ["id,items"],
                            "limit": ["1", "10"], "points": ["10"], "filter": ["eq(id,\"lab:a\")", "gt(telemetry/temperature/value,1)"]})
        answered = set()
        for path, item in DOCUMENT["paths"].items():
            for method, operation in item.items():
                if (method.upper(), path) in STREAMS:
                    continue
                for _ in range(ROUNDS):
                    answered.add(self.one(api, make, dice, method.upper(), path, operation))
        node.check_running()
        api("GET", "/twins", status=200)
        # both kinds came about, or the requests were no test
        self.assertIn(200, answered)
        self.assertIn(400, answered)

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
        self.assertLess(answer.status, 500, where + "\n" + answer.text[:500])
        try:
            api.check(method, target, answer)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (where, error)) from None
        return answer.status


if __name__ == "__main__":
    unittest.main()
