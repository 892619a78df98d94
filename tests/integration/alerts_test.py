# SPDX-License-Identifier: Apache-2.0
# One alert from first to last: raised with its evidence, seen, acknowledged, through a kill and
# cleared; and what a twin says when there is none.
import json
import os
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


# all that an alert can go through; short times where time is what is tested
LIVELY = {"name": "lively", "telemetry": {"temperature": {}, "service": {"type": "boolean"}},
          "operators": [
    {"name": "hot", "type": "threshold", "value": "temperature", "above": 90, "latch": True,
     "levels": [{"above": 95, "severity": "critical"}], "parent_group": "cooling"},
    {"name": "door", "type": "threshold", "value": "temperature < 0", "severity": "info",
     "escalation": [{"after": "1s", "to": "shift-lead"}, {"after": "6s", "to": "plant-manager"}]},
    {"name": "warm", "type": "threshold", "value": "temperature", "above": 50, "severity": "info",
     "suppress_while": "service", "parent_group": "cooling"}]}
# POLLUX_FLEET=100000 POLLUX_FLEET_LIMIT=240 tries it at full size
FLEET_SIZE = int(os.environ.get("POLLUX_FLEET", "2000"))
FLEET_LIMIT_S = int(os.environ.get("POLLUX_FLEET_LIMIT", "15"))
FLEET = {"name": "fleet", "telemetry": {"temperature": {}}, "operators": [
    {"name": "silent", "type": "absence", "of": "*", "for": "%ds" % FLEET_LIMIT_S}]}


