# SPDX-License-Identifier: Apache-2.0
# Every operation of the HTTP API against a node with a broker: what it answers, how it refuses, and
# that both are what docs/openapi.json says.
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402
from api import DOCUMENT, Api  # noqa: E402

MODEL = {"name": "oven", "kind": "building", "telemetry": {"temperature": {"unit": "Cel"}, "setpoint": {}},
         "commands": {"set_setpoint": {"argument": "setpoint", "min": 16, "max": 28, "ttl": "30s"}},
         "operators": [{"name": "recent", "type": "window", "of": "temperature", "span": "5m"},
                       {"name": "hot", "type": "threshold", "value": "temperature", "above": 90,
                        "latch": True}]}
INGRESS = [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "oven"},
           {"topic": "known/{name}", "twin": "known:{name}"}]
START_MS = 1_700_000_000_000
used = set()  # operations that succeeded, over all tests
# streams do not end: http_things_test.py opens each, and tests of their own read them
STREAMS = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
           if "101" in operation["responses"] or "text/event-stream" in
           operation["responses"].get("200", {}).get("content", {})}


class HttpApi(support.NodeTest):
    def started(self, readings=0, **settings):
        made = self.node([MODEL], [dict(i) for i in INGRESS], twins={"start_grace": "100ms"}, **settings)
        made.start()
        self.api = Api(made.http_port)
        self.addCleanup(lambda: used.update(self.api.used))
        if readings:
            self.feed(made, [20 + i % 5 for i in range(readings)])
        return made

    def feed(self, node, temperatures, name="a"):
        before = node.applied("lab:" + name)
        with self.client("device-%d" % time.monotonic_ns()) as device:
            for i, t in enumerate(temperatures):
                at = START_MS + (before + i) * 1000
                device.publish("telemetry/" + name, json.dumps({"ts": at, "temperature": t}), qos=1)
            device.drain()
        support.eventually(lambda: node.applied("lab:" + name) == before + len(temperatures), 20,
                           "all readings applied")

    def refused(self, status, method, target, document=None, pointers=None, **more):
        answer = self.api(method, target, document, status, **more)
        self.assertEqual(answer.header("Content-Type"), "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        if pointers is not None:
            self.assertEqual([e["pointer"] for e in answer.json["errors"]], pointers)
        return answer

    # --- twins

    def test_twins_are_made_listed_and_ended(self):
        self.started()
        made = self.api("POST", "/twins", {"id": "lab:x", "model": "oven", "properties": {"floor": 2}}, 201)
        self.assertEqual(made.header("Location"), "/api/v1/twins/lab:x")
        self.assertEqual(made.json["properties"], {"floor": 2})
        self.refused(409, "POST", "/twins", {"id": "lab:x", "model": "oven"})
        self.refused(404, "POST", "/twins", {"id": "lab:y", "model": "nothing"})
        self.refused(400, "POST", "/twins", {"id": "x", "modell": "oven"}, ["#/model", "#/id", "#/modell"])
        self.refused(400, "POST", "/twins", "[]")
        self.refused(400, "POST", "/twins", '{"id":"lab:z","id":"lab:y","model":"oven"}')
        self.refused(415, "POST", "/twins", "{}", kind="text/plain")
        for i in range(5):
            self.api("POST", "/twins", {"id": "lab:n%d" % i, "model": "oven"}, 201)
        seen, target, pages = [], "/twins?glob=lab:n*&limit=2", 0
        while target:
            page = self.api("GET", target, status=200)
            seen += [row["id"] for row in page.json["items"]]
            pages += 1
            link = page.header("Link")
            self.assertEqual(link is None, page.json["next"] is None)
            target = link and link.partition(">")[0].removeprefix("</api/v1")
        self.assertEqual((seen, pages), (["lab:n%d" % i for i in range(5)], 3))
        cursor = self.api("GET", "/twins?glob=lab:n*&limit=2").json["next"]
        self.refused(400, "GET", "/twins?glob=lab:*&cursor=" + cursor, pointers=["?cursor"])
        self.refused(400, "GET", "/twins?cursor=%s&glob=lab:n*" % (cursor[:-1] + ("A" if cursor[-1] != "A" else "B")),
                     pointers=["?cursor"])
        self.refused(400, "GET", "/twins?limit=0&sorted=id", pointers=["?limit", "?sorted"])
        found = self.api("GET", "/twins?filter=eq(model,\"oven\")&sort=-id&limit=2&count=true", status=200).json
        self.assertEqual(([row["id"] for row in found["items"]], found["count"]), (["lab:x", "lab:n4"], 6))
        rest = self.api("GET", "/twins?filter=eq(model,\"oven\")&sort=-id&limit=2&count=true&cursor=" + found["next"]).json
        self.assertEqual([row["id"] for row in rest["items"]], ["lab:n3", "lab:n2"])
        self.refused(400, "GET", "/twins?filter=eq(model")
        groups = self.api("GET", "/search/aggregate?group_by=model&values=count", status=200).json
        self.assertEqual((len(groups["groups"]), groups["count"]), (1, 6))
        self.refused(400, "GET", "/search/aggregate?values=median(x)")
        self.refused(412, "DELETE", "/twins/lab:x", headers={"If-Match": '"rev:1"'})
        tag = self.api("GET", "/twins/lab:x").header("ETag")
        self.api("DELETE", "/twins/lab:x", status=204, headers={"If-Match": tag})
        self.refused(404, "GET", "/twins/lab:x")
        self.refused(404, "DELETE", "/twins/lab:x")

    def test_a_twin_and_its_parts(self):
        self.started(readings=10)
        twin = self.api("GET", "/twins/lab:a", status=200)
        tag = twin.header("ETag")
        self.assertEqual(self.api("GET", "/twins/lab%3Aa").json["id"], "lab:a")
        self.api("GET", "/twins/lab:a", status=304, headers={"If-None-Match": tag})
        self.assertEqual(self.api("GET", "/twins/lab:a/telemetry", status=200).json["temperature"]["unit"], "Cel")
        one = self.api("GET", "/twins/lab:a/telemetry/temperature", status=200)
        self.assertEqual((one.json["name"], one.json["value"]), ("temperature", 24))
        self.api("GET", "/twins/lab:a/telemetry", status=304, headers={"If-None-Match": tag})
        self.refused(404, "GET", "/twins/lab:a/telemetry/pressure")
        for part, rows in (("windows", 1), ("rules", 1), ("alerts", 0), ("commands", 0), ("maintenance", 0)):
            self.assertEqual(len(self.api("GET", "/twins/lab:a/" + part, status=200).json["items"]), rows, part)
            self.refused(404, "GET", "/twins/lab:nobody/" + part)
            self.refused(400, "GET", "/twins/nonsense/" + part)
        self.assertEqual(self.api("GET", "/twins/lab:a?fields=id,telemetry/temperature/value", status=200).json,
                         {"id": "lab:a", "telemetry": {"temperature": {"value": 24}}})
        self.assertEqual(self.api("GET", "/twins?fields=id,model", status=200).json,
                         {"items": [{"id": "lab:a", "model": "oven"}], "next": None})
        for wrong in ("", "a,,b", "/"):
            self.refused(400, "GET", "/twins/lab:a?fields=" + wrong, pointers=["?fields"])
        self.refused(400, "GET", "/twins/a:b%00c")
        self.refused(400, "GET", "/twins/lab:%zz")
        self.refused(405, "PUT", "/twins/lab:a")

    def test_properties_and_parent_are_patched(self):
        self.started()
        for name in ("child", "line"):
            self.api("POST", "/twins", {"id": "lab:" + name, "model": "oven"}, 201)
        merge = {"kind": "application/merge-patch+json"}
        ops = {"kind": "application/json-patch+json"}
        path = "/twins/lab:child"
        done = self.api("PATCH", path, {"properties": {"floor": 2, "tag/s": ["a"]}, "parent": "lab:line"}, 200, **merge)
        self.assertEqual((done.json["properties"], done.json["parent"]), ({"floor": 2, "tag/s": ["a"]}, "lab:line"))
        done = self.api("PATCH", path, {"properties": {"floor": None, "room": {"x": 1}}}, 200, **merge)
        self.assertEqual(done.json["properties"], {"tag/s": ["a"], "room": {"x": 1}})
        done = self.api("PATCH", path, [{"op": "test", "path": "/properties/room/x", "value": 1},
                                        {"op": "add", "path": "/properties/tag~1s/-", "value": "b"},
                                        {"op": "move", "from": "/properties/room", "path": "/properties/place"},
                                        {"op": "test", "path": "/parent", "value": "lab:line"}], 200, **ops)
        self.assertEqual(done.json["properties"], {"tag/s": ["a", "b"], "place": {"x": 1}})
        revision = done.json["properties_revision"]
        # all or nothing
        self.refused(409, "PATCH", path, [{"op": "replace", "path": "/parent", "value": None},
                                          {"op": "test", "path": "/properties/place/x", "value": 7}], **ops)
        self.refused(409, "PATCH", path, [{"op": "remove", "path": "/properties/place"},
                                          {"op": "test", "path": "/parent", "value": None}], **ops)
        now = self.api("GET", path).json
        self.assertEqual((now["parent"], now["properties"]), ("lab:line", done.json["properties"]))
        # conditions
        self.refused(412, "PATCH", path, {"properties": {"a": 1}}, headers={"If-Match": '"properties:%d"' % (revision + 1)},
                     **merge)
        self.api("PATCH", path, {"properties": {"a": 1}}, 200, headers={"If-Match": '"properties:%d"' % revision}, **merge)
        self.refused(412, "PATCH", path, {"properties": {"a": 2}}, headers={"If-Match": '"properties:%d"' % revision}, **merge)
        tag = self.api("GET", path).header("ETag")
        done = self.api("PATCH", path, {"parent": None, "properties": None}, 200, headers={"If-Match": tag}, **merge)
        self.assertNotIn("parent", done.json)
        self.assertEqual(done.json["properties"], {})
        # what is no patch
        wrong = self.refused(415, "PATCH", path, {"parent": None})
        self.assertEqual(wrong.header("Accept-Patch"), "application/merge-patch+json, application/json-patch+json")
        self.refused(400, "PATCH", path, {"id": "lab:z"}, ["#/id"], **merge)
        self.refused(400, "PATCH", path, [{"op": "remove", "path": "/telemetry"}], ["#/0/path"], **ops)
        self.refused(400, "PATCH", path, "[", **ops)
        self.refused(409, "PATCH", path, {"parent": "lab:child"}, **merge)
        self.refused(404, "PATCH", path, {"parent": "lab:nobody"}, **merge)
        self.refused(404, "PATCH", "/twins/lab:nobody", {"parent": None}, **merge)

    # --- what was

    def test_history_page_by_page(self):
        self.started(readings=25)
        rows, target = [], "/twins/lab:a/history?limit=7&telemetry=temperature,setpoint"
        while target:
            page = self.api("GET", target, status=200)
            rows += page.json["items"]
            link = page.header("Link")
            target = link and link.partition(">")[0].removeprefix("</api/v1")
        self.assertEqual([r["value"] for r in rows], [20 + i % 5 for i in range(25)])
        self.assertEqual(sorted(r["event_time"] for r in rows), [r["event_time"] for r in rows])
        part = self.api("GET", "/twins/lab:a/history?from=%d&to=%d" % (START_MS // 1000 + 3, START_MS // 1000 + 5))
        self.assertEqual(len(part.json["items"]), 3)
        self.assertEqual(self.api("GET", "/twins/lab:a/history?telemetry=pressure").json["items"], [])
        self.refused(400, "GET", "/twins/lab:a/history?from=2026-01-01T00:00:00Z&to=0", pointers=["?from"])
        self.refused(404, "GET", "/twins/lab:nobody/history")

    def test_readings_of_one_instant_are_given_once_each(self):
        node = self.started()
        with self.client("device") as device:
            for i in range(3):
                device.publish("telemetry/a", json.dumps({"ts": START_MS + i // 2, "temperature": i, "setpoint": i}), qos=1)
            device.drain()
        support.eventually(lambda: node.applied("lab:a") > 0, 20, "a reading")
        whole = support.eventually(lambda: self.full(3), 20, "three rows a telemetry")
        for limit in (1, 2, 3, 4, 5):
            rows, target = [], "/twins/lab:a/history?limit=%d" % limit
            while target:
                page = self.api("GET", target, status=200)
                rows += page.json["items"]
                link = page.header("Link")
                target = link and link.partition(">")[0].removeprefix("</api/v1")
            self.assertEqual(rows, whole, limit)

    def full(self, least):
        rows = self.api("GET", "/twins/lab:a/history").json["items"]
        return rows if len([r for r in rows if r["name"] == "setpoint"]) >= least - 1 else None

    def test_series_completeness_state_and_steps(self):
        self.started(readings=60)
        base = "/twins/lab:a"
        for function in ("buckets", "m4", "aggregate"):
            answer = self.api("GET", base + "/series?telemetry=temperature&function=" + function, status=200).json
            self.assertEqual(answer["function"], function)
            self.assertEqual(answer["series"][0]["telemetry"], "temperature")
        self.assertEqual(sum(self.api("GET", base + "/series?bucket=10s").json["series"][0]["count"]), 60)
        self.refused(400, "GET", base + "/series?function=mean&bucket=0s&points=0",
                     pointers=["?function", "?points", "?bucket"])
        self.refused(404, "GET", "/twins/lab:nobody/series")
        seen = self.api("GET", base + "/completeness?every=1s", status=200).json
        self.assertEqual(sum(p["readings"] for p in seen["periods"]), 60)
        self.refused(404, "GET", "/twins/lab:nobody/completeness")
        now = self.api("GET", base + "/state", status=200).json
        self.assertEqual(now["readings"]["applied"], 60)
        then = self.api("GET", base + "/state?clock=event&at=%d" % (START_MS // 1000 + 9), status=200).json
        self.assertEqual((then["readings"]["applied"], then["at"]["clock"]), (10, "event"))
        self.refused(404, "GET", base + "/state?at=2001-01-01T00:00:00Z")
        self.refused(400, "GET", base + "/state?at=soon&clock=sun", pointers=["?clock", "?at"])
        inputs, target = [], base + "/steps?limit=25"
        while target:
            page = self.api("GET", target, status=200)
            inputs += [s["input"] for s in page.json["items"]]
            link = page.header("Link")
            target = link and link.partition(">")[0].removeprefix("</api/v1")
        self.assertEqual(len(inputs), len(set(inputs)))
        order = [(i.partition("-")[0], int(i.partition("-")[2])) for i in inputs]
        self.assertEqual(sorted(order), order)
        self.refused(400, "GET", base + "/steps?cursor=AAAA", pointers=["?cursor"])

    # --- commands

    def device(self, ok=True):
        client = self.client("device-commands")

        def take(message):
            request = json.loads(message.payload)
            self.requests.append(request)
            if ok is not None:
                client.publish("twins/lab/a/commands/set_setpoint/response", json.dumps({"id": request["id"], "ok": ok}), qos=1)
        self.requests = []
        client.on_message = take
        client.subscribe("twins/lab/a/commands/set_setpoint/request", 1)

    def test_commands_are_answered_at_once_or_with_their_fate(self):
        self.started(readings=1)
        self.device()
        order = {"name": "set_setpoint", "arguments": {"setpoint": 21.5}, "ttl": "20s"}
        sent = self.api("POST", "/twins/lab:a/commands", order, 202)
        self.assertEqual(sent.json["phase"], "accepted")
        place = sent.header("Location").removeprefix("/api/v1")
        support.eventually(lambda: self.api("GET", place).json["phase"] == "confirmed", 20, "confirmed")
        key = {"Idempotency-Key": "order-1", "Prefer": "respond-async, wait=20"}
        waited = self.api("POST", "/twins/lab:a/commands", order, 200, headers=key)
        self.assertEqual((waited.json["id"], waited.json["phase"]), ("order-1", "confirmed"))
        self.assertEqual(waited.header("Preference-Applied"), "wait")
        again = self.api("POST", "/twins/lab:a/commands", order, 200, headers=key)
        self.assertEqual(again.json["phase"], "confirmed")
        self.assertEqual(len(self.requests), 2)
        self.refused(422, "POST", "/twins/lab:a/commands", dict(order, ttl="10s"), headers=key)
        far = self.api("POST", "/twins/lab:a/commands", dict(order, arguments={"setpoint": 99}), 200,
                       headers={"Prefer": "wait=20"})
        self.assertEqual(far.json["phase"], "refused")
        self.refused(404, "POST", "/twins/lab:nobody/commands", order)
        self.refused(404, "GET", "/twins/lab:a/commands/nothing")
        self.refused(400, "POST", "/twins/lab:a/commands", {"arguments": 7, "ttl": "soon", "x": 1},
                     ["#/name", "#/arguments", "#/ttl", "#/x"])
        self.refused(400, "POST", "/twins/lab:a/commands", {"name": "set_setpoint", "arguments": {"setpoint": [1]}})

    def test_a_wait_ends_without_the_fate_when_the_device_is_silent(self):
        self.started(readings=1)
        self.device(None)
        began = time.monotonic()
        answer = self.api("POST", "/twins/lab:a/commands", {"name": "set_setpoint", "arguments": {"setpoint": 20}}, 202,
                          headers={"Prefer": "wait=1"})
        self.assertIn(answer.json["phase"], ("accepted", "dispatched"))
        self.assertIsNone(answer.header("Preference-Applied"))
        self.assertGreaterEqual(time.monotonic() - began, 1)

    # --- alerts

    def raised(self, node):
        self.feed(node, [20, 95])
        return support.eventually(lambda: self.api("GET", "/alerts?rule=hot").json["items"], 20, "an alert")[0]

    def test_alerts_and_what_people_do_about_them(self):
        node = self.started()
        alert = self.raised(node)
        self.assertEqual((alert["twin"], alert["state"]), ("lab:a", "active"))
        one = "/alerts/lab:a/" + alert["incident"]
        told = self.api("GET", one, status=200).json
        self.assertEqual(told["transitions"][0]["transition"], "raised")
        self.assertEqual(self.api("GET", "/twins/lab:a/alerts").json["items"][0]["incident"], alert["incident"])
        self.assertEqual(self.api("GET", "/alerts?twin=other:*").json["items"], [])
        self.assertEqual(self.api("GET", "/alerts?severity=info").json["items"], [])
        self.refused(400, "GET", "/alerts?severity=bad&state=odd&active=maybe", pointers=["?active", "?state", "?severity"])
        done = self.api("POST", one + "/acknowledge", {"comment": "on my way"}, 200,
                        headers={"Idempotency-Key": "ack-1"})
        self.assertEqual((done.json["state"], done.json["acknowledged_by"]), ("acknowledged", "loopback"))
        again = self.api("POST", one + "/acknowledge", {"comment": "on my way"}, 200, headers={"Idempotency-Key": "ack-1"})
        self.assertEqual(again.header("Idempotency-Replayed"), "true")
        self.refused(409, "POST", one + "/acknowledge")
        self.api("POST", one + "/assign", {"to": "ada"}, 200)
        self.api("POST", one + "/comment", {"comment": "bearing ordered"}, 200)
        self.refused(400, "POST", one + "/comment", {}, ["#/comment"])
        self.api("POST", one + "/snooze", {"for": "10m"}, 200)
        self.refused(400, "POST", one + "/snooze", {}, ["#/for"])
        self.refused(400, "POST", one + "/snooze", {"until": "2001-01-01T00:00:00Z"}, ["#/until"])
        self.assertIn("ada", support.eventually(
            lambda: [x for x in self.api("GET", "/twins/lab:a/alerts").json["items"] if x.get("assigned_to")], 20,
            "assigned")[0]["assigned_to"])
        self.assertIn(self.api("POST", one + "/verify", status=200).json["says"], ("confirmed", "unsettled"))
        self.refused(409, "POST", one + "/reset")
        self.feed(node, [20, 20])
        support.eventually(lambda: self.api("GET", "/twins/lab:a/alerts").json["items"][0].get("latched"), 20, "latched")
        self.api("POST", one + "/reset", status=200)
        support.eventually(lambda: self.api("GET", "/alerts?rule=hot").json["items"] == [], 20, "over")
        self.assertEqual(len(self.api("GET", "/alerts?rule=hot&active=false").json["items"]), 1)
        again = self.raised(node)
        self.api("POST", "/alerts/lab:a/%s/clear" % again["incident"], {"comment": "known"}, 200)
        for verb in ("acknowledge", "clear", "reset", "assign", "verify"):
            self.refused(404, "POST", "/alerts/lab:nobody/0000000000000001-0-0/" + verb)
        self.refused(404, "GET", "/alerts/lab:a/0000000000000001-0-7")

    def test_rules_are_shelved_and_twins_maintained(self):
        self.started(readings=1)
        shelf = self.api("POST", "/twins/lab:a/rules/hot/shelve", {"for": "8h", "comment": "sensor"}, 200).json
        self.assertEqual((shelf["rule"], shelf["by"], shelf["reason"]), ("hot", "loopback", "sensor"))
        self.api("POST", "/twins/lab:a/rules/hot/unshelve", status=204)
        self.refused(404, "POST", "/twins/lab:a/rules/cold/shelve", {"for": "1h"})
        self.refused(400, "POST", "/twins/lab:a/rules/hot/shelve", {"for": "1h", "until": 99999999999}, ["#/until"])
        begun = self.api("POST", "/twins/lab:a/maintenance", {"for": "2h", "reason": "bearing"}, 201)
        place = begun.header("Location").removeprefix("/api/v1")
        self.assertEqual(place, "/twins/lab:a/maintenance/" + begun.json["id"])
        self.assertEqual(self.api("GET", "/twins/lab:a/maintenance").json["items"][0]["reason"], "bearing")
        self.refused(400, "POST", "/twins/lab:a/maintenance", {"for": "1h", "from": "2200-01-01T00:00:00Z"}, ["#/from"])
        self.api("DELETE", place, status=204)
        self.refused(404, "DELETE", place)

    # --- models, jobs, quarantine, node

    def test_models_are_checked_applied_and_rolled_back(self):
        self.started(readings=1)
        rules = self.api("GET", "/models", status=200).json["items"]
        self.assertEqual([(m["name"], m["ruling"]) for m in rules], [("oven", True)])
        model = self.api("GET", "/models/oven", status=200)
        self.assertEqual(model.json["text"]["name"], "oven")
        self.api("GET", "/models/oven", status=304, headers={"If-None-Match": model.header("ETag")})
        changed = json.loads(json.dumps(MODEL))
        changed["operators"][1]["above"] = 80
        verdict = self.api("POST", "/models/check", changed, 200).json
        self.assertTrue(verdict["valid"])
        broken = json.dumps(dict(MODEL, operators=[{"name": "x", "type": "nothing"}]), indent=1)
        verdict = self.api("POST", "/models/check", broken, 200).json
        self.assertFalse(verdict["valid"])
        self.assertGreater(verdict["errors"][0]["line"], 1)
        self.assertFalse(self.api("POST", "/models/check", "{", 200).json["valid"])
        self.refused(422, "POST", "/models", broken)
        self.refused(415, "POST", "/models", changed, kind="text/plain")
        done = self.api("POST", "/models", changed, headers={"Idempotency-Key": "m-1"}).json
        self.assertEqual(done["previous"], model.json["hash"])
        self.assertEqual(self.api("POST", "/models", changed, headers={"Idempotency-Key": "m-1"}).json, done)
        versions = self.api("GET", "/models/oven/versions", status=200).json["items"]
        self.assertEqual((versions[0]["how"], versions[0]["by"]), ("apply", "loopback"))
        old = self.api("GET", "/models/oven?version=" + model.json["hash"][:8], status=200).json
        self.assertEqual((old["ruling"], old["text"]), (False, model.json["text"]))
        self.api("POST", "/models/oven/rollback")
        self.assertEqual(self.api("GET", "/models/oven").json["hash"], model.json["hash"])
        self.api("POST", "/models/oven/rollback", {"version": done["hash"]})
        self.refused(404, "GET", "/models/nothing")
        self.refused(404, "GET", "/models/oven?version=ffffffff")
        self.refused(404, "POST", "/models/nothing/rollback")

    def test_a_back_test_runs_as_a_job(self):
        self.started(readings=40)
        changed = json.loads(json.dumps(MODEL))
        changed["operators"][1]["above"] = 23.5
        order = {"kind": "backtest", "arguments": {"model": changed, "twins": "lab:*", "from": START_MS / 1000,
                                                   "warm_up": "all", "tolerance": "10s"}}
        job = self.api("POST", "/jobs", order, 202)
        place = job.header("Location").removeprefix("/api/v1")
        ended = support.eventually(
            lambda: next((j for j in [self.api("GET", place, status=200).json] if j["state"] in ("done", "failed")), None),
            60, "the back-test's end")
        self.assertEqual(ended["state"], "done", ended)
        self.assertGreater(ended["result"]["alerts"]["candidate"], 0)
        self.assertEqual([j["kind"] for j in self.api("GET", "/jobs", status=200).json["items"]], ["backtest"])
        self.api("DELETE", place, status=202)
        self.refused(400, "POST", "/jobs", {"kind": "backtest", "arguments": {"from": "soon", "x": 1}},
                     ["#/arguments/model", "#/arguments/from", "#/arguments/x"])
        self.refused(400, "POST", "/jobs", {"kind": "nothing"})
        for path in ("/jobs/99", "/jobs/x", "/jobs/0"):
            self.refused(404, "GET", path)
            self.refused(404, "DELETE", path)

    def test_quarantined_messages_are_looked_at_and_tried_again(self):
        self.started()
        with self.client("device") as device:
            device.publish("telemetry/a", b"{", qos=1)
            device.publish("telemetry/a", b"\x00\xff", qos=1)
            device.publish("known/k", b'{"temperature": 21}', qos=1)
            device.drain()
        page = support.eventually(
            lambda: next((p for p in [self.api("GET", "/quarantine", status=200).json] if p["total"] == 3), None), 20,
            "three records")
        self.assertEqual([(r["payload"], r["payload_encoding"]) for r in page["items"]],
                         [("{", "text"), ("00ff", "hex"), ('{"temperature": 21}', "text")])
        first = self.api("GET", "/quarantine?limit=2", status=200).json
        rest = self.api("GET", "/quarantine?limit=2&cursor=" + first["next"], status=200).json
        self.assertEqual(first["items"] + rest["items"], page["items"])
        record = "/quarantine/%d" % page["items"][2]["id"]
        self.assertEqual(self.api("GET", record, status=200).json, page["items"][2])
        self.api("POST", "/twins", {"id": "known:k", "model": "oven"}, 201)
        self.api("POST", record + "/replay", status=200)
        support.eventually(lambda: self.api("GET", "/twins/known:k/telemetry").json.get("temperature"), 20, "its reading")
        self.refused(404, "GET", record)
        self.refused(404, "POST", record + "/replay")
        self.refused(400, "POST", "/quarantine/%d/replay" % page["items"][0]["id"])
        for path in ("/quarantine/0", "/quarantine/x"):
            self.refused(404, "GET", path)

    def test_the_node_tells_of_itself(self):
        node = self.started()
        self.assertEqual(self.api("GET", "/whoami", status=200).json["role"], "admin")
        self.assertTrue(self.api("GET", "/stats", status=200).json["ready"])
        for path in ("//healthz", "//livez", "//readyz?verbose", "//metrics"):
            self.api("GET", path, status=200)
        self.assertEqual(self.api("GET", "//openapi.json", status=200).json, DOCUMENT)
        told = {(r["method"], r["path"]) for r in self.api("GET", "", status=200).json["routes"]}
        described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
        self.assertEqual(told | {("GET", "/api/v1")}, described)
        self.assertTrue(self.api("POST", "/tickets", status=201).json["ticket"])
        self.refused(404, "GET", "/nothing")
        # without cors_origins no page of another origin reads anything
        for method in ("GET", "OPTIONS"):
            answer = self.api.send(method, "/api/v1/twins", headers={"Origin": "https://desk.example",
                                                                     "Access-Control-Request-Method": "GET"})
            self.assertEqual([h for h in answer.headers if h.startswith("Access-Control")], [])
        node.check_running()

    def test_large_answers_are_compressed_and_foreign_pages_refused(self):
        self.started(readings=60, http={"cors_origins": ["https://desk.example"]})
        plain = self.api.send("GET", "/api/v1/twins/lab:a/history")
        packed = self.api.send("GET", "/api/v1/twins/lab:a/history", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(packed.header("Content-Encoding"), "gzip")
        self.assertEqual(packed.text, plain.text)
        self.assertLess(int(packed.header("Content-Length")), len(plain.body) / 3)
        order = {"id": "lab:x", "model": "oven"}
        self.refused(403, "POST", "/twins", order, headers={"Origin": "https://evil.example"})
        self.refused(404, "GET", "/twins/lab:x")
        made = self.api("POST", "/twins", order, 201, headers={"Origin": "https://desk.example"})
        self.assertEqual(made.header("Access-Control-Allow-Origin"), "https://desk.example")
        before = self.api.send("OPTIONS", "/api/v1/twins", headers={
            "Origin": "https://desk.example", "Access-Control-Request-Method": "POST"})
        self.assertEqual((before.status, before.header("Access-Control-Allow-Methods")), (204, "GET, HEAD, POST"))

    def test_a_client_that_asks_too_often_is_slowed(self):
        self.started(http={"rate": 5})
        answers = [self.api.send("GET", "/api/v1/whoami") for _ in range(60)]
        refused = [a for a in answers if a.status == 429]
        self.assertTrue(refused, "all were answered")
        self.assertGreaterEqual(int(refused[0].header("Retry-After")), 1)
        support.eventually(lambda: self.api.send("GET", "/api/v1/whoami").status == 200, 5, "an answer again")

    def test_zz_every_operation_of_the_description_was_used(self):
        if len(used) < 20:
            self.skipTest("only when the other tests ran before")
        described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items()
                     for method, operation in item.items() if "things" not in operation["tags"]}
        self.assertEqual(described - used - STREAMS, set())


if __name__ == "__main__":
    unittest.main()
