# SPDX-License-Identifier: Apache-2.0
# The broker may be late, go away and come back without its sessions: the node says so and goes on.
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402


class BrokerTest(support.NodeTest):
    with_broker = False

    def make_node(self, **settings):
        return self.node(["device"],
                         [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}],
                         **settings)

    def wait_stored(self, node, twin, count):
        support.eventually(lambda: node.applied(twin) == count, 20,
                           lambda: "%s with %d readings: %r" % (twin, count, node.applied(twin)))

    def publish(self, count, first=0):
        now = int(time.time() * 1000) - 60_000
        with self.client("sender-%d" % first) as sender:
            for i in range(first, first + count):
                sender.publish("telemetry/a", json.dumps({"ts": now + i * 100, "temperature": 20 + i % 3}),
                               qos=1)
            sender.drain()

    def test_a_broker_that_is_down_at_the_start_is_waited_for(self):
        node = self.make_node().start(ready=False)
        support.eventually(lambda: "[-]broker" in node.http("/readyz")[1], 20, "the broker missed")
        status, text = node.http("/readyz")
        self.assertEqual(status, 503)
        self.assertRegex(text, r"\[-\]broker failed: \S+")
        self.assertEqual(node.http("/healthz")[0], 200)
        self.assertIn("will try again", support.eventually(
            lambda: "will try again" in node.log() and node.log(), 10, "retries in the log"))
        node.cli("twin", "ls")  # and queries are answered meanwhile
        self.broker.start()
        node.wait_ready()
        self.publish(10)
        self.wait_stored(node, "lab:a", 10)

    def test_a_broker_that_restarts_is_subscribed_to_again(self):
        self.broker.start()
        node = self.make_node().start()
        self.publish(10)
        self.wait_stored(node, "lab:a", 10)
        self.broker.stop()
        support.eventually(lambda: not node.ready(), 20, "not ready without its broker")
        self.assertIn("[-]broker", node.http("/readyz")[1])
        self.assertEqual(node.applied("lab:a"), 10)  # reads go on
        self.broker.start()
        node.wait_ready()
        self.publish(10, first=100)
        self.wait_stored(node, "lab:a", 20)
        node.verify("--online")

    def test_an_alert_of_a_time_without_broker_goes_out_when_it_returns(self):
        self.broker.start()
        node = self.make_node(twins={"start_grace": "0s"})
        rule = {"name": "quiet", "kind": "device", "telemetry": {"temperature": {}},
                "operators": [{"name": "silent", "type": "absence", "of": "*", "for": "2s"}]}
        node.put_model(rule)
        node.ingress[0]["model"] = "quiet"
        node.write_config()
        node.start()
        self.publish(1)
        self.wait_stored(node, "lab:a", 1)
        self.broker.stop()
        support.eventually(lambda: node.twin_or_none("lab:a")["alerts"], 20, "the silence noticed")
        self.broker.start()
        listener = self.client("listener")
        listener.subscribe("twins/+/+/alerts")
        event = json.loads(listener.wait_for(lambda m: True, 30, "the alert").payload)
        self.assertEqual(event["type"], "io.pollux.alert.raised.v1")
        self.assertEqual(event["subject"], "silent")

    def test_the_last_will_tells_of_a_kill(self):
        self.broker.start()
        node = self.make_node().start()
        listener = self.client("listener")
        listener.subscribe("pollux/status")
        listener.wait_for(lambda m: m.payload == b"online", 10, "online")
        late = self.client("late")
        late.subscribe("pollux/status")
        late.wait_for(lambda m: m.payload == b"online" and m.retain, 10, "online, retained")
        listener.received.clear()
        node.kill()
        listener.wait_for(lambda m: m.payload == b"offline", 10, "the last will")
        listener.received.clear()
        node.start()
        listener.wait_for(lambda m: m.payload == b"online", 10, "online again")
        self.assertEqual(node.stop()[0], 0)
        listener.wait_for(lambda m: m.payload == b"offline", 10, "offline after a good stop")


if __name__ == "__main__":
    unittest.main(verbosity=2)
