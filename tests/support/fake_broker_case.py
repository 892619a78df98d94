# SPDX-License-Identifier: Apache-2.0
# A node on the fake broker, for the tests of what brokers and networks do to it: one process lives
# through everything, and afterwards it is measured and its readings are counted.
import collections
import concurrent.futures
import json
import os
import pathlib

import fake_broker as fake
import fake_session
import node as support

START = 1_700_000_000_000
PEAK_MIB = 48  # how much the node's peak of memory may rise over all of it
KEEP_ALIVE = 5


class FakeBrokerCase(support.NodeTest):
    with_broker = False

    def setUp(self):
        super().setUp()
        self.scripts = collections.deque()
        self.session = fake_session.Session()
        self.fake = fake.FakeBroker(self.meet, self.session.arm)
        self._stack.callback(self.fake.stop)
        self.sent = 0

    def meet(self, connection):
        if self.scripts:
            return self.scripts.popleft()(connection)
        return self.session.serve(connection)

    def start_node(self, version):
        self.broker.port = self.fake.port
        made = self.node(
            ["device"], [{"topic": "t/{name}", "twin": "h:{name}", "model": "device", "qos": 2}],
            mqtt={"version": version, "source": support.source() or "receiver",
                  "keep_alive_s": KEEP_ALIVE, "reconnect_min": "1ms", "reconnect_max": "5ms",
                  "receive_maximum": 40},
            twins={"start_grace": "1h"}, http={})
        return made.start()

    def reading(self):
        self.sent += 1
        return json.dumps({"ts": START + self.sent * 1000, "seq": self.sent, "temperature": 20})

    def messages(self, count):
        """At QoS 1 and 2 by turns."""
        return [("t/a", self.reading(), 1 + i % 2) for i in range(count)]

    def pass_messages(self, count=2):
        self.session.put(*self.messages(count))
        self.session.wait_done()

    def play(self, behave, seconds=30, after=2):
        """The node's next connection meets `behave`, the one after it a right broker, which must
        get its messages through. Gives what `behave` gave."""
        outcome = concurrent.futures.Future()

        def once(connection):
            try:
                outcome.set_result(behave(connection))
            except BaseException as error:  # the test's thread raises it
                outcome.set_exception(error)

        self.scripts.append(once)
        self.session.drop()
        got = outcome.result(seconds)
        if after:
            self.pass_messages(after)
        return got

    # --- what the process is worth

    def status_kib(self, node, key):
        for line in pathlib.Path("/proc/%d/status" % node.pid).read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise AssertionError(key)

    def descriptors(self, node):
        """(all, sockets)"""
        out = []
        for entry in pathlib.Path("/proc/%d/fd" % node.pid).iterdir():
            try:
                out.append(os.readlink(entry))
            except OSError:
                pass  # closed meanwhile
        return len(out), sum(link.startswith("socket:") for link in out)

    def begin(self, version):
        node = self.start_node(version)
        self.pass_messages(500)
        self.before = (node.pid, self.status_kib(node, "VmHWM"), self.status_kib(node, "VmRSS"),
                       self.descriptors(node))
        return node

    def finish(self, node):
        node.check_running()
        pid, peak, resident, (files, sockets) = self.before
        self.assertEqual(node.pid, pid)
        self.assertEqual(self.fake.errors, [])
        self.assertEqual(node.http("/healthz")[0], 200)
        node.wait_ready(10)
        self.check_stored(node)

        def settled():
            return self.descriptors(node)[1] <= sockets
        support.eventually(settled, 10, lambda: "%d sockets as before: %s" % (
            sockets, self.descriptors(node)))
        now = self.descriptors(node)[0]
        self.assertLessEqual(now, files + 8, "descriptors; LevelDB may open a few files")
        rise = (self.status_kib(node, "VmHWM") - peak) / 1024
        print("MQTT %s: peak %.1f MiB, %+.1f; resident %+.1f; descriptors %d -> %d; %d connections" % (
            node.settings["mqtt"]["version"], self.status_kib(node, "VmHWM") / 1024, rise,
            (self.status_kib(node, "VmRSS") - resident) / 1024, files, now, self.fake.connects))
        self.assertLess(rise, PEAK_MIB)
        self.assertEqual(node.stop()[0], 0)

    def check_stored(self, node):
        """Every message that was sent, exactly once."""
        support.eventually(lambda: node.applied("h:a") >= self.sent, 20,
                           lambda: "%d readings: %s" % (self.sent, node.applied("h:a")))
        rows = node.history("h:a", "--telemetry", "temperature")
        stored = collections.Counter(support.instant(r["event_time"]) // 1_000_000 for r in rows)
        self.assertEqual(stored, {START + i * 1000: 1 for i in range(1, self.sent + 1)})
        self.assertEqual(node.applied("h:a"), self.sent)
