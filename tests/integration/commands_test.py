# SPDX-License-Identifier: Apache-2.0
# A command's whole way: asked for, held against its interlocks, sent, answered, and all of that
# although the node is killed between any two of these steps. The device here is this test.
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

TWIN = "site1:hvac"
REQUEST = "twins/site1/hvac/commands/set_setpoint/request"
RESPONSE = "twins/site1/hvac/commands/set_setpoint/response"
# as config/models/building.json, but without a least time between two commands
MODEL = {"name": "zone", "kind": "building",
         "telemetry": {"setpoint": {"min": 0, "max": 50}},
         "commands": {"set_setpoint": {"argument": "setpoint", "min": 16, "max": 28,
                                       "max_step": 3, "ttl": "30s"}}}


class Device:
    """Answers requests as `how` says: True, False, or None for silence. Keeps all requests."""

    def __init__(self, client, how=True):
        self.client, self.how, self.requests = client, how, []
        client.on_message = self._take
        client.subscribe(REQUEST, 1)

    def _take(self, message):
        request = json.loads(message.payload)
        self.requests.append((message, request))
        if self.how is not None:
            self.answer(request["id"], self.how)

    def answer(self, command, ok, **more):
        self.client.publish(RESPONSE, json.dumps({"id": command, "ok": ok, **more}), qos=1)

    def ids(self):
        return [request["id"] for _, request in self.requests]


