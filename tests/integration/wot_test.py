# SPDX-License-Identifier: Apache-2.0
# The Web of Things door against clients we did not write: node-wot reads, observes, invokes and is
# told of an alert; the official schemas and a second validator take every description. npm brings
# both from a lock file when the test runs.
import http.client
import json
import os
import pathlib
import queue
import shutil
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402
import npm  # noqa: E402
from api import Api  # noqa: E402

HERE = support.SOURCE / "tests" / "wot"
MODELS = ("ambient_temperature", "building", "device", "motor", "pump", "vehicle")
ZONE = "site1:zone"
THING = "//things/" + ZONE


def installed():
    """The folder with the clients in it."""
    folder = os.environ.get("POLLUX_WOT_FOLDER") or support.SOURCE / "build" / "wot"
    return npm.packages(HERE, pathlib.Path(folder), ["client.js", "validate.js"])


def errors_of(lines):
    """Of descriptions, {"name", "kind", "text"} each: name -> what either validator finds wrong."""
    lines = lines + [{"name": "broken td", "kind": "td", "text": '{"title": "no context"}'},
                     {"name": "broken tm", "kind": "tm", "text": '{"title": "no context"}'}]
    done = subprocess.run(["node", "validate.js"], cwd=installed(), capture_output=True, text=True, timeout=200,
                          input="".join(json.dumps(line) + "\n" for line in lines))
    found = {r["name"]: r["errors"] for r in map(json.loads, done.stdout.splitlines())}
    assert len(found) == len({line["name"] for line in lines}), done.stderr[-2000:]
    for name in ("broken td", "broken tm"):
        assert {e.partition(":")[0] for e in found.pop(name)} == {"schema", "second validator"}, "they take anything"
    return {name: errors for name, errors in found.items() if errors}


def certificate(folder):
    if not shutil.which("openssl"):
        raise AssertionError("openssl is not installed; tools/setup installs it")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
                   check=True, capture_output=True)


class Client:
    """node-wot in a process of its own."""

    def __init__(self, folder, environment=None):
        self.process = subprocess.Popen(["node", "client.js"], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env=os.environ | (environment or {}))
        self.answers, self.news = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            if "done" in told:
                self.answers.put(told)
            else:
                self.news.append(told)

    def __call__(self, word, what, seconds=60):
        self.process.stdin.write(json.dumps({word: what}) + "\n")
        answer = self.answers.get(timeout=seconds)
        if "error" in answer:
            raise AssertionError("%s %r: %s" % (word, what, answer["error"]))
        return answer.get("value")

    def values(self, kind, name):
        return [n["value"] for n in list(self.news) if n.get(kind) == name]

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class Zone:
    """The device behind the twin: takes setpoints and reports them."""

    def __init__(self, client):
        self.client = client
        client.on_message = self._take
        client.subscribe("twins/site1/zone/commands/set_setpoint/request", 1)

    def _take(self, message):
        request = json.loads(message.payload)
        self.client.publish("twins/site1/zone/commands/set_setpoint/response",
                            json.dumps({"id": request["id"], "ok": True}), qos=1)
        self.report(setpoint=request["arguments"]["setpoint"])

    def report(self, **values):
        self.client.publish("telemetry/zone", json.dumps(values), qos=1)


