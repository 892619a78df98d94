# SPDX-License-Identifier: Apache-2.0
# Whatever a broker sends or keeps back, the node lives, goes back to it and loses nothing that it
# acknowledged. The broker is ours (tests/support/fake_broker.py): it sends what no broker would.
import json
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import fake_broker as fake  # noqa: E402
import node as support  # noqa: E402
from fake_broker_case import KEEP_ALIVE, START, FakeBrokerCase  # noqa: E402

NONSENSE = 150  # connections with random bytes, and as many with a session in which bytes flipped


def alias(number):
    return b"\x23" + number.to_bytes(2, "big")


def violations(version):
    """(what, bytes after a good greeting, reasons the node may close with in MQTT 5)"""
    five = version == 5
    topic = fake.text("t/a")
    none = b"\0" if five else b""
    rows = [
        ("packet type 0", b"\x00\x00", {0x81, 0x82}),
        ("a second CONNACK", fake.connack(version), {0x82}),
        ("a CONNECT", fake.packet(fake.CONNECT, b"\0\4MQTT\4\2\0\0\0\0"), {0x82}),
        ("a SUBSCRIBE", fake.packet(fake.SUBSCRIBE, b"\0\1" + none + b"\0\1a\0", 2), {0x82}),
        ("a PINGREQ", fake.packet(fake.PINGREQ, b""), {0x82}),
        ("a SUBACK for nothing", fake.suback(version, 77, [1]), {0x82}),
        ("a PUBACK for nothing", fake.numbered(fake.PUBACK, 9), {0x82}),
        ("a PINGRESP with a body", fake.packet(fake.PINGRESP, b"x"), {0x81, 0x82}),
        ("QoS 3", fake.packet(fake.PUBLISH, topic + b"\0\1" + none + b"{}", 6), {0x81}),
        ("DUP at QoS 0", fake.packet(fake.PUBLISH, topic + none + b"{}", 8), {0x81, 0x82}),
        ("packet id 0", fake.publish(version, "t/a", b"{}", 1, 0), {0x81, 0x82}),
        ("a topic that is not UTF-8", fake.publish(version, b"t/\xff\xfe", b"{}"), {0x81, 0x90}),
        ("a surrogate in a topic", fake.publish(version, b"t/\xed\xa0\x80", b"{}"), {0x81, 0x90}),
        ("a zero in a topic", fake.publish(version, b"t/\0a", b"{}"), {0x81, 0x90}),
        ("a wildcard in a topic", fake.publish(version, b"t/+", b"{}"), {0x81, 0x82, 0x90}),
        ("no topic", fake.publish(version, b"", b"{}"), {0x81, 0x82, 0x90}),
        ("a topic longer than the packet", fake.packet(fake.PUBLISH, b"\xff\xfft/a"), {0x81}),
        ("a PUBLISH without a body", fake.packet(fake.PUBLISH, b""), {0x81}),
        ("a PUBREL with wrong flags", fake.packet(fake.PUBREL, b"\0\1"), {0x81}),
        ("a PUBREL without an id", fake.packet(fake.PUBREL, b"\0", 2), {0x81}),
        ("a length of five bytes", b"\x30\xff\xff\xff\xff\x01", {0x81}),
        ("a SUBACK of 256 MiB", b"\x90\xff\xff\xff\x7f", {0x81, 0x82, 0x95}),
    ]
    if five:
        rows += [
            ("topic alias 0", fake.publish(5, "t/a", b"{}", properties=alias(0)), {0x82, 0x94}),
            ("a topic alias too large", fake.publish(5, "t/a", b"{}", properties=alias(65535)),
             {0x94}),
            ("a topic alias never told", fake.publish(5, "", b"{}", properties=alias(1)), {0x82}),
            ("a property twice", fake.publish(5, "t/a", b"{}", properties=b"\x01\0\x01\0"), {0x82}),
            ("an unknown property", fake.publish(5, "t/a", b"{}", properties=b"\x7f\0"), {0x81}),
            ("a property of another packet",
             fake.publish(5, "t/a", b"{}", properties=b"\x21\0\1"), {0x81, 0x82}),
            ("properties longer than the packet",
             fake.packet(fake.PUBLISH, topic + b"\xff\x7f{}"), {0x81}),
            ("an AUTH nobody asked for", fake.packet(15, b""), {0x82}),
        ]
    else:
        rows += [("a DISCONNECT in MQTT 3.1.1", fake.packet(fake.DISCONNECT, b""), set())]
    return rows


