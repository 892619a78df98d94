# SPDX-License-Identifier: Apache-2.0
# A small MQTT 3.1.1 and 5 client on a plain socket, for tests: it shows every packet's fate (which
# publication was acknowledged, what came marked as sent again), which comfortable clients hide.
import collections
import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PUBREC, PUBREL, PUBCOMP = 5, 6, 7
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14

RESPONSE_TOPIC, CORRELATION_DATA, CONTENT_TYPE, SESSION_EXPIRY = 0x08, 0x09, 0x03, 0x11
USER_PROPERTY = 0x26

Message = collections.namedtuple(
    "Message", "topic payload qos retain duplicate response_topic correlation_data user_properties",
    defaults=((),))


class MqttError(Exception):
    pass


def _length(size):
    out = bytearray()
    while True:
        size, low = size >> 7, size & 0x7F
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def _text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("!H", len(data)) + data


def _read_length(data, at):
    size = shift = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return size, at


class Client:
    """One connection. Messages that arrive are kept in `received` unless `on_message` takes them.

    window: unacknowledged publications (QoS 1 and 2) at most; publish() waits for room.
    clean=False keeps the session at the broker after the connection ends.
    """

    def __init__(self, port, client_id, clean=True, version=4, window=100, on_message=None):
        self.client_id, self.version, self.window = client_id, version, window
        self.received = []
        self.acknowledged = []  # the tokens of acknowledged publications, in order
        self.on_message = on_message
        self.closed = None  # why the connection ended
        self._pending = {}  # packet id -> token
        self._answers = {}
        self._next_id = 0
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._buffer = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session_present = self._connect(clean)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()

    # --- outward

    def _connect(self, clean):
        body = _text("MQTT") + bytes([self.version, 0x02 if clean else 0]) + struct.pack("!H", 0)
        if self.version == 5:
            expiry = b"" if clean else bytes([SESSION_EXPIRY]) + struct.pack("!I", 86400)
            body += _length(len(expiry)) + expiry
        self._send(CONNECT << 4, body + _text(self.client_id))
        kind, _, answer = self._packet()
        if kind != CONNACK or answer[1] != 0:
            raise MqttError("refused by the broker: %r" % (answer,))
        return bool(answer[0] & 1)

    def _send(self, head, body):
        with self._sending:
            self._socket.sendall(bytes([head]) + _length(len(body)) + body)

    def _take_id(self):
        while True:
            self._next_id = self._next_id % 65535 + 1
            if self._next_id not in self._pending:
                return self._next_id

    def subscribe(self, topic, qos=1, seconds=10):
        with self._changed:
            number = self._take_id()
        properties = b"\0" if self.version == 5 else b""
        self._send(SUBSCRIBE << 4 | 2,
                   struct.pack("!H", number) + properties + _text(topic) + bytes([qos]))
        code = self._wait(lambda: self._answers.pop(number, None), seconds, "SUBACK")[-1]
        if code >= 0x80:
            raise MqttError("subscription to %s refused" % topic)

    def publish(self, topic, payload, qos=0, retain=False, token=None, seconds=60,
                response_topic=None, correlation_data=None, user_properties=()):
        """QoS 1 and 2: waits for room in the window, not for the acknowledgement (see `drain`)."""
        if isinstance(payload, str):
            payload = payload.encode()
        body = _text(topic)
        if qos:
            with self._changed:
                if not self._changed.wait_for(
                        lambda: self.closed or len(self._pending) < self.window, seconds):
                    raise MqttError("no acknowledgement within %s s" % seconds)
                if self.closed:
                    raise MqttError("connection lost: %s" % self.closed)
                number = self._take_id()
                self._pending[number] = token
            body += struct.pack("!H", number)
        if self.version == 5:
            properties = b""
            if response_topic is not None:
                properties += bytes([RESPONSE_TOPIC]) + _text(response_topic)
            if correlation_data is not None:
                properties += bytes([CORRELATION_DATA]) + _text(correlation_data)
            for name, value in user_properties:
                properties += bytes([USER_PROPERTY]) + _text(name) + _text(value)
            body += _length(len(properties)) + properties
        self._send(PUBLISH << 4 | qos << 1 | int(retain), body + payload)

    def drain(self, seconds=30):
        """Waits until every publication is acknowledged."""
        self._wait(lambda: not self._pending, seconds, "all acknowledgements")

    @property
    def unacknowledged(self):
        return len(self._pending)

    def wait_for(self, wanted, seconds=20, what="a message"):
        """The first received message for which wanted(message) holds."""
        return self._wait(lambda: next((m for m in self.received if wanted(m)), None),
                          seconds, what)

    def close(self):
        """Leaves in good order: no last will."""
        try:
            self._send(DISCONNECT << 4, b"")
        except OSError:
            pass
        self.break_off()

    def break_off(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join(5)
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- inward

    def _wait(self, get, seconds, what):
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                found = get()
                if found:
                    return found
                if self.closed:
                    raise MqttError("connection lost (%s), waiting for %s" % (self.closed, what))
                left = until - time.monotonic()
                if left <= 0:
                    raise MqttError("%s: not within %s s" % (what, seconds))
                self._changed.wait(left)

    def _exactly(self, size):
        while len(self._buffer) < size:
            more = self._socket.recv(65536)
            if not more:
                raise MqttError("closed by the broker")
            self._buffer += more
        out, self._buffer = self._buffer[:size], self._buffer[size:]
        return out

    def _packet(self):
        head = self._exactly(1)[0]
        size = shift = 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return head >> 4, head & 15, self._exactly(size)

    def _read_all(self):
        try:
            while True:
                self._handle(*self._packet())
        except (MqttError, OSError) as why:
            with self._changed:
                self.closed = str(why) or "closed"
                self._changed.notify_all()

    def _handle(self, kind, flags, body):
        if kind == PUBLISH:
            return self._arrived(flags, body)
        if kind == PUBREC:
            return self._send(PUBREL << 4 | 2, body[:2])
        with self._changed:
            if kind in (PUBACK, PUBCOMP):
                number = struct.unpack("!H", body[:2])[0]
                if number in self._pending:
                    self.acknowledged.append(self._pending.pop(number))
            elif kind == SUBACK:
                self._answers[struct.unpack("!H", body[:2])[0]] = body
            elif kind == DISCONNECT:
                self.closed = "the broker ended the connection"
            self._changed.notify_all()

    def _arrived(self, flags, body):
        qos = flags >> 1 & 3
        size = struct.unpack("!H", body[:2])[0]
        topic, at = body[2:2 + size], 2 + size
        number = None
        if qos:
            number = body[at:at + 2]
            at += 2
        response_topic = correlation_data = None
        user_properties = []
        if self.version == 5:
            response_topic, correlation_data, at = self._properties(body, at, user_properties)
        message = Message(topic.decode(errors="replace"), body[at:], qos, bool(flags & 1),
                          bool(flags & 8), response_topic, correlation_data,
                          tuple(user_properties))
        if self.on_message is not None:
            self.on_message(message)
        with self._changed:
            if self.on_message is None:
                self.received.append(message)
            self._changed.notify_all()
        if number is not None:
            self._send(PUBACK << 4, number)

    @staticmethod
    def _properties(body, at, user_properties):
        size, at = _read_length(body, at)
        end = at + size
        response_topic = correlation_data = None
        while at < end:
            kind = body[at]
            at += 1
            if kind in (RESPONSE_TOPIC, CORRELATION_DATA, CONTENT_TYPE):
                n = struct.unpack("!H", body[at:at + 2])[0]
                value = body[at + 2:at + 2 + n]
                at += 2 + n
                if kind == RESPONSE_TOPIC:
                    response_topic = value.decode()
                elif kind == CORRELATION_DATA:
                    correlation_data = value
            elif kind in (0x01,):
                at += 1
            elif kind == 0x23:
                at += 2
            elif kind == 0x02:
                at += 4
            elif kind == 0x0B:
                _, at = _read_length(body, at)
            elif kind == USER_PROPERTY:
                pair = []
                for _ in range(2):
                    n = struct.unpack("!H", body[at:at + 2])[0]
                    pair.append(body[at + 2:at + 2 + n].decode(errors="replace"))
                    at += 2 + n
                user_properties.append(tuple(pair))
            else:
                raise MqttError("property %#x of a publication" % kind)
        return response_topic, correlation_data, end
