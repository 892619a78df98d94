# SPDX-License-Identifier: Apache-2.0
# A connection that is reset at every byte of a session, in both directions: the node comes back,
# the broker sends again what it has no acknowledgement of, and in the end every message is stored
# exactly once.
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import fake_broker as fake  # noqa: E402
import node as support  # noqa: E402
from fake_broker_case import FakeBrokerCase  # noqa: E402

EVERY = int(os.environ.get("POLLUX_TEST_CUT_EVERY", "1"))  # 1 = at every byte
LOST_KIB = 2048  # how much the peak may rise over 2000 lost connections: 1 KiB each


class BrokenConnection(FakeBrokerCase):
    def cut_everywhere(self, version):
        node = self.begin(version)
        sizes = {}

        def measured(connection):
            try:
                return self.session.serve(connection)
            finally:
                sizes["sent"], sizes["received"] = connection.sent, connection.received
        self.scripts.append(measured)
        self.session.drop(messages=self.messages(20))
        self.session.wait_done()
        self.session.drop()
        support.eventually(lambda: sizes, 10, "the whole session's size")
        print("MQTT %s: %d bytes to the node, %d from it" % (version, sizes["sent"], sizes["received"]))
        repeated = self.session.repeated
        for way in ("sent", "received"):
            for byte in range(0, sizes[way] + 1, EVERY):
                served = self.session.served
                self.session.drop([(way, byte)], self.messages(20))
                try:
                    self.session.wait_done(30)
                except AssertionError as error:
                    raise AssertionError("%s byte %d: %s" % (way, byte, error))
                self.assertGreaterEqual(self.session.served, served + 1)
        self.assertGreater(self.session.repeated, repeated, "some must have come again, as DUP")
        self.assertGreater(node.metric("pollux_mqtt_redelivered_total"), 0)
        self.assertEqual([p for p in self.session.foreign if p.kind not in (
            fake.PUBACK, fake.PUBREC, fake.PUBCOMP)], [])
        print("MQTT %s: %d messages, %d sent again, over %d connections" % (
            version, self.sent, self.session.repeated, self.session.served))
        self.finish(node)

    def test_a_reset_at_every_byte_of_a_session_of_mqtt_5_loses_nothing(self):
        self.cut_everywhere(5)

    def test_a_reset_at_every_byte_of_a_session_of_mqtt_3_1_1_loses_nothing(self):
        self.cut_everywhere(3)

    def test_lost_connections_leave_no_memory_behind(self):
        """Resets in the middle of CONNECT, CONNACK and SUBSCRIBE, without a message."""
        node = self.begin(5)

        def lose(count):
            self.session.drop([("sent", i % 10) if i % 2 else ("received", i % 60) for i in range(count)])
            support.eventually(lambda: not self.session.cuts, 60,
                               lambda: "%d cuts left" % len(self.session.cuts))
            self.pass_messages()
        lose(300)
        before = self.status_kib(node, "VmHWM")
        lose(2000)
        rise = self.status_kib(node, "VmHWM") - before
        print("2000 lost connections: peak %+d KiB" % rise)
        self.assertLess(rise, LOST_KIB)
        self.finish(node)


if __name__ == "__main__":
    unittest.main(verbosity=2)