class HostileBroker(FakeBrokerCase):
    # --- what is sent

    def check_violations(self, version):
        for what, data, reasons in violations(version):
            with self.subTest(what=what):
                def behave(connection, data=data):
                    connection.greet()
                    try:
                        connection.send(data)
                    except fake.Gone:
                        pass
                    return connection.until_gone(4)
                before = self.fake.connects
                said = [p for p in self.play(behave) if p.kind == fake.DISCONNECT]
                self.assertEqual(self.fake.connects, before + 2, "closed once, then all is well")
                if version == 5:
                    self.assertEqual(len(said), 1, "a DISCONNECT with its reason")
                    self.assertIn(said[0].body[0], reasons)

    def check_nonsense(self, version):
        dice = random.Random(version)
        whole = (fake.connack(version, present=True) + fake.suback(version, 1, [1]) + b"".join(
            fake.publish(version, "t/noise", json.dumps({"temperature": i}), i % 3,
                         i + 1 if i % 3 else None) for i in range(12)) + fake.numbered(fake.PUBREL, 3))

        def bytes_at_random(connection):
            if dice.random() < 0.5:
                connection.greet(present=True)
            connection.send(dice.randbytes(dice.randrange(1, 3000)))

        def a_session_with_flipped_bytes(connection):
            data = bytearray(whole)
            for _ in range(dice.randrange(1, 4)):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            connection.send(bytes(data))

        for kind in (bytes_at_random, a_session_with_flipped_bytes):
            played = []

            def behave(connection, kind=kind, played=played):
                try:
                    kind(connection)
                    connection.until_gone(0.02)
                except (fake.Gone, TimeoutError):
                    pass
                finally:
                    played.append(1)
            self.scripts.extend([behave] * NONSENSE)
            self.session.drop()
            support.eventually(lambda: len(played) == NONSENSE, 60, lambda: "%d of %d %s" % (
                len(played), NONSENSE, kind.__name__))
            self.pass_messages()

    def check_refusals(self, version, node):
        codes = {5: ((0x87, "ot authori"), (0x88, "unavailable"), (0x97, "uota")),
                 3: ((5, "ot authori"), (3, "not available"), (4, "password"))}[version]
        for code, words in codes:
            with self.subTest(code=code):
                def refuse(connection, code=code):
                    connection.send(fake.connack(connection.version, code))
                    connection.until_gone(4)
                self.scripts.extend([refuse] * 3)
                self.session.drop()
                support.eventually(lambda: words in node.log(), 10,
                                   lambda: "%r in the log" % words)
                self.pass_messages()

    def check_not_ready_while_refused(self, node):
        going_on = [True]

        def refuse(connection):
            if going_on[0]:
                self.scripts.append(refuse)
            connection.send(fake.connack(connection.version, 5 if connection.version == 4 else 0x87))
            connection.until_gone(4)
        self.scripts.append(refuse)
        self.session.drop()

        def told():
            status, text = node.http("/readyz")
            return status == 503 and "[-]broker" in text and "uthori" in text
        support.eventually(told, 10, lambda: "not ready, and why: %r" % (node.readyz_or_error(),))
        self.assertEqual(node.http("/healthz")[0], 200)
        going_on[0] = False
        node.wait_ready(10)

    def check_goodbyes(self, node):
        """MQTT 5: the broker says why it ends the connection, and the node says it on."""
        for code, words in ((0x8E, "taken over"), (0x9D, "moved"), (0x8B, "shutting down")):
            with self.subTest(code=code):
                def behave(connection, code=code):
                    connection.greet(present=True)
                    connection.send(fake.disconnect(5, code, b"\x1c" + fake.text("elsewhere:1883")
                                                    if code == 0x9D else b""))
                    return connection.until_gone(4)
                said = self.play(behave)
                self.assertNotIn(fake.DISCONNECT, [p.kind for p in said], "it was not ours to say")
                self.assertTrue(words in node.log(), "%r in the log" % words)
        self.assertTrue("elsewhere:1883" in node.log(), "the other server's name in the log")

    def check_subscription_answers(self, version):
        def another_id(connection):
            connection.send(fake.connack(connection.version))
            number, levels = connection.subscribed()
            connection.send(fake.suback(connection.version, number % 65535 + 1, levels))
            return connection.until_gone(10)

        def too_few(connection):
            connection.send(fake.connack(connection.version))
            number, levels = connection.subscribed()
            connection.send(fake.suback(connection.version, number, levels[1:]))
            return connection.until_gone(10)

        def too_many(connection):
            connection.send(fake.connack(connection.version))
            number, levels = connection.subscribed()
            connection.send(fake.suback(connection.version, number, levels + [1]))
            return connection.until_gone(10)

        for behave in (another_id, too_few, too_many):
            with self.subTest(behave.__name__):
                said = [p for p in self.play(behave) if p.kind == fake.DISCONNECT]
                if version == 5:
                    self.assertEqual([p.body[0] for p in said], [0x82])

    def check_aliases(self):
        """A topic told once stands for its number, until it is told anew; on this connection only."""
        def behave(connection):
            connection.greet(present=True)
            for number, topic in ((1, "t/a"), (2, ""), (3, "")):
                connection.send(fake.publish(5, topic, self.reading(), 1, number, properties=alias(7)))
                connection.expect(fake.PUBACK)
            connection.send(fake.publish(5, "t/b", b"{}", 0, properties=alias(7)))
            connection.send(fake.publish(5, "", json.dumps({"temperature": 1}), 1, 4,
                                         properties=alias(7)))
            return connection.expect(fake.PUBACK)
        self.play(behave)

    def check_unknown_releases(self, version):
        def behave(connection):
            connection.greet(present=True)
            for number in (1, 500, 65535):
                connection.send(fake.numbered(fake.PUBREL, number))
            out = [connection.expect(fake.PUBCOMP).body for _ in range(3)]
            connection.send(fake.publish(version, "t/b", json.dumps({"temperature": 1}), 1, 9))
            connection.expect(fake.PUBACK)  # and the session goes on
            return out
        out = self.play(behave)
        self.assertEqual([int.from_bytes(b[:2], "big") for b in out], [1, 500, 65535])
        if version == 5:
            self.assertEqual({b[2] for b in out}, {0x92}, "packet identifier not found")

    def check_receive_maximum(self):
        """More at once than allowed, as mosquitto 2.0 sends after a reconnect: taken all the same."""
        def behave(connection):
            connection.greet()
            self.assertEqual(connection.request.properties[0x21], 40)
            connection.send(b"".join(
                fake.publish(5, "t/flood", json.dumps({"ts": START + i * 1000, "temperature": 20}), 2, i)
                for i in range(1, 201)))
            for _ in range(200):
                connection.expect(fake.PUBREC)
        self.play(behave)
        self.session.known = False  # the 200 are never released
        self.session.drop()
        self.pass_messages()

    def check_large(self, node, version):
        """A message larger than any may be passes through in pieces: kept aside and acknowledged,
        and the node never has it whole."""
        size = 64 << 20
        before = node.metric("pollux_quarantined_total")

        def behave(connection):
            connection.greet(present=True)
            head = fake.publish(version, "t/large", b"", 1, 7)[2:]
            connection.send(b"\x32" + fake.length(len(head) + size) + head)
            piece = b"x" * (1 << 20)
            for _ in range(size // len(piece)):
                connection.send(piece)
            return connection.expect(fake.PUBACK, 30).body

        self.assertEqual(self.play(behave, 60)[:2], b"\0\7")
        self.assertGreater(node.metric("pollux_quarantined_total"), before)

        def announced_only(connection):
            connection.greet(present=True)
            connection.send(b"\x32\xff\xff\xff\x7f" + fake.text("t/large") + b"\0\x08" + b"\0y" * 300_000)
            connection.drained()
            connection.reset()
        self.play(announced_only)

    def check_drip(self, version):
        """A whole session, one byte every 20 ms."""
        def drip(connection, data):
            for at in range(len(data)):
                connection.send(data[at:at + 1])
                time.sleep(0.02)  # the slowness is what is tested

        def behave(connection):
            drip(connection, fake.connack(version, present=True))
            drip(connection, fake.suback(version, *connection.subscribed()))
            drip(connection, fake.publish(version, "t/a", self.reading(), 1, 1))
            connection.expect(fake.PUBACK)
            drip(connection, fake.publish(version, "t/a", self.reading(), 2, 2))
            connection.expect(fake.PUBREC)
            drip(connection, fake.numbered(fake.PUBREL, 2))
            return connection.expect(fake.PUBCOMP).body[:2]
        self.assertEqual(self.play(behave), b"\0\2")

    # --- silence

    def check_silence(self, version):
        good = fake.publish(version, "t/a", self.reading(), 1, 1)

        def no_connack(connection):
            return connection.until_gone(15)

        def half_a_connack(connection):
            connection.send(fake.connack(version)[:3])
            return connection.until_gone(15)

        def no_suback(connection):
            connection.send(fake.connack(version))
            return connection.until_gone(15)

        def half_a_message(connection):
            connection.greet(present=True)
            connection.send(good[:len(good) // 2])
            return connection.until_gone(4 * KEEP_ALIVE)

        def no_pingresp(connection):
            connection.greet(present=True)
            return connection.until_gone(4 * KEEP_ALIVE)

        for behave in (no_connack, half_a_connack, no_suback, half_a_message, no_pingresp):
            with self.subTest(behave.__name__):
                kinds = [p.kind for p in self.play(behave)]
                if behave in (half_a_message, no_pingresp):
                    self.assertIn(fake.PINGREQ, kinds, "asked whether the broker is there")
        self.session.put(("t/a", good[good.index(b"{"):], 1))  # never came whole until now
        self.session.wait_done()

    def hostile(self, version):
        node = self.begin(version)
        # first what is looked for in the log, which holds back what is said too often
        if version == 5:
            self.check_goodbyes(node)
        self.check_refusals(version, node)
        self.check_not_ready_while_refused(node)
        self.check_violations(version)
        self.check_nonsense(version)
        if version == 5:
            self.check_receive_maximum()
            self.check_aliases()
        self.check_subscription_answers(version)
        self.check_unknown_releases(version)
        self.check_large(node, version)
        self.check_drip(version)
        self.check_silence(version)
        self.finish(node)

    def test_nothing_a_broker_of_mqtt_5_sends_ends_the_node(self):
        self.hostile(5)

    def test_nothing_a_broker_of_mqtt_3_1_1_sends_ends_the_node(self):
        self.hostile(3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
