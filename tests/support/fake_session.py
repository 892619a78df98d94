# SPDX-License-Identifier: Apache-2.0
# What a right broker keeps for one subscriber, from connection to connection, over the sockets of
# tests/support/fake_broker.py: what was not acknowledged is sent again, in order, marked as such.
import collections
import struct
import threading

from fake_broker import (DISCONNECT, Gone, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBREC, PUBREL, SUBSCRIBE,
                         connack, numbered, packet, publish, suback)


class Outgoing:
    """A message on its way to the subscriber."""

    def __init__(self, topic, payload, qos):
        self.topic, self.payload, self.qos = topic, payload, qos
        self.tried = False     # sent at least once: DUP from now on
        self.received = False  # QoS 2: PUBREC came; what is outstanding is the PUBREL


class Session:
    """A right broker's state for one subscriber, kept from connection to connection. serve() is a
    FakeBroker's behaviour; it sends the oldest first and, after a reconnect, again what was not
    acknowledged."""

    def __init__(self, window=20):
        self.window = window
        self.outstanding = collections.OrderedDict()  # packet id -> Outgoing
        self.queue = collections.deque()
        self.acknowledged = 0
        self.repeated = 0  # sent with DUP
        self.known = False
        self.cuts = collections.deque()  # ("sent" | "received", byte) for the connections to come
        self.served = 0
        self.foreign = []  # answers that fit nothing outstanding
        self.changed = threading.Condition()
        self._connection = None
        self._next = 0

    # --- the test's side

    def put(self, *messages):
        """Each message: (topic, payload, qos)."""
        with self.changed:
            self.queue.extend(Outgoing(*m) for m in messages)

    def drop(self, cuts=(), messages=()):
        """Ends the present connection and puts `messages` for the next one; the next connections
        are cut as `cuts` say."""
        with self.changed:
            self.cuts = collections.deque(cuts)
            self.queue.extend(Outgoing(*m) for m in messages)
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.abort()

    def arm(self, connection):
        """A FakeBroker's on_accept: the next cut is this connection's."""
        with self.changed:
            if self.cuts:
                way, byte = self.cuts.popleft()
                if way == "sent":
                    connection.cut_sent = byte
                else:
                    connection.cut_received = byte

    def wait(self, condition, seconds, what):
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError("%s: not within %s s; outstanding %s; %d queued" % (
                    what, seconds, [(n, m.qos, "released" if m.received else "sent")
                                    for n, m in self.outstanding.items()], len(self.queue)))

    def wait_done(self, seconds=20):
        self.wait(lambda: not self.outstanding and not self.queue, seconds, "all acknowledged")

    # --- the broker's side

    def serve(self, connection):
        with self.changed:
            present, self.known = self.known, True
            if self._connection is not None:
                self._connection.abort()
            self._connection = connection
            self.served += 1
        connection.send(connack(connection.version, present=present))
        subscribed = present
        if present:
            self._again(connection)
        while True:
            if subscribed:
                self._fill(connection)
            try:
                got = connection.packet(0.05)
            except TimeoutError:
                continue
            if got.kind == SUBSCRIBE:
                asked = connection.asked_for(got.body)
                connection.send(suback(connection.version, *asked))
                subscribed = True
            elif got.kind == PINGREQ:
                connection.send(packet(PINGRESP, b""))
            elif got.kind == DISCONNECT:
                return
            else:
                self._take(connection, got)

    def _again(self, connection):
        with self.changed:
            waiting = list(self.outstanding.items())
        for number, message in waiting:
            if message.received:
                connection.send(numbered(PUBREL, number))
            else:
                self._send(connection, number, message)

    def _send(self, connection, number, message):
        self.repeated += message.tried
        again, message.tried = message.tried, True
        connection.send(publish(connection.version, message.topic, message.payload, message.qos,
                                number, again))

    def _fill(self, connection):
        while True:
            with self.changed:
                if self._connection is not connection:
                    raise Gone("dropped by the test")
                if not self.queue or len(self.outstanding) >= self.window:
                    return
                message = self.queue.popleft()
                while True:
                    self._next = self._next % 65535 + 1
                    if self._next not in self.outstanding:
                        break
                number = self._next
                self.outstanding[number] = message
            self._send(connection, number, message)

    def _take(self, connection, got):
        number = struct.unpack("!H", got.body[:2])[0]
        refused = len(got.body) > 2 and got.body[2] >= 0x80
        with self.changed:
            message = self.outstanding.get(number)
            # a PUBCOMP may say that the id is not known any more: released before, and cut off
            fits = message is not None and (
                got.kind == PUBACK and message.qos == 1 and not refused or
                got.kind == PUBREC and message.qos == 2 and not refused or
                got.kind == PUBCOMP and message.received)
            if not fits:
                self.foreign.append(got)
                return
            if got.kind == PUBREC:
                message.received = True
            else:
                del self.outstanding[number]
                self.acknowledged += 1
                self.changed.notify_all()
        if got.kind == PUBREC:
            connection.send(numbered(PUBREL, number))
