# SPDX-License-Identifier: Apache-2.0
# One alert from first to last: raised with its evidence, seen, acknowledged, through a kill and
# cleared; and what a twin says when there is none.
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

TWIN = "lab1:oven"
# the clock's own seconds: ages and graces are part of what is tested
QUIET = {"name": "quiet", "telemetry": {"temperature": {}}, "operators": [
    {"name": "silent", "type": "absence", "of": "*", "for": "2s", "severity": "critical"}]}


class Alerts(support.NodeTest):
    def make_node(self, model="device", **settings):
        return self.node([model],
                         [{"topic": "telemetry/{name}", "twin": "lab1:{name}",
                           "model": model if isinstance(model, str) else model["name"]}],
                         **settings)

    def send(self, *documents, name="oven"):
        with self.client("sender-%d" % time.monotonic_ns()) as sender:
            for document in documents:
                sender.publish("telemetry/" + name, json.dumps(document), qos=1)
            sender.drain()

    def listen(self):
        listener = self.client("listener")
        listener.subscribe("twins/+/+/alerts")
        return listener

    def wait_event(self, listener, rule, transition):
        found = listener.wait_for(
            lambda m: json.loads(m.payload)["type"] == "io.pollux.alert.%s.v1" % transition
            and json.loads(m.payload)["subject"] == rule, 20, "%s %s" % (rule, transition))
        return json.loads(found.payload)

    def test_raised_acknowledged_killed_cleared(self):
        node = self.make_node().start()
        listener = self.listen()
        start = int(time.time() * 1000) - 100_000
        self.send({"ts": start, "temperature": 30}, {"ts": start + 1000, "temperature": 50})
        raised = self.wait_event(listener, "too_hot", "raised")
        self.assertEqual(raised["specversion"], "1.0")
        self.assertEqual(raised["source"], "/twins/" + TWIN)
        self.assertEqual(raised["data"]["severity"], "critical")
        self.assertEqual(support.instant(raised["time"]) // 1_000_000, start + 1000)

        listed = node.alerts()
        self.assertEqual([(a["twin"], a["rule"], a["state"]) for a in listed],
                         [(TWIN, "too_hot", "active")])
        incident = listed[0]["incident"]
        self.assertEqual(incident, raised["data"]["incident"])
        self.assertIn("too_hot", node.cli("alert", "ls"))
        shown = node.ask("alert", "show", TWIN, incident)
        evidence = shown["transitions"][0]["evidence"]
        self.assertEqual(evidence["numbers"]["value"], 50)
        self.assertEqual(evidence["numbers"]["limit"], 45)
        self.assertTrue(evidence["explanation"])
        self.assertEqual(shown["transitions"][0]["model_hash"],
                         node.twin(TWIN)["model"]["hash"])
        self.assertIn("why:", node.cli("alert", "show", TWIN, incident))

        acknowledged = node.ask("alert", "ack", TWIN, incident, "--by", "ada", "--comment", "seen")
        self.assertEqual(acknowledged["state"], "acknowledged")
        self.assertEqual(self.wait_event(listener, "too_hot", "acknowledged")["data"]["by"], "ada")
        self.assertEqual(node.run("alert", "ack", TWIN, incident).returncode, 5)  # a second time
        self.assertEqual(node.run("alert", "ack", TWIN, "0" * 16 + "-0-0").returncode, 3)

        before = node.twin(TWIN)["alerts"]
        node.kill()
        node.start()
        self.assertEqual(node.twin(TWIN)["alerts"], before)
        self.assertEqual(node.ask("alert", "show", TWIN, incident)["state"], "acknowledged")
        self.send({"ts": start + 2000, "temperature": 51})  # still too hot: nothing new to say
        support.eventually(lambda: node.applied(TWIN) == 3, 20, "the third reading")
        self.assertEqual(len(node.alerts("--all")), 1)

        self.send({"ts": start + 3000, "temperature": 20})
        self.wait_event(listener, "too_hot", "cleared")
        support.eventually(lambda: node.alerts() == [], 10, "no active alert", every=0.1)
        final = node.alerts("--all")
        self.assertEqual([t["transition"] for t in final[0]["transitions"]],
                         ["raised", "acknowledged", "cleared"])
        ids = [json.loads(m.payload)["id"] for m in listener.received]
        self.assertEqual(len(set(ids)), 3)
        self.assertEqual({i.rsplit("/", 1)[1] for i in ids},
                         {t["id"] for t in final[0]["transitions"]})
        self.assertIn("no active alert", node.cli("twin", "get", TWIN))
        node.kill()
        node.start()
        self.assertEqual(node.alerts("--all"), final)
        node.verify("--online")

    def test_a_spike_needs_a_baseline_and_the_twin_says_so(self):
        node = self.make_node().start()
        start = int(time.time() * 1000) - 200_000
        readings = [{"ts": start + i * 1000, "temperature": 20 + (i * 7 % 5) / 10}
                    for i in range(31)]
        self.send(*readings[:10])
        support.eventually(lambda: node.applied(TWIN) == 10, 20, "ten readings")
        rules = {r["name"]: r for r in node.twin(TWIN)["rules"]}
        self.assertEqual(rules["temperature_spike"]["state"], "warming up")
        self.assertIn("10 of 30", rules["temperature_spike"]["explanation"])
        self.assertEqual(rules["humidity_jump"]["state"], "no data")
        self.assertIn("10 of 30", node.cli("twin", "get", TWIN))
        listener = self.listen()
        self.send(*readings[10:], {"ts": start + 60_000, "temperature": 24})
        event = self.wait_event(listener, "temperature_spike", "raised")
        numbers = event["data"]["evidence"]["numbers"]
        values = [r["temperature"] for r in readings]
        mean = sum(values) / len(values)
        self.assertEqual(numbers["n"], 31)
        self.assertAlmostEqual(numbers["mean"], mean, 9)
        sd = (sum((v - mean) ** 2 for v in values) / 30) ** 0.5
        self.assertAlmostEqual(numbers["sd"], sd, 9)
        self.assertAlmostEqual(numbers["z"], (24 - mean) / sd, 6)

    def test_silence_is_noticed_once_and_a_restart_gives_time_anew(self):
        node = self.make_node(QUIET, twins={"start_grace": "1s"}).start()
        listener = self.listen()
        self.send({"temperature": 20})
        support.eventually(lambda: node.applied(TWIN) == 1, 20, "the reading")
        self.assertEqual(node.twin(TWIN)["rules"][0]["state"], "ok")
        self.wait_event(listener, "silent", "raised")
        node.kill()
        node.start()
        self.assertEqual(len(node.alerts()), 1)
        self.assertEqual(node.twin(TWIN)["rules"][0]["state"], "alerting")
        self.send({"temperature": 21})
        self.wait_event(listener, "silent", "cleared")
        node.kill()  # at once: the silence that follows is the node's own
        node.start()
        rule = node.twin(TWIN)["rules"][0]
        self.assertEqual(rule["state"], "in grace", rule)
        self.assertIn("grace until", rule["explanation"])
        started = support.instant(rule["explanation"].split("until ")[1].split(" ")[0])
        listener.received.clear()
        again = self.wait_event(listener, "silent", "raised")
        self.assertGreaterEqual(support.instant(again["data"]["ingest_time"]), started)
        self.assertEqual(len(node.alerts("--all")), 2)
        self.assertEqual(len(node.alerts()), 1)
        node.verify("--online")


if __name__ == "__main__":
    unittest.main(verbosity=2)