class WebOfThings(support.NodeTest):
    def started(self):
        made = self.node(MODELS, [{"topic": "telemetry/{name}", "twin": "site1:{name}", "model": "building"},
                                  {"topic": "known/{name}", "twin": "known:{name}"}],
                         twins={"start_grace": "100ms"}).start()
        self.api = Api(made.http_port)
        self.base = "http://127.0.0.1:%d" % made.http_port
        self.zone = Zone(self.client("zone"))
        self.zone.report(zone_temperature=21.5, setpoint=21)
        support.eventually(lambda: made.applied(ZONE) == 1, 30, "the zone's first reading")
        return made

    def ask(self, method, path, document=None, kind="application/json", **headers):
        if document is not None:
            headers["Content-Type"] = kind
        return self.api.send(method, path, None if document is None else json.dumps(document), headers)

    def node_wot(self):
        client = Client(installed())
        self.addCleanup(client.close)
        return client

    def test_node_wot_reads_observes_invokes_and_is_told_of_an_alert(self):
        folder = installed()
        self.started()
        self.assertTrue(folder)
        wot = self.node_wot()
        self.assertEqual(wot("consume", self.base + "/things/" + ZONE), ZONE)
        self.assertEqual(wot("read", "zone_temperature"), 21.5)
        wot("observe", "setpoint")
        support.eventually(lambda: wot.values("observed", "setpoint") == [21], 20, "the present setpoint")
        wot("subscribe", "too_warm")
        status = wot("invoke", ["set_setpoint", {"setpoint": 23}])
        self.assertIn(status["status"], ("pending", "running", "completed"))
        support.eventually(lambda: self.ask("GET", status["href"]).json["status"] == "completed", 30,
                           "the device's confirmation")
        support.eventually(lambda: wot.values("observed", "setpoint")[-1] == 23, 30, "the new setpoint")
        self.assertEqual(wot.values("event", "too_warm"), [])
        self.zone.report(zone_temperature=60)
        alerts = support.eventually(lambda: wot.values("event", "too_warm"), 30, "the alert")
        self.assertEqual((alerts[0]["rule"], alerts[0]["transition"], alerts[0]["twin"]),
                         ("too_warm", "raised", ZONE))
        self.assertEqual(len(alerts), 1)
        wot("write", ["properties", {"floor": 2}])
        self.assertEqual(wot("read", "properties"), {"floor": 2})
        self.assertIn(ZONE, wot("directory", self.base + "/.well-known/wot"))

    def test_node_wot_works_with_a_token_over_tls_and_a_stream_with_a_ticket(self):
        installed()
        node = self.started()
        certificate(self.folder)
        node.stop()
        node.settings["http"] |= {"certificate_file": str(self.folder / "certificate.pem"),
                                  "key_file": str(self.folder / "key.pem")}
        node.write_config()
        operator = node.cli("token", "create", "desk", "--role", "operator").strip()
        node.start(ready=False)
        self.api.tls = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        headers = {"Authorization": "Bearer " + operator}
        support.eventually(lambda: self.api.send("GET", "/things/" + ZONE, headers=headers).status == 200, 30,
                           "the thing over TLS")
        self.assertEqual(self.api.send("GET", "/things/" + ZONE).status, 401)
        td = self.api.send("GET", "/things/" + ZONE, headers=headers).json
        self.assertEqual(td["security"], ["bearer_sc"])
        self.assertEqual(td["securityDefinitions"]["bearer_sc"]["scheme"], "bearer")
        self.assertTrue(td["base"].startswith("https://127.0.0.1:%d/" % node.http_port), td["base"])
        self.assertEqual(errors_of([{"name": "td", "kind": "td", "text": json.dumps(td)}]), {})
        directory = self.api.send("GET", "/.well-known/wot")
        self.assertEqual(directory.json["security"], ["bearer_sc"])
        self.assertEqual(errors_of([{"name": "directory", "kind": "td", "text": directory.text}]), {})
        wot = Client(installed(), {"NODE_EXTRA_CA_CERTS": str(self.folder / "certificate.pem")})
        self.addCleanup(wot.close)
        wot("consume", {"td": td, "token": operator})
        self.assertEqual(wot("read", "zone_temperature"), 21.5)
        ticket = json.loads(self.api.send("POST", "/api/v1/tickets", headers=headers).text)["ticket"]
        wot("observe", ["setpoint", {"ticket": ticket}])
        support.eventually(lambda: wot.values("observed", "setpoint"), 20, "the present setpoint")
        wot("invoke", ["set_setpoint", {"setpoint": 23}])
        support.eventually(lambda: wot.values("observed", "setpoint")[-1] == 23, 30, "the new setpoint")
        stranger = Client(installed(), {"NODE_EXTRA_CA_CERTS": str(self.folder / "certificate.pem")})
        self.addCleanup(stranger.close)
        stranger("consume", {"td": td, "token": "wrong"})
        with self.assertRaises(AssertionError):
            stranger("read", "zone_temperature")

    def test_what_a_stranger_says_of_a_proxy_is_not_believed(self):
        node = self.started()
        lies = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example",
                "X-Forwarded-For": "10.1.2.3"}
        self.assertEqual(self.api.send("GET", "/things/" + ZONE, headers=lies).json["base"],
                         self.base + "/things/" + ZONE + "/")
        self.assertNotIn("evil", self.api.send("GET", "/.well-known/wot", headers=lies).text)
        node.stop()
        node.settings["http"]["behind_proxy"] = True
        node.write_config()
        token = node.cli("token", "create", "desk", "--role", "operator").strip()
        node.start()
        said = {"X-Forwarded-Host": "desk.example", "X-Forwarded-Proto": "https",
                "Authorization": "Bearer " + token}
        self.assertEqual(self.api.send("GET", "/things/" + ZONE, headers=said).json["base"],
                         "https://desk.example/things/" + ZONE + "/")

    def test_the_directory_tells_what_is_made_changed_and_ended(self):
        node = self.started()
        streams = {}
        for kind in ("created", "updated", "deleted"):
            streams[kind] = self.stream("/events/thing_" + kind)
        wot = self.node_wot()
        wot("consume", self.base + "/.well-known/wot")
        wot("subscribe", "thingCreated")
        link = {"links": [{"rel": "type", "href": "/models/motor"}]}
        self.assertEqual(self.ask("PUT", "/things/known:m", {"title": "M", **link}, "application/td+json").status, 201)
        urn = {"id": "urn:pollux:known:m"}
        made = self.next_frame(streams["created"])
        self.assertEqual((made["event"], json.loads(made["data"])), ("thing_created", urn))  # none for the zone
        self.assertEqual(self.ask("PATCH", "/things/known:m", {"title": "N"}, "application/merge-patch+json").status, 204)
        self.assertEqual(self.frame(streams["updated"]), ("thing_updated", urn))
        self.zone.report(zone_temperature=22)  # a value is no change of the description: the next event is another
        support.eventually(lambda: node.applied(ZONE) == 2, 30, "a reading")
        model = json.loads((support.SOURCE / "config/models/building.json").read_text())
        (self.folder / "newer.json").write_text(json.dumps({**model, "description": "newer"}))
        node.cli("model", "apply", str(self.folder / "newer.json"))
        zone = {"id": "urn:pollux:" + ZONE}
        self.assertEqual(self.frame(streams["updated"]), ("thing_updated", zone))
        late = self.stream("/events/thing_updated", made["id"])  # who comes back is told what there was since
        self.assertEqual([self.frame(late)[1] for _ in range(2)], [urn, zone])
        self.assertEqual(self.ask("DELETE", "/things/known:m").status, 204)
        self.assertEqual(self.frame(streams["deleted"]), ("thing_deleted", urn))
        # node-wot reads frames without a name
        support.eventually(lambda: wot.values("event", "thingCreated") == [urn], 30, "node-wot's event")
        self.assertEqual(self.ask("GET", "/events/thing_created?diff=true").status, 501)
        self.assertEqual(self.ask("GET", "/events/thing_created?x=1").status, 400)

    def test_every_description_is_valid(self):
        installed()
        made_by = self.started()
        lines = []
        for model in MODELS:
            made = self.api("POST", "/twins", {"id": "known:" + model, "model": model,
                                               "properties": {"floor": 2, "tags": ["a"], "note": None}}, 201)
            self.assertTrue(made.header("Location"))
            for kind, path in (("td", "/things/known:" + model), ("tm", "/models/" + model)):
                lines.append({"name": path, "kind": kind, "text": self.ask("GET", path).text})
        lines.append({"name": "directory", "kind": "td", "text": self.ask("GET", "/.well-known/wot").text})
        lines.append({"name": ZONE, "kind": "td", "text": self.ask("GET", "/things/" + ZONE).text})
        self.assertEqual(errors_of(lines), {})
        (self.folder / "tm.json").write_text(self.ask("GET", "/models/building").text)  # and back again
        made_by.cli("import", "thing-model", self.folder / "tm.json", "-o", self.folder / "made.json")
        made_by.cli("model", "check", self.folder / "made.json")

    def test_things_are_described_listed_made_changed_and_ended(self):
        self.started()
        td = self.ask("GET", "/things/" + ZONE)
        self.assertEqual(td.header("Content-Type"), "application/td+json")
        self.assertEqual(td.json["base"], self.base + "/things/" + ZONE + "/")
        self.assertEqual(td.json["security"], ["nosec_sc"])
        self.assertEqual(self.ask("GET", "/things/urn:pollux:" + ZONE).json, td.json)
        self.assertEqual(self.api.send("GET", "/things/" + ZONE, headers={
            "If-None-Match": td.header("ETag")}).status, 304)
        link = {"links": [{"rel": "type", "href": "/models/motor"}]}
        made = self.ask("PUT", "/things/known:m", {"title": "M", **link}, "application/td+json")
        self.assertEqual((made.status, made.header("Location")), (201, "/things/known:m"))
        self.assertEqual(self.ask("PUT", "/things/known:m", {"title": "N", **link}, "application/td+json").status, 204)
        self.assertEqual(self.ask("GET", "/things/known:m").json["title"], "N")
        self.assertEqual(self.ask("PATCH", "/things/known:m", {"title": "O"}, "application/merge-patch+json").status, 204)
        self.assertEqual(self.ask("GET", "/things/known:m").json["title"], "O")
        self.assertEqual(self.ask("PATCH", "/things/known:m", {"actions": {}}, "application/merge-patch+json").status, 400)
        anonymous = self.ask("POST", "/things", {"title": "A", **link}, "application/td+json")
        self.assertEqual(anonymous.status, 201)
        self.assertEqual(self.ask("POST", "/things", {"title": "A"}, "application/td+json").status, 400)
        first = self.ask("GET", "/things?limit=2")
        self.assertEqual(first.header("Content-Type"), "application/ld+json")
        after = first.header("Link").partition("<")[2].partition(">")[0]
        second = self.ask("GET", after)
        titles = [t["title"] for t in first.json + second.json]
        self.assertEqual(sorted(titles), sorted([ZONE, "O", "A"]))
        self.assertEqual(self.ask("GET", "/things?offset=2").json, second.json)
        self.assertEqual(self.ask("GET", "/things?format=collection").json["total"], 3)
        self.assertEqual(self.ask("DELETE", "/things/known:m").status, 204)
        self.assertEqual(self.ask("GET", "/things/known:m").status, 404)
        for path in ("/things/x", "/things/known:m/properties", "/things/%s/properties/nothing" % ZONE,
                     "/things/%s/properties/nothing/observe" % ZONE, "/things/%s/events/nothing" % ZONE):
            self.assertIn(self.ask("GET", path).status, (400, 404), path)

    def test_values_are_read_written_and_refused(self):
        self.started()
        path = "/things/%s/" % ZONE
        self.assertEqual(self.ask("GET", path + "properties/setpoint").text, "21")
        self.assertEqual(self.ask("GET", path + "properties").json["zone_temperature"], 21.5)
        self.assertEqual(self.ask("PUT", path + "properties/setpoint", 3).status, 405)
        self.assertEqual(self.ask("PUT", path + "properties/properties", {"a/b": 1, "c": {"d": 1}}).status, 204)
        self.assertEqual(self.ask("PUT", path + "properties/a%2Fb", [1, 2]).status, 204)
        self.assertEqual(self.ask("GET", path + "properties/a%2Fb").json, [1, 2])
        self.assertEqual(self.ask("PUT", path + "properties", {"c": {"e": 2}}).status, 204)
        self.assertEqual(self.ask("GET", path + "properties/c").json, {"e": 2})
        self.assertEqual(self.ask("PUT", path + "properties", {"setpoint": 2}).status, 400)
        self.assertEqual(self.ask("PUT", path + "properties", 7).status, 400)
        far = self.ask("POST", path + "actions/set_setpoint", {"setpoint": 99}, Prefer="wait=20")
        self.assertEqual((far.status, far.json["status"]), (200, "failed"))
        self.assertEqual(far.json["error"]["status"], 409)
        done = self.ask("POST", path + "actions/set_setpoint", {"setpoint": 22}, Prefer="wait=20")
        self.assertEqual((done.status, done.json["status"]), (200, "completed"))
        self.assertEqual(self.ask("GET", done.header("Location")).json["href"], done.json["href"])
        self.assertEqual(len(self.ask("GET", path + "actions").json["set_setpoint"]), 2)
        self.assertEqual(self.ask("POST", path + "actions/set_setpoint", [1]).status, 400)
        over = self.ask("DELETE", done.header("Location"))  # nothing takes a command back, and nobody is to think so
        self.assertEqual((over.status, over.header("Content-Type")), (409, "application/problem+json"))
        self.assertEqual(self.ask("DELETE", path + "actions/set_setpoint/nobody").status, 404)

    def stream(self, path, last=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.api.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"Last-Event-ID": last} if last else {})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "text/event-stream"))
        return answer

    def next_frame(self, stream):
        frame = {}
        while True:
            line = stream.readline().decode()
            self.assertTrue(line, "the stream ended")
            line = line.rstrip("\n")
            if ": " in line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                frame[name] = value
            elif not line and "data" in frame:
                return frame

    def frame(self, stream):
        """(event, data) of a named frame."""
        found = self.next_frame(stream)
        self.assertTrue(found["id"])
        return found["event"], json.loads(found["data"])

    def frames(self, path, enough, last=None):
        """(id, data) of the stream's frames, until enough(frames) holds."""
        stream, out = self.stream(path, last), []
        while not enough(out):
            found = self.next_frame(stream)
            self.assertNotIn("event", found, "named frames do not reach clients")
            out.append((found["id"], json.loads(found["data"])))
        return out

    def test_who_comes_back_misses_nothing_even_when_the_node_was_restarted(self):
        node = self.started()
        observe = "/things/%s/properties/zone_temperature/observe" % ZONE
        last, value = self.frames(observe, lambda f: f)[0]
        self.assertEqual(value, 21.5)
        before = node.applied(ZONE)
        for t in (22, 60, 24):
            self.zone.report(zone_temperature=t)
        support.eventually(lambda: node.applied(ZONE) == before + 3, 30, "three readings")
        support.eventually(lambda: node.alerts(), 30, "the alert")
        node.stop()
        node.start()
        values = [v for _, v in self.frames(observe, lambda f: len(f) == 3, last)]
        self.assertEqual(values, [22, 60, 24])
        told = self.frames("/things/%s/events/too_warm" % ZONE, lambda f: f, "0000000000000000-0-0")
        self.assertEqual(told[0][1]["transition"], "raised")


if __name__ == "__main__":
    unittest.main()
