# SPDX-License-Identifier: Apache-2.0
# Killed twenty times under load, the node keeps every reading whose sender saw an acknowledgement,
# raises each alert exactly once by id, and is afterwards what its journal says it is.
import collections
import json
import os
import pathlib
import random
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import node as support  # noqa: E402
import reference_job  # noqa: E402

DEVICES = 30
KILLS = int(os.environ.get("POLLUX_TEST_KILLS", "20"))
RATE = 3000  # readings a second at most: the load is there at each kill, and the test stays short


class Load(threading.Thread):
    """Sends rounds of readings at QoS 1 until told to stop."""

    def __init__(self, client, devices):
        super().__init__(daemon=True)
        self.client, self.devices = client, devices
        self.stopping = threading.Event()
        self.error = None

    def run(self):
        pause = len(self.devices) / RATE
        try:
            while not self.stopping.wait(pause):
                for device in self.devices:
                    payload = device.next()
                    token = (device.name, device.times[-1])
                    self.client.publish("telemetry/" + device.name, payload, qos=1, token=token)
            self.client.drain()
        except Exception as error:  # told to the test, which fails with it
            self.error = error


class Alerts:
    """What was published about alerts, by id; the same id must always say the same."""

    def __init__(self):
        self.by_id = {}
        self.repeated = 0
        self.contradictions = []

    def take(self, message):
        event = json.loads(message.payload)
        known = self.by_id.setdefault(event["id"], message.payload)
        if known is not message.payload:
            self.repeated += 1
            if known != message.payload:
                self.contradictions.append(event["id"])

    def found(self):
        out = collections.Counter()
        for payload in self.by_id.values():
            data = json.loads(payload)["data"]
            out[data["twin"], data["rule"], support.instant(data["event_time"]) // 1_000_000] += 1
        return out


class Durability(support.NodeTest):
    def make_node(self):
        return self.node(
            [reference_job.model()],
            [{"topic": "telemetry/{name}", "twin": "j:{name}", "model": "job_j"}],
            # small, so that sealing, snapshots and trims happen under the kills
            journal={"tail_readings": 20_000})

    def check_readings(self, node, devices, acknowledged):
        for device in devices:
            twin = "j:" + device.name
            with self.subTest(twin=twin):
                rows = node.history(twin, "--telemetry", "temperature")
                stored = {support.instant(r["event_time"]) // 1_000_000 for r in rows}
                missing = {t for name, t in acknowledged if name == device.name} - stored
                self.assertEqual(missing, set(), "acknowledged and not in the journal")
                self.assertEqual(stored, set(device.times))
                self.assertEqual(node.applied(twin), device.sent)

    def check_alerts(self, node, devices, alerts):
        self.assertEqual(alerts.contradictions, [])
        expected = collections.Counter(("j:" + d.name, rule, at)
                                       for d in devices for rule, at in d.alerts)
        self.assertGreater(len(expected), 50, "the load must alert, or the test shows nothing")
        found = alerts.found()
        self.assertEqual(found - expected, collections.Counter(), "spurious or doubled by id")
        self.assertEqual(expected - found, collections.Counter(), "missing")
        table = [t["id"] for a in node.alerts("--all") for t in a["transitions"]]
        self.assertEqual(len(table), len(set(table)))
        self.assertEqual({i.rsplit("/", 1)[1] for i in alerts.by_id}, set(table))

    def test_twenty_kills_under_load(self):
        node = self.make_node().start()  # makes the persistent session before the first message
        alerts = Alerts()
        listener = self.client("listener", on_message=alerts.take)
        listener.subscribe("twins/+/+/alerts", 1)
        devices = [reference_job.Device(n) for n in range(DEVICES)]
        load = Load(self.client("fleet", window=200), devices)
        load.start()
        dice = random.Random(20)
        for _ in range(KILLS):
            pause = threading.Event()  # never set: a random moment under load is what is waited for
            pause.wait(dice.uniform(0.05, 1.2))
            node.kill()
            node.start()
        load.stopping.set()
        load.join(60)
        self.assertIsNone(load.error)
        self.assertFalse(load.is_alive())
        acknowledged = list(load.client.acknowledged)
        sent = sum(d.sent for d in devices)
        self.assertEqual(len(acknowledged), sent)
        support.eventually(lambda: all(node.applied("j:" + d.name) >= d.sent for d in devices), 60,
                           lambda: "all applied: %s" % [(d.sent, node.applied("j:" + d.name))
                                                        for d in devices])
        wanted = sum(len(d.alerts) for d in devices)
        support.eventually(lambda: len(alerts.by_id) >= wanted, 30,
                           lambda: "%d alerts of %d" % (len(alerts.by_id), wanted))
        self.check_readings(node, devices, acknowledged)
        self.check_alerts(node, devices, alerts)
        online = node.verify("--online")
        self.assertGreater(online["blocks"], 0, "sealing must have happened under the kills")
        self.assertEqual(node.stop()[0], 0)
        offline = node.verify("--offline")
        print("%d readings through %d kills: all stored; %d alerts, %d of them published again "
              "with the same id" % (sent, KILLS, len(alerts.by_id), alerts.repeated))
        print("verify online %s\nverify offline %s" % (online, offline))


if __name__ == "__main__":
    unittest.main(verbosity=2)
