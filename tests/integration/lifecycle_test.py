# SPDX-License-Identifier: Apache-2.0
# The lives of twins and of the node: poison, sleep, deletion, stop, reload, sealing.
import json
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import durability_test as durability  # noqa: E402
import node as support  # noqa: E402
import reference_job  # noqa: E402

START = 1_700_000_000_000
PROBE = {"name": "probe", "telemetry": {"x": {}}, "operators": [
    {"name": "x_5m", "type": "window", "of": "x", "span": "5m"},
    {"name": "bomb", "type": "crash_probe", "of": "x", "value": 13},
    {"name": "high", "type": "threshold", "value": "x", "above": 100}]}


class Lifecycle(support.NodeTest):
    def make_node(self, model=PROBE, **settings):
        return self.node([model], [{"topic": "t/{name}", "twin": "a:{name}",
                                    "model": model["name"]}], **settings)

    def send(self, name, *values, first=0):
        with self.client("sender-%d" % time.monotonic_ns()) as sender:
            for i, value in enumerate(values, first):
                sender.publish("t/" + name, json.dumps({"ts": START + i * 1000, "x": value}), qos=1)
            sender.drain()

    def wait_applied(self, node, twin, count, seconds=20):
        def there():
            node.check_running()
            return node.applied(twin) == count
        support.eventually(there, seconds,
                           lambda: "%s with %d readings: %s" % (twin, count, node.applied(twin)))

    def test_a_poison_input_is_quarantined_and_the_twin_lives_on(self):
        node = self.make_node().start()
        self.send("p", 1, 2, 13, 4, 5)
        self.send("neighbour", 1, 2, 3)
        self.wait_applied(node, "a:neighbour", 3)
        self.wait_applied(node, "a:p", 4)
        twin = node.twin("a:p")
        self.assertEqual(twin["telemetry"]["x"]["value"], 5)
        self.assertEqual(twin["windows"][0]["count"], 4)
        self.assertEqual(node.metric("pollux_twin_crashes_total"), 3)
        self.assertEqual(node.metric("pollux_twin_poison_inputs_total"), 1)
        rows = support.eventually(node.quarantine, 10, "the poison in quarantine", every=0.1)
        self.assertEqual([(r["reason"], r["topic"]) for r in rows], [("poison", "a:p")])
        self.assertIn("crash_probe met the value", rows[0]["detail"])
        node.verify("--online")
        for end in (node.kill, node.stop):
            end()
            node.start()
            self.wait_applied(node, "a:p", 4)
            self.assertEqual(node.twin("a:p")["windows"], twin["windows"])
            self.assertEqual(node.metric("pollux_twin_crashes_total"), 0)
            self.assertEqual(len(node.quarantine()), 1)
        self.send("p", 6, first=5)
        self.wait_applied(node, "a:p", 5)
        node.verify("--online")

    def test_a_quarantined_poison_says_which_reading_it_was_and_can_be_replayed(self):
        node = self.make_node().start()
        self.send("p", 1, 13)
        self.wait_applied(node, "a:p", 1)
        row = support.eventually(node.quarantine, 10, "the poison in quarantine", every=0.1)[0]
        shown = node.ask("quarantine", "show", row["id"])
        said = json.loads(shown["payload"])
        self.assertLessEqual(len(shown["payload"]), 4096)
        self.assertEqual(said["kind"], "readings")
        self.assertEqual([r["values"] for r in said["readings"]], [{"x": 13}])
        self.assertEqual(support.instant(said["readings"][0]["event_time"]),
                         (START + 1000) * 1_000_000)
        place = said["input"]
        self.assertIn("input %d-%d crashed" % (place["position"], place["index"]), row["detail"])
        self.assertIn('"x":13', node.cli("quarantine", "show", row["id"]))
        # with the same model it crashes the twin again, and is held again: never lost
        node.cli("quarantine", "replay", row["id"])
        again = support.eventually(
            lambda: [r for r in node.quarantine() if r["id"] != row["id"]], 10, "held again",
            every=0.1)
        self.assertEqual([r["reason"] for r in again], ["poison"])
        self.assertEqual(node.run("quarantine", "show", row["id"]).returncode, 3)
        # without the operator that could not bear it, it is applied
        healed = dict(PROBE, operators=[o for o in PROBE["operators"] if o["name"] != "bomb"])
        node.put_model(healed)
        self.assertEqual(node.stop()[0], 0)
        node.start()
        node.cli("quarantine", "replay", again[0]["id"])
        self.wait_applied(node, "a:p", 2)
        self.assertEqual(node.twin("a:p")["telemetry"]["x"]["value"], 13)
        self.assertEqual(node.quarantine(), [])
        node.verify("--online")

    def test_the_poison_of_a_deleted_twin_is_not_replayed_and_the_answer_says_why(self):
        node = self.make_node().start()
        self.send("p", 1, 13)
        row = support.eventually(node.quarantine, 10, "the poison in quarantine", every=0.1)[0]
        node.cli("twin", "delete", "a:p")
        refused = node.run("quarantine", "replay", row["id"])
        self.assertEqual(refused.returncode, 3)
        self.assertIn("twin a:p has been deleted since", refused.stderr)
        self.assertEqual([r["id"] for r in node.quarantine()], [row["id"]])

    def test_killed_while_a_twin_crashes_again_and_again(self):
        node = self.make_node().start()
        self.send("p", 1, 13, 3)
        support.eventually(lambda: node.metric("pollux_twin_crashes_total") >= 1, 10, "a crash",
                           every=0.001)
        node.kill()
        node.start()
        self.wait_applied(node, "a:p", 2)
        self.assertEqual([r["reason"] for r in node.quarantine()], ["poison"])
        node.verify("--online")

    def test_an_idle_twin_sleeps_and_wakes_with_its_state(self):
        node = self.make_node(twins={"passivate_after": "1s"}).start()
        self.send("s", *range(20, 50))
        self.wait_applied(node, "a:s", 30)
        before = node.twin("a:s")
        support.eventually(lambda: node.metric("pollux_twin_passivations_total") >= 1, 20, "sleep")
        support.eventually(lambda: not node.ask("twin", "ls")[0]["awake"], 10, "asleep", every=0.1)
        asleep = node.twin("a:s")
        self.assertEqual((asleep["windows"], asleep["readings"]),
                         (before["windows"], before["readings"]))
        self.send("s", 200, first=30)
        self.wait_applied(node, "a:s", 31)
        self.assertGreaterEqual(node.metric("pollux_twin_wakeups_total"), 1)
        after = node.twin("a:s")
        self.assertEqual(after["windows"][0]["count"], 31)
        self.assertEqual([a["rule"] for a in after["alerts"]], ["high"])
        node.kill()
        node.start()
        self.assertEqual(node.twin("a:s")["windows"], after["windows"])
        node.verify("--online")

    def test_a_sleeping_twin_is_woken_by_its_timer(self):
        quiet = {"name": "quiet", "telemetry": {"x": {}}, "operators": [
            {"name": "silent", "type": "absence", "of": "*", "for": "4s"}]}
        node = self.make_node(quiet, twins={"passivate_after": "1s", "start_grace": "0s"}).start()
        self.send("s", 1)
        self.wait_applied(node, "a:s", 1)
        support.eventually(lambda: not node.ask("twin", "ls")[0]["awake"], 10, "asleep", every=0.1)
        self.assertEqual(node.alerts(), [])
        support.eventually(node.alerts, 20, "the silence noticed", every=0.1)

    def test_a_deleted_twins_id_is_used_anew(self):
        node = self.make_node().start()
        self.send("d", 1, 200, 3)
        self.wait_applied(node, "a:d", 3)
        node.cli("twin", "delete", "a:d")
        self.assertEqual(node.run("twin", "get", "a:d").returncode, 3)
        self.assertEqual(node.ask("twin", "ls"), [])
        support.eventually(lambda: node.alerts() == [], 10, "its alert withdrawn", every=0.1)
        self.assertEqual(node.run("twin", "delete", "a:d").returncode, 3)
        node.kill()
        node.start()
        self.assertEqual(node.run("twin", "get", "a:d").returncode, 3)
        self.send("d", 7, 8, first=10)
        self.wait_applied(node, "a:d", 2)
        for _ in range(2):
            twin = node.twin("a:d")
            self.assertEqual(twin["incarnation"], 2)
            self.assertEqual(twin["windows"][0]["count"], 2)
            self.assertEqual([r["value"] for r in node.history("a:d")], [7, 8])
            node.verify("--online")
            node.kill()
            node.start()

    def test_a_good_stop_is_quick_and_complete(self):
        node = self.make_node().start()
        with self.client("sender", window=500) as sender:
            for i in range(20_000):
                sender.publish("t/s%d" % (i % 500), json.dumps({"ts": START + i, "x": i % 10}), qos=1)
            sender.drain()
        support.eventually(lambda: node.metric("pollux_journal_readings_total") > 5000, 20, "load")
        code, took = node.stop()
        self.assertEqual(code, 0)
        self.assertLess(took, 5)
        node.verify("--offline")
        node.start()
        support.eventually(lambda: sum(t["readings"] for t in node.ask("twin", "ls")) == 20_000, 30,
                           "all 20,000", every=0.3)

    def test_sighup_reloads_log_level_and_models(self):
        node = self.make_node().start()
        self.send("r", 50)
        self.wait_applied(node, "a:r", 1)
        old = node.twin("a:r")["model"]["hash"]
        changed = json.loads(json.dumps(PROBE))
        changed["operators"][2]["above"] = 40
        node.put_model(changed)
        node.settings["log"]["level"] = "debug"
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        support.eventually(lambda: "reloaded" in node.log(), 10, "the reload")
        self.send("r", 51, first=1)
        support.eventually(node.alerts, 20, "the new limit in force", every=0.1)
        twin = node.twin("a:r")
        self.assertNotEqual(twin["model"]["hash"], old)
        self.assertEqual(twin["readings"]["applied"], 2)
        # a broken file leaves everything as it was, and is named
        (node.models / "probe.json").write_text('{"name": "probe", "telemetri": {}}')
        node.process.send_signal(signal.SIGHUP)
        support.eventually(lambda: "nothing was reloaded" in node.log(), 10, "the refusal")
        self.assertIn("telemetri", node.log())
        self.send("r", 52, first=2)
        self.wait_applied(node, "a:r", 3)
        node.verify("--online")
        node.put_model(changed)
        node.kill()
        node.start()
        self.assertEqual(node.twin("a:r")["model"]["hash"], twin["model"]["hash"])
        node.verify("--online")

    def test_sealing_under_load_keeps_history_whole(self):
        node = self.make_node(journal={"tail_readings": 5000}).start()
        count, devices = 60_000, 10
        with self.client("sender", window=500) as sender:
            for i in range(count):
                sender.publish("t/s%d" % (i % devices),
                               json.dumps({"ts": START + i // devices * 1000, "x": i % 7}), qos=1)
                if i in (25_000, 45_000):
                    node.kill()
                    node.start()
            sender.drain()
        for d in range(devices):
            self.wait_applied(node, "a:s%d" % d, count // devices, 60)
        support.eventually(lambda: node.metric("pollux_journal_tail_readings") <= 5000, 30,
                           lambda: "a short tail: %s" % node.metric("pollux_journal_tail_readings"))
        self.assertGreater(node.metric("pollux_sealed_readings_total"), 0)
        node.kill()
        node.start()
        node.verify("--online")
        for d in range(0, devices, 3):
            rows = node.history("a:s%d" % d)
            times = sorted({support.instant(r["event_time"]) // 1_000_000 for r in rows})
            self.assertEqual(times, [START + i * 1000 for i in range(count // devices)])
        few = node.history("a:s1", "--last", "10s")
        self.assertEqual(len(few), 11)
        self.assertEqual(node.stop()[0], 0)
        node.verify("--offline")

    def fail_under_load(self, place):
        """One actor of the core throws under load; gives what a listener heard of alerts."""
        node = self.node([reference_job.model()],
                         [{"topic": "telemetry/{name}", "twin": "j:{name}", "model": "job_j"}],
                         journal={"tail_readings": 20_000})
        node.settings["testing"] = {"allow_fault_injection": True}
        node.write_config()
        node.start()
        alerts = durability.Alerts()
        listener = self.client("listener", on_message=alerts.take)
        listener.subscribe("twins/+/+/alerts", 1)
        devices = [reference_job.Device(n) for n in range(durability.DEVICES)]
        load = durability.Load(self.client("fleet", window=200), devices)
        load.start()
        support.eventually(lambda: len(alerts.by_id) > 20, 20, "alerts under load")
        process = node.pid
        for times in (1, 2):
            (node.data / "inject_fault").write_text(place)
            support.eventually(
                lambda: node.log().count("the core is rebuilt from the journal") == times, 10,
                "the supervisor noticing the dead %s" % place)
            support.eventually(
                lambda: node.log().count("core: recovered") == times + 1 and node.ready(), 10,
                "the core rebuilt")
            heard = len(alerts.by_id)
            support.eventually(lambda: len(alerts.by_id) > heard, 20, "alerts after the rebuild")
        self.assertIn("injected fault: " + place, node.log())
        load.stopping.set()
        load.join(60)
        self.assertIsNone(load.error)
        self.assertEqual(node.pid, process)
        node.check_running()
        acknowledged = list(load.client.acknowledged)
        self.assertEqual(len(acknowledged), sum(d.sent for d in devices))
        support.eventually(lambda: all(node.applied("j:" + d.name) >= d.sent for d in devices), 60,
                           lambda: "all applied: %s" % [(d.sent, node.applied("j:" + d.name))
                                                        for d in devices])
        wanted = sum(len(d.alerts) for d in devices)
        support.eventually(lambda: len(alerts.by_id) >= wanted, 30,
                           lambda: "%d alerts of %d" % (len(alerts.by_id), wanted))
        durability.Durability.check_readings(self, node, devices, acknowledged)
        durability.Durability.check_alerts(self, node, devices, alerts)
        self.assertEqual(node.metric("pollux_twin_crashes_total"), 0)
        node.verify("--online")
        self.assertEqual(node.stop()[0], 0)
        node.verify("--offline")

    def test_a_core_whose_shard_host_throws_is_rebuilt_and_loses_nothing(self):
        self.fail_under_load("shard_host")

    def test_a_core_whose_outbox_throws_is_rebuilt_and_loses_nothing(self):
        self.fail_under_load("outbox")

    def test_without_the_switch_no_fault_can_be_injected(self):
        node = self.make_node().start()
        order = node.data / "inject_fault"
        order.write_text("shard_host")
        self.send("p", 1, 2, 300)
        self.wait_applied(node, "a:p", 3)
        support.eventually(lambda: node.metric("pollux_outbox_published_total") >= 1, 10, "an alert")
        self.assertTrue(order.exists(), "nobody looks for it")
        self.assertNotIn("rebuilt", node.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
