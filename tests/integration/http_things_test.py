# SPDX-License-Identifier: Apache-2.0
# The doors of the Web of Things and all streams, against docs/openapi.json: every operation is used,
# and every answer is what the description says. What clients make of it is in wot_test.py and
# streams_test.py.
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import node as support  # noqa: E402
from api import DOCUMENT, Answer, Api  # noqa: E402
from http_api_test import INGRESS, MODEL, STREAMS  # noqa: E402
from streams_test import Events, Socket  # noqa: E402

DESCRIPTION = {"title": "Oven 7", "links": [{"rel": "type", "href": "/models/oven"}]}


class Things(support.NodeTest):
    def started(self):
        node = self.node([MODEL], [dict(i) for i in INGRESS])
        node.start()
        self.api = Api(node.http_port)
        with self.client("device") as device:
            device.publish("telemetry/a", json.dumps({"temperature": 20, "setpoint": 21}), qos=1)
            device.drain()
        support.eventually(lambda: node.applied("lab:a") == 1, 20, "the reading is applied")
        return node

    def refused(self, status, method, target, document=None, **more):
        answer = self.api(method, "/" + target, document, status, **more)
        self.assertEqual(answer.header("Content-Type"), "application/problem+json")

    def test_every_operation_of_a_thing(self):
        node = self.started()
        api = self.api
        directory = api("GET", "//.well-known/wot", status=200)
        api("GET", "//.well-known/wot", status=304, headers={"If-None-Match": directory.header("ETag")})
        self.assertEqual([t["id"] for t in api("GET", "//things?limit=10", status=200).json], ["urn:pollux:lab:a"])
        self.assertEqual(api("GET", "//things?format=collection", status=200).json["total"], 1)
        self.refused(400, "GET", "/things?limit=0")
        made = api("POST", "//things", DESCRIPTION, 201, kind="application/td+json")
        api("GET", "/" + made.header("Location"), status=200)
        self.assertEqual(len(api("GET", "//things?limit=1").json), 1)
        self.assertIn('rel="next"', api("GET", "//things?limit=1").header("Link"))
        self.refused(400, "POST", "/things", {"title": "none"}, kind="application/td+json")
        self.refused(415, "POST", "/things", "x", kind="text/plain")
        api("PUT", "//things/lab:b", DESCRIPTION, 201, kind="application/td+json")
        api("PUT", "//things/lab:b", dict(DESCRIPTION, title="Oven 8"), 204, kind="application/td+json")
        api("PATCH", "//things/lab:b", {"title": "Oven 9"}, 204, kind="application/merge-patch+json")
        self.refused(400, "PATCH", "/things/lab:b", {"actions": {}}, kind="application/merge-patch+json")
        thing = api("GET", "//things/urn:pollux:lab:b", status=200)
        self.assertEqual(thing.json["title"], "Oven 9")
        api("GET", "//things/lab:b", status=304, headers={"If-None-Match": thing.header("ETag")})
        model = api("GET", "//models/oven", status=200)
        api("GET", "//models/oven", status=304, headers={"If-None-Match": model.header("ETag")})
        self.refused(404, "GET", "/models/nothing")
        self.assertEqual(api("GET", "//things/lab:a/properties", status=200).json, {"temperature": 20, "setpoint": 21})
        value = api("GET", "//things/lab:a/properties/temperature", status=200)
        self.assertEqual(value.json, 20)
        api("GET", "//things/lab:a/properties/temperature", status=304, headers={"If-None-Match": value.header("ETag")})
        self.refused(404, "GET", "/things/lab:a/properties/pressure")
        self.refused(405, "PUT", "/things/lab:a/properties/temperature", 21)
        api("PUT", "//things/lab:b/properties", {"title": "Oven 10"}, 204)
        api("PUT", "//things/lab:b/properties/title", '"Oven 11"', 204)
        self.refused(400, "PUT", "/things/lab:b/properties", {"temperature": 1})
        sent = api("POST", "//things/lab:a/actions/set_setpoint", {"setpoint": 22}, 201,
                   headers={"Idempotency-Key": "action-1"})
        status = api("GET", "/" + sent.header("Location"), status=200).json
        self.assertIn(status["status"], ("pending", "running"))
        self.refused(409, "DELETE", sent.header("Location"))
        far = api("POST", "//things/lab:a/actions/set_setpoint", {"setpoint": 99}, 200, headers={"Prefer": "wait=20"})
        self.assertEqual((far.json["status"], far.json["error"]["status"]), ("failed", 409))
        self.assertEqual(len(api("GET", "//things/lab:a/actions", status=200).json["set_setpoint"]), 2)
        self.refused(404, "GET", "/things/lab:a/actions/set_setpoint/nothing")
        self.refused(400, "POST", "/things/lab:a/actions/set_setpoint", [1])
        api("DELETE", "//things/lab:b", status=204)
        for method, path in (("GET", "/things/lab:b"), ("DELETE", "/things/lab:b"), ("GET", "/things/lab:b/properties")):
            self.refused(404, method, path)
        node.check_running()
        described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items()
                     for method, operation in item.items() if "things" in operation["tags"]}
        # nothing is ever cancelled, so that its success is its refusal
        self.assertEqual(described - api.used - STREAMS, {("DELETE", "/things/{id}/actions/{name}/{command}")})

    def test_every_stream_begins_as_described(self):
        node = self.started()
        places = {"/things/{id}/properties/{name}/observe": "/things/lab:a/properties/temperature/observe",
                  "/things/{id}/events/{name}": "/things/lab:a/events/hot"}
        for method, path in sorted(STREAMS):
            if path == "/api/v1/ws":
                talk = Socket(node.http_port)
                self._stack.callback(talk.close)
                self.assertEqual(talk.status, 101)
                self.api("GET", "/ws", status=426)
                continue
            target = places.get(path, path)
            stream = Events(node.http_port, path=target)
            self._stack.callback(stream.close)
            lines = dict(line.split(": ", 1) for line in stream.head.split("\r\n")[1:])
            self.assertEqual((method, stream.status), ("GET", 200), path)
            self.api.check(method, target, Answer(stream.status, lines, b""))
            self.refused(400, "GET", target + "?nothing=1")


if __name__ == "__main__":
    unittest.main()
