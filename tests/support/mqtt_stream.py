# SPDX-License-Identifier: Apache-2.0
# One side of an MQTT connection, cut into packets again, for who looks on.
import collections
import struct

from mqtt import PUBLISH

CONNECT, PUBACK, PUBREC = 1, 4, 5
TOPIC_ALIAS = 0x23

Packet = collections.namedtuple("Packet", "kind id topic payload qos level")


def _number(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


class Stream:
    """feed() gives the packets that are whole by now. level: of the protocol, 4 or 5."""

    def __init__(self, level=None):
        self.level = level
        self._rest = bytearray()

    def feed(self, data):
        self._rest += data
        out = []
        while True:
            size = self._whole()
            if size is None:
                return out
            out.append(self._packet(bytes(self._rest[:size])))
            del self._rest[:size]

    def _whole(self):
        for end in range(1, min(5, len(self._rest))):
            if self._rest[end] < 0x80:
                length, at = _number(self._rest, 1)
                return at + length if len(self._rest) >= at + length else None
        return None

    def _packet(self, data):
        kind, (_, at) = data[0] >> 4, _number(data, 1)
        if kind == CONNECT:
            self.level = data[at + 6]
        if kind in (PUBACK, PUBREC):
            return Packet(kind, struct.unpack_from("!H", data, at)[0], None, None, None, self.level)
        if kind != PUBLISH:
            return Packet(kind, None, None, None, None, self.level)
        length = struct.unpack_from("!H", data, at)[0]
        topic = data[at + 2:at + 2 + length].decode()
        at += 2 + length
        qos, number = data[0] >> 1 & 3, None
        if qos:
            number = struct.unpack_from("!H", data, at)[0]
            at += 2
        if self.level == 5:
            size, at = _number(data, at)
            assert TOPIC_ALIAS not in data[at:at + min(size, 1)], "aliases are not understood"
            at += size
        return Packet(kind, number, topic, data[at:], qos, self.level)