class Commands(support.NodeTest):
    def make_node(self, model=MODEL, **settings):
        made = self.node([model],
                         [{"topic": "telemetry/{name}", "twin": "site1:{name}",
                           "model": model if isinstance(model, str) else model["name"]}],
                         twins={"start_grace": "500ms"}, **settings).start()
        with self.client("sender") as sender:
            sender.publish("telemetry/hvac", b'{"setpoint": 21}', qos=1)
            sender.drain()
        support.eventually(lambda: made.applied(TWIN) == 1, 20, "the building's twin")
        return made

    def device(self, how=True, name="hvac", **options):
        return Device(self.client(name, **options), how)

    def send(self, node, *words, code=0, value=22):
        return node.ask("command", "send", TWIN, "set_setpoint", "setpoint=%s" % value, *words,
                        code=code)

    def phase(self, node, command):
        found = node.twin_or_none(TWIN) or {"commands": []}
        return next((c["phase"] for c in found["commands"] if c["id"] == command), None)

    def wait_phase(self, node, command, phase, seconds=20):
        support.eventually(lambda: self.phase(node, command) == phase, seconds,
                           lambda: "%s %s: %s" % (command, phase, self.phase(node, command)))

    def test_the_device_confirms(self):
        node = self.make_node()
        device = self.device(version=5)
        answer = self.send(node, "--id", "c1", "--wait", "15s")
        self.assertEqual((answer["id"], answer["phase"]), ("c1", "confirmed"))
        message, request = device.requests[0]
        self.assertEqual(request["command"], "set_setpoint")
        self.assertEqual(request["arguments"], {"setpoint": 22})
        self.assertEqual(request["twin"], TWIN)
        self.assertEqual(message.correlation_data, b"c1")
        self.assertEqual(message.response_topic, RESPONSE)
        left = support.instant(request["expires_at"]) / 1e9 - time.time()
        self.assertTrue(0 < left <= 30, left)
        self.assertEqual(node.ask("command", "get", TWIN, "c1")["phase"], "confirmed")
        node.verify("--online")

    def test_correlation_data_alone_names_the_command(self):
        node = self.make_node()
        device = self.device(None, version=5)
        self.send(node, "--id", "c5")
        support.eventually(lambda: device.requests, 10, "the request")
        message, _ = device.requests[0]
        device.client.publish(message.response_topic, b'{"status": "ok"}', qos=1,
                              correlation_data=message.correlation_data)
        self.wait_phase(node, "c5", "confirmed")

    def test_the_device_rejects(self):
        node = self.make_node()
        device = self.device(None)
        self.send(node, "--id", "c1")
        support.eventually(lambda: device.requests, 10, "the request")
        device.answer("c1", False, detail="valve stuck")
        self.wait_phase(node, "c1", "rejected")
        self.assertEqual(node.ask("command", "get", TWIN, "c1")["detail"], "valve stuck")
        device.how = False
        answer = self.send(node, "--id", "c2", "--wait", "15s", code=4)
        self.assertEqual(answer["phase"], "rejected")

    def test_an_interlock_refuses_before_anything_is_sent(self):
        node = self.make_node()
        device = self.device()
        for value, words in ((12, "below the minimum 16"), (40, "above the maximum 28"),
                             (26, "more than 3 away from 21"), ("hot", "not a number")):
            answer = self.send(node, "--wait", "15s", value=value, code=4)
            self.assertEqual(answer["phase"], "refused")
            self.assertIn(words, answer["detail"])
        answer = node.ask("command", "send", TWIN, "set_setpiont", "setpoint=21", "--wait", "15s",
                          code=4)
        self.assertIn("did you mean set_setpoint", answer["detail"])
        self.send(node, "--wait", "15s")  # the order on the wire: nothing came before it
        self.assertEqual(len(device.requests), 1)

    def test_the_shipped_building_takes_one_command_in_ten_seconds(self):
        node = self.make_node("building")
        device = self.device()
        self.send(node, "--wait", "15s")
        answer = self.send(node, "--wait", "15s", value=23, code=4)
        self.assertIn("less than 10s ago", answer["detail"].replace("10 s", "10s"))
        self.assertEqual(len(device.requests), 1)

    def test_no_answer_is_a_time_out_and_a_late_one_is_told(self):
        node = self.make_node()
        device = self.device(None)
        answer = self.send(node, "--id", "c1", "--ttl", "1s", "--wait", "20s", code=6)
        self.assertEqual(answer["phase"], "timed_out")
        device.answer("c1", True)
        self.wait_phase(node, "c1", "confirmed_late")

    def test_waiting_shorter_than_the_command_lives(self):
        node = self.make_node()
        device = self.device(None)
        done = node.run("command", "send", TWIN, "set_setpoint", "setpoint=22", "--id", "c1",
                        "--wait", "1s")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("command get", done.stderr)
        device.answer("c1", True)
        self.wait_phase(node, "c1", "confirmed")

    def test_the_same_id_is_carried_out_once(self):
        node = self.make_node()
        device = self.device()
        for _ in range(3):
            self.assertEqual(self.send(node, "--id", "c1", "--wait", "15s")["phase"], "confirmed")
        self.assertEqual(self.send(node, "--id", "c2", "--wait", "15s", value=23)["phase"],
                         "confirmed")
        self.assertEqual(device.ids(), ["c1", "c2"])

    def test_exit_codes_of_what_cannot_be(self):
        node = self.make_node()
        self.assertEqual(node.run("command", "send", "site1:nobody", "set_setpoint").returncode, 3)
        self.assertEqual(node.run("command", "get", TWIN, "c9").returncode, 3)
        self.assertEqual(node.run("command", "send", TWIN, "set_setpoint", "21").returncode, 2)
        self.assertEqual(node.stop()[0], 0)
        began = time.monotonic()
        self.assertEqual(node.run("command", "send", TWIN, "set_setpoint").returncode, 7)
        self.assertLess(time.monotonic() - began, 6)

    def test_killed_after_it_took_the_command_and_before_it_could_send_it(self):
        node = self.make_node()
        self.broker.stop()
        self.send(node, "--id", "c1", "--ttl", "50s")
        self.wait_phase(node, "c1", "dispatched")
        node.kill()
        self.broker.start()
        device = self.device(None)
        node.start()
        support.eventually(lambda: device.requests, 10, "the request")
        device.answer("c1", True)
        self.wait_phase(node, "c1", "confirmed")
        self.assertEqual(set(device.ids()), {"c1"})
        node.verify("--online")

    def test_killed_between_request_and_reply(self):
        node = self.make_node()
        device = self.device(None)
        self.send(node, "--id", "c1", "--ttl", "50s")
        support.eventually(lambda: device.requests, 10, "the request")
        node.kill()
        device.answer("c1", True)  # waits at the broker, in the node's session
        device.client.drain()
        node.start()
        self.wait_phase(node, "c1", "confirmed")
        self.assertEqual(set(device.ids()), {"c1"})
        node.verify("--online")

    def test_killed_at_once_after_it_answered_accepted(self):
        node = self.make_node()
        device = self.device()
        for i in range(3):
            self.send(node, "--id", "k%d" % i, "--ttl", "50s", value=21 + i % 2)
            node.kill()
            node.start()
            self.wait_phase(node, "k%d" % i, "confirmed")
        self.assertEqual(list(dict.fromkeys(device.ids())), ["k0", "k1", "k2"])
        node.verify("--online")

    def test_killed_after_the_reply(self):
        node = self.make_node()
        device = self.device()
        self.send(node, "--id", "c1", "--wait", "15s")
        node.kill()
        node.start()
        self.assertEqual(self.phase(node, "c1"), "confirmed")
        self.assertEqual(self.send(node, "--id", "c1", "--wait", "15s")["phase"], "confirmed")
        self.send(node, "--id", "c2", "--wait", "15s", value=23)  # behind whatever else was sent
        self.assertEqual(set(device.ids()), {"c1", "c2"})
        self.assertEqual(device.ids().count("c2"), 1)
        answer = self.send(node, "--id", "c3", "--wait", "15s", value=27, code=4)
        self.assertIn("23", answer["detail"])  # the step counts from what was confirmed

    def test_the_time_to_live_goes_on_while_the_node_is_down(self):
        node = self.make_node()
        self.broker.stop()
        self.send(node, "--id", "c1", "--ttl", "2s")
        expires = time.time() + 2
        node.kill()
        self.broker.start()
        device = self.device()
        support.eventually(lambda: time.time() > expires, 5, "the command's expiry")
        node.start()
        self.wait_phase(node, "c1", "timed_out")
        self.send(node, "--id", "c2", "--wait", "15s")
        self.assertEqual(device.ids(), ["c2"], "an expired command must never be sent")
        self.assertEqual(node.metric("pollux_outbox_expired_total"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
