# SPDX-License-Identifier: Apache-2.0
# The node on a broker that is no relative of mosquitto: aedes (JavaScript, MQTT 3.1.1, sessions in
# memory), which npm brings from a lock file when the test runs.
import collections
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402
import npm  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "second_broker"
START = 1_700_000_000_000
KILLS = 4
# Its window holds every reading of the test: aedes mixes what it sends again with what is new, and a
# twin tells a late reading from a repeated one as far back as its windows reach.
MODEL = {"name": "wide", "kind": "device", "telemetry": {"temperature": {"type": "number"}},
         "operators": [{"name": "mean_1d", "type": "window", "of": "temperature", "span": "1d"}]}


def installed():
    """The folder with aedes in it."""
    folder = os.environ.get("POLLUX_NPM_FOLDER") or support.SOURCE / "build" / "second_broker"
    return npm.packages(HERE, pathlib.Path(folder), ["broker.js"])


class Aedes(support.Broker):
    def __init__(self, folder, program):
        super().__init__(folder)
        self._program = program
        self._log = pathlib.Path(folder) / "aedes.log"

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                ["node", str(self._program / "broker.js"), str(self.port)], stdout=subprocess.PIPE,
                stderr=log, text=True)
        if self._process.stdout.readline().strip() != "ready":
            raise AssertionError("aedes did not start:\n" + self._log.read_text())
        return self

    def stop(self):
        if self._process is not None:
            self._process.stdout.close()
        super().stop()


class SecondBroker(support.NodeTest):
    with_broker = False

    @classmethod
    def setUpClass(cls):
        cls.program = installed()

    def setUp(self):
        super().setUp()
        self.broker = Aedes(self.folder, self.program)
        self._stack.callback(self.broker.stop)
        self.broker.start()
        self.made = collections.Counter()

    def make_node(self):
        return self.node(
            [MODEL],
            [{"topic": "q%d/{name}" % qos, "twin": "q%d:{name}" % qos, "model": "wide", "qos": qos}
             for qos in (0, 1, 2)],
            mqtt={"version": 3, "source": support.source() or "receiver", "reconnect_min": "20ms"})

    def send(self, client, count, qos):
        for _ in range(count):
            self.made[qos] += 1
            client.publish("q%d/a" % qos, json.dumps(
                {"ts": START + self.made[qos] * 1000, "seq": self.made[qos], "temperature": 20}), qos)

    def check_stored(self, node, qos):
        twin, count = "q%d:a" % qos, self.made[qos]
        support.eventually(lambda: node.applied(twin) >= count, 40,
                           lambda: "%d of %s: %s" % (count, twin, node.applied(twin)))
        rows = node.history(twin, "--telemetry", "temperature")
        stored = collections.Counter(support.instant(r["event_time"]) // 1_000_000 for r in rows)
        expected = collections.Counter(START + i * 1000 for i in range(1, count + 1))
        self.assertEqual(sorted((expected - stored).elements()), [], "missing in " + twin)
        self.assertEqual(sorted((stored - expected).elements()), [], "doubled in " + twin)
        self.assertEqual(node.applied(twin), count, node.twin_or_none(twin)["readings"])

    def test_readings_at_every_quality_of_service_are_stored_once(self):
        node = self.make_node().start()
        with self.client("sender") as sender:
            for qos in (0, 1, 2):
                self.send(sender, 300, qos)
            sender.drain()
            for qos in (0, 1, 2):
                self.check_stored(node, qos)
        node.verify("--online")

    def test_a_restarted_broker_without_sessions_is_subscribed_to_again(self):
        node = self.make_node().start()
        with self.client("before") as sender:
            self.send(sender, 20, 1)
            sender.drain()
            self.check_stored(node, 1)
        self.broker.stop()
        support.eventually(lambda: not node.ready(), 20, "not ready without its broker")
        self.broker.start()
        node.wait_ready()
        with self.client("after") as sender:
            for qos in (1, 2):
                self.send(sender, 20, qos)
            sender.drain()
            for qos in (1, 2):
                self.check_stored(node, qos)

    def test_kills_in_the_middle_lose_nothing(self):
        node = self.make_node().start()
        sender = self.client("fleet", window=100)
        stopping, errors = threading.Event(), []

        def load():
            try:
                while not stopping.wait(0.01):
                    for qos in (1, 2):
                        self.send(sender, 10, qos)
                sender.drain(60)
            except Exception as error:  # the test fails with it
                errors.append(error)
        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        for _ in range(KILLS):
            known = node.applied("q2:a")
            support.eventually(lambda: node.applied("q2:a") > known + 100, 20, "load")
            node.kill()
            node.start()
        stopping.set()
        thread.join(90)
        self.assertEqual(errors, [])
        self.assertFalse(thread.is_alive())
        for qos in (1, 2):
            self.check_stored(node, qos)
        # aedes does not mark what it sends again; the twins know it by its number
        again = sum(node.twin_or_none("q%d:a" % qos)["readings"]["duplicates"] for qos in (1, 2))
        self.assertGreater(again, 0, "a kill comes between journal and acknowledgement")
        print("%s readings through %d kills, %d messages came again" % (dict(self.made), KILLS, again))
        self.assertEqual(node.stop()[0], 0)
        node.verify("--offline")


if __name__ == "__main__":
    unittest.main(verbosity=2)