class Alerts(support.NodeTest):
    def setUp(self):
        super().setUp()
        self.told = set()

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
        """The next event of this kind. A kill may come between a broker's acknowledgement and the
        cursor of the outbox: what was told is then told again under its id, and counts once."""
        def wanted(message):
            event = json.loads(message.payload)
            return (event["type"], event["subject"]) == ("io.pollux.alert.%s.v1" % transition, rule) \
                and event["id"] not in self.told
        found = json.loads(listener.wait_for(wanted, 20, "%s %s" % (rule, transition)).payload)
        self.told.add(found["id"])
        return found

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

    def test_a_second_opinion_is_had_from_the_journal(self):
        node = self.make_node().start()
        listener = self.listen()
        start = int(time.time() * 1000) - 100_000
        self.send(*({"ts": start + 1000 * i, "temperature": 20 + i % 3} for i in range(40)),
                  {"ts": start + 50_000, "temperature": 30},
                  {"ts": start + 51_000, "temperature": 21})
        spike = self.wait_event(listener, "temperature_spike", "raised")["data"]["incident"]
        self.wait_event(listener, "temperature_spike", "cleared")
        for killed in (False, True):
            if killed:
                node.kill()
                node.start()
            opinion = node.ask("alert", "verify", TWIN, spike)
            self.assertEqual(opinion["says"], "confirmed")
            self.assertEqual([t["transition"] for t in opinion["transitions"]],
                             ["raised", "cleared"])
            agreed = [f["what"] for f in opinion["transitions"][0]["findings"] if f["agrees"]]
            self.assertIn("value is 30", agreed)
            self.assertIn("n is 40", agreed)
        unknown = node.run("alert", "verify", TWIN, "0000000000000001-0-0")
        self.assertEqual(unknown.returncode, 3)
        self.assertIn("no alert 0000000000000001-0-0", unknown.stderr)

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

    def transitions(self, node, incident):
        shown = node.ask("alert", "show", TWIN, incident)
        return [(t["transition"], t.get("silent")) for t in shown["transitions"]]

    def incident(self, node, rule):
        return support.eventually(
            lambda: [a["incident"] for a in node.alerts("--rule", rule)] or None, 20, rule)[0]

    def restart(self, node):
        node.kill()
        node.start()

    def test_an_operator_deals_with_an_incident_through_kills(self):
        node = self.make_node(LIVELY).start()
        listener = self.listen()
        start = int(time.time() * 1000) - 100_000
        self.send({"ts": start, "temperature": 91})
        self.wait_event(listener, "hot", "raised")
        hot = self.incident(node, "hot")
        nobody = "0" * 16 + "-0-0"
        for verb in ("clear", "reset", "assign"):
            self.assertEqual(node.run("alert", verb, TWIN, nobody).returncode, 3, verb)
        self.assertEqual(node.run("alert", "reset", TWIN, hot).returncode, 5)  # it is still hot
        self.assertEqual(node.run("alert", "snooze", TWIN, hot).returncode, 2)  # until when?
        self.assertEqual(node.run("alert", "shelve", TWIN, "cold", "--for", "1h").returncode, 3)

        node.cli("alert", "assign", TWIN, hot, "bob", "--by", "ada")
        node.cli("alert", "comment", TWIN, hot, "fan ordered", "--by", "ada")
        self.assertEqual(self.wait_event(listener, "hot", "assigned")["data"]["to"], "bob")
        self.wait_event(listener, "hot", "commented")
        self.restart(node)
        node.cli("alert", "assign", TWIN, hot, "bob", "--by", "ada")  # the same again: nothing
        node.cli("alert", "comment", TWIN, hot, "fan ordered", "--by", "ada")
        alert = {a["rule"]: a for a in node.twin(TWIN)["alerts"]}["hot"]
        self.assertEqual((alert["assigned_to"], alert["state"]), ("bob", "active"))

        self.send({"ts": start + 1000, "temperature": 96})
        event = self.wait_event(listener, "hot", "severity_changed")
        self.assertEqual(event["data"]["severity"], "critical")
        self.send({"ts": start + 2000, "temperature": 20})
        self.wait_event(listener, "hot", "latched")
        self.restart(node)
        self.assertEqual([a["state"] for a in node.alerts("--rule", "hot")], ["latched"])
        self.assertEqual(node.alerts("--state", "latched", "--severity", "info"), [])
        node.cli("alert", "reset", TWIN, hot, "--by", "ada", "--reason", "fan replaced")
        self.assertEqual(self.wait_event(listener, "hot", "cleared")["data"]["by"], "ada")
        support.eventually(lambda: node.alerts("--rule", "hot") == [], 10, "no hot alert")
        self.assertEqual(self.transitions(node, hot),
                         [(t, None) for t in ("raised", "assigned", "commented",
                                              "severity_changed", "latched", "cleared")])
        shown = node.cli("alert", "show", TWIN, hot)
        self.assertIn("fan ordered", shown)
        self.assertIn("threshold revision 2", shown)
        node.verify("--online")

    def test_silence_is_kept_and_its_end_tells_what_is_still_true(self):
        node = self.make_node(LIVELY).start()
        listener = self.listen()
        start = int(time.time() * 1000) - 100_000
        node.cli("twin", "create", TWIN, "lively")
        node.cli("alert", "shelve", TWIN, "hot", "--for", "1h", "--reason", "sensor exchange")
        self.wait_event(listener, "hot", "shelved")
        node.cli("maintenance", "start", TWIN, "--for", "1h", "--reason", "oil")
        self.wait_event(listener, "maintenance", "maintenance_started")
        listener.received.clear()
        self.send({"ts": start, "temperature": 91})
        support.eventually(lambda: len(node.twin(TWIN)["alerts"]) == 2, 20, "two alerts in silence")
        self.restart(node)
        twin = node.twin(TWIN)
        self.assertEqual({a["rule"]: a["state"] for a in twin["alerts"]},
                         {"hot": "shelved", "warm": "maintenance"})
        self.assertEqual([s["rule"] for s in twin["shelved"]], ["hot"])
        listed = node.ask("maintenance", "ls", TWIN)
        self.assertEqual([m["reason"] for m in listed], ["oil"])
        self.assertEqual(listener.received, [])
        node.cli("maintenance", "stop", TWIN, listed[0]["id"])
        self.wait_event(listener, "warm", "raised")
        self.assertNotIn("hot", [json.loads(m.payload)["subject"] for m in listener.received])
        node.cli("alert", "unshelve", TWIN, "hot")
        self.wait_event(listener, "hot", "raised")
        self.assertEqual(self.transitions(node, self.incident(node, "hot")),
                         [("raised", "shelved"), ("raised", None)])

        warm = self.incident(node, "warm")
        node.cli("alert", "snooze", TWIN, warm, "--for", "3s")
        self.restart(node)
        self.assertEqual([a["state"] for a in node.alerts("--rule", "warm")], ["snoozed"])
        listener.received.clear()
        self.wait_event(listener, "warm", "raised")
        self.assertEqual([t for t, _ in self.transitions(node, warm)],
                         ["raised", "raised", "snoozed", "raised"])
        node.verify("--online")

    def test_nobody_acknowledges_and_the_next_one_is_told_through_a_kill(self):
        node = self.make_node(LIVELY).start()
        listener = self.listen()
        self.send({"temperature": -5})
        self.wait_event(listener, "door", "raised")
        self.assertEqual(self.wait_event(listener, "door", "escalated")["data"]["to"], "shift-lead")
        self.restart(node)
        listener.received.clear()
        self.assertEqual(self.wait_event(listener, "door", "escalated")["data"]["to"],
                         "plant-manager")
        door = self.incident(node, "door")
        node.ask("alert", "ack", TWIN, door, "--by", "ada")
        self.assertEqual([t for t, _ in self.transitions(node, door)],
                         ["raised", "escalated", "escalated", "acknowledged"])
        node.verify("--online")

    def test_a_parent_gathers_the_alerts_of_its_children_through_kills(self):
        node = self.make_node(LIVELY).start()
        listener = self.listen()
        for name in ("hall", "one", "two"):
            node.cli("twin", "create", "lab1:" + name, "lively")
        for child in ("one", "two"):
            node.cli("twin", "set-parent", "lab1:" + child, "lab1:hall")
        self.assertEqual(node.run("twin", "set-parent", "lab1:hall", "lab1:one").returncode, 5)
        self.assertEqual(node.run("twin", "set-parent", "lab1:hall", "lab1:hall").returncode, 5)
        self.assertEqual(node.run("twin", "set-parent", "lab1:hall", "lab1:none").returncode, 3)
        self.assertEqual(node.twin("lab1:one")["parent"], "lab1:hall")
        start = int(time.time() * 1000) - 100_000
        self.send({"ts": start, "temperature": 60}, name="one")
        raised = self.wait_event(listener, "children:cooling", "raised")
        self.assertEqual(raised["source"], "/twins/lab1:hall")
        self.assertEqual(raised["data"]["severity"], "info")
        self.restart(node)
        self.send({"ts": start, "temperature": 96}, name="two")

        def members():
            return [m for a in node.twin("lab1:hall")["alerts"] for m in a["members"]]
        support.eventually(lambda: len(members()) == 3, 20, "three members")
        self.restart(node)
        self.assertEqual([m.split()[0] for m in members()], ["lab1:one", "lab1:two", "lab1:two"])
        self.assertEqual([a["severity"] for a in node.alerts("lab1:hall")], ["critical"])
        for name in ("one", "two"):
            self.send({"ts": start + 1000, "temperature": 20}, name=name)
        support.eventually(lambda: len(members()) == 1, 20, "the latched one")
        node.cli("alert", "reset", "lab1:two",
                 node.ask("alert", "ls", "lab1:two")[0]["incident"])
        self.wait_event(listener, "children:cooling", "cleared")
        support.eventually(lambda: node.alerts() == [], 10, "no alert")
        self.assertEqual(len(node.alerts("lab1:hall", "--all")), 1)
        node.verify("--online")

    def test_a_fleet_is_not_blamed_for_an_outage_longer_than_its_limit(self):
        names = ["m%06d" % i for i in range(FLEET_SIZE)]
        node = self.make_node(FLEET, twins={"start_grace": "1s"}).start()

        def all_send(readings):
            with self.client("fleet-%d" % readings) as sender:
                for name in names:
                    sender.publish("telemetry/" + name, json.dumps({"temperature": readings}), qos=1)
                sender.drain()
            support.eventually(lambda: sum(r["readings"] for r in node.ask(
                "twin", "ls", "--limit", "0")) == readings * len(names), 300, "all readings")
        all_send(1)
        node.kill()
        down = time.monotonic()
        support.eventually(lambda: time.monotonic() - down > FLEET_LIMIT_S + 1, FLEET_LIMIT_S + 20,
                           "an outage beyond the limit")
        node.start()
        all_send(2)
        self.assertEqual(node.alerts("--all"), [])
        # and those that are silent from now on are noticed
        support.eventually(lambda: len(node.alerts()) == len(names), FLEET_LIMIT_S + 120,
                           "the real silence", every=1)
        node.verify("--online")

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
        # what went out before the kill may come once more, with the id it had
        seen = {json.loads(m.payload)["id"] for m in listener.received}
        again = json.loads(listener.wait_for(
            lambda m: json.loads(m.payload)["id"] not in seen
            and json.loads(m.payload)["type"] == "io.pollux.alert.raised.v1",
            20, "silence again").payload)
        self.assertGreaterEqual(support.instant(again["data"]["ingest_time"]), started)
        self.assertEqual(len(node.alerts("--all")), 2)
        self.assertEqual(len(node.alerts()), 1)
        node.verify("--online")


if __name__ == "__main__":
    unittest.main(verbosity=2)
