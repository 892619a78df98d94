# SPDX-License-Identifier: Apache-2.0
# A broker that does as a test tells it, MQTT 3.1.1 and 5, byte by byte: what no real broker would
# send can be sent, and a connection can be broken at any byte. What the node publishes is answered
# in good order on a connection of its own; only the connections it receives on are at the test's
# mercy. tests/support/fake_session.py is the part of a right broker that matters to a subscriber.
import collections
import fcntl
import socket
import struct
import termios
import threading
import time
import traceback

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14

Request = collections.namedtuple("Request", "client_id version clean keep_alive properties")
Packet = collections.namedtuple("Packet", "kind flags body")
NUMBERS = {0x11: 4, 0x21: 2, 0x22: 2, 0x27: 4, 0x17: 1, 0x19: 1}  # those of a CONNECT


class Gone(Exception):
    """The peer, or a cut, ended the connection."""


def length(size):
    out = bytearray()
    while True:
        size, low = size >> 7, size & 0x7F
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def read_length(data, at):
    """(length, where it ends)"""
    size = shift = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return size, at


def packet(kind, body, flags=0):
    return bytes([kind << 4 | flags]) + length(len(body)) + body


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("!H", len(data)) + data


def connack(version, code=0, present=False, properties=b""):
    tail = length(len(properties)) + properties if version == 5 else b""
    return packet(CONNACK, bytes([int(present), code]) + tail)


def suback(version, number, codes):
    return packet(SUBACK, struct.pack("!H", number) + (b"\0" if version == 5 else b"") + bytes(codes))


def publish(version, topic, payload, qos=0, number=None, duplicate=False, properties=b""):
    body = text(topic)
    if number is not None:
        body += struct.pack("!H", number)
    if version == 5:
        body += length(len(properties)) + properties
    data = payload if isinstance(payload, bytes) else payload.encode()
    return packet(PUBLISH, body + data, qos << 1 | (8 if duplicate else 0))


def numbered(kind, number):
    """PUBACK, PUBREC, PUBREL or PUBCOMP in its short form, which both versions know."""
    return packet(kind, struct.pack("!H", number), 2 if kind == PUBREL else 0)


def disconnect(version, code=0, properties=b""):
    if version != 5:
        return packet(DISCONNECT, b"")
    return packet(DISCONNECT, bytes([code]) + length(len(properties)) + properties)


class Connection:
    """One accepted connection. After `cut_sent` bytes out or `cut_received` bytes in it is reset."""

    def __init__(self, sock):
        self._socket = sock
        self._buffer = b""
        self.sent = self.received = 0
        self.cut_sent = self.cut_received = None
        self.request = None
        self.ended = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def version(self):
        return self.request.version

    def send(self, data):
        if self.cut_sent is not None and self.sent + len(data) >= self.cut_sent:
            data, cut = data[:self.cut_sent - self.sent], True
        else:
            cut = False
        try:
            self._socket.settimeout(20)
            self._socket.sendall(data)
        except OSError as error:
            raise Gone("send: %s" % error)
        self.sent += len(data)
        if cut:
            self.reset()
            raise Gone("cut after %d bytes sent" % self.sent)

    def _more(self, until):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("nothing from the node")
        room = 65536
        if self.cut_received is not None:
            room = self.cut_received - self.received
        if room <= 0:
            self.reset()
            raise Gone("cut after %d bytes received" % self.received)
        try:
            self._socket.settimeout(left)
            got = self._socket.recv(room)
        except TimeoutError:
            raise TimeoutError("nothing from the node")
        except OSError as error:
            raise Gone("recv: %s" % error)
        if not got:
            raise Gone("closed by the node")
        self.received += len(got)
        self._buffer += got

    def packet(self, seconds=20):
        """The next packet. Raises Gone, or TimeoutError (what has come of it is kept)."""
        until = time.monotonic() + seconds
        while True:
            found = self._whole()
            if found:
                return found
            self._more(until)

    def _whole(self):
        size = shift = 0
        for at in range(1, 5):
            if len(self._buffer) <= at:
                return None
            size |= (self._buffer[at] & 0x7F) << shift
            shift += 7
            if self._buffer[at] < 0x80:
                break
        end = at + 1 + size
        if len(self._buffer) < end:
            return None
        head, body = self._buffer[0], self._buffer[at + 1:end]
        self._buffer = self._buffer[end:]
        return Packet(head >> 4, head & 15, body)

    def expect(self, kind, seconds=20):
        """The next packet of that kind; PINGREQ is answered, others are skipped."""
        until = time.monotonic() + seconds
        while True:
            got = self.packet(until - time.monotonic())
            if got.kind == kind:
                return got
            if got.kind == PINGREQ:
                self.send(packet(PINGRESP, b""))

    def until_gone(self, seconds):
        """Reads until the node ends the connection; gives the packets that came before. Raises
        TimeoutError when it does not end it."""
        out = []
        until = time.monotonic() + seconds
        try:
            while True:
                out.append(self.packet(until - time.monotonic()))
        except Gone:
            return out

    def read_connect(self):
        got = self.packet()
        if got.kind != CONNECT:
            raise Gone("no CONNECT but %r" % (got,))
        b = got.body
        name = struct.unpack("!H", b[:2])[0]
        if b[2:2 + name] != b"MQTT":
            raise Gone("not MQTT: %r" % b[:8])
        at = 2 + name
        version, flags, keep_alive = struct.unpack("!BBH", b[at:at + 4])
        at += 4
        properties = {}
        if version == 5:
            size, at = read_length(b, at)
            end = at + size
            while at < end:
                kind, width = b[at], NUMBERS[b[at]]
                properties[kind] = int.from_bytes(b[at + 1:at + 1 + width], "big")
                at += 1 + width
        size = struct.unpack("!H", b[at:at + 2])[0]
        client_id = b[at + 2:at + 2 + size].decode()
        self.request = Request(client_id, version, bool(flags & 2), keep_alive, properties)

    def asked_for(self, body):
        """(packet id, QoS of each filter) of a SUBSCRIBE."""
        at, levels = 2, []
        if self.version == 5:
            size, at = read_length(body, at)
            at += size
        while at < len(body):
            at += 2 + struct.unpack("!H", body[at:at + 2])[0]
            levels.append(body[at] & 3)
            at += 1
        return struct.unpack("!H", body[:2])[0], levels

    def subscribed(self, seconds=20):
        """Waits for a SUBSCRIBE; gives its packet id and the QoS of each filter."""
        return self.asked_for(self.expect(SUBSCRIBE, seconds).body)

    def greet(self, present=False):
        """CONNACK, and the SUBACK of the first SUBSCRIBE."""
        self.send(connack(self.version, present=present))
        self.send(suback(self.version, *self.subscribed()))

    def drained(self, seconds=2):
        """Waits until the peer's kernel has everything that was sent."""
        until = time.monotonic() + seconds
        waiting = bytearray(4)
        while time.monotonic() < until:
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, waiting)
            if not any(waiting):
                return
            time.sleep(0.0002)

    def reset(self):
        """RST instead of FIN: what is on the way is thrown away at both ends."""
        self.drained()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def abort(self):
        """From another thread: wakes whoever reads."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self.ended = True
        self._socket.close()


class FakeBroker:
    """`behave(connection)` is called in a thread of its own for every connection the node receives
    on, after its CONNECT was read; when it returns the connection is closed."""

    def __init__(self, behave, on_accept=None):
        self.behave = behave
        self.on_accept = on_accept  # called with each connection before its first byte is read
        self.errors = []  # what went wrong in behave(); Gone and TimeoutError are its own matter
        self.connects = 0
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        self._open = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        connection = Connection(sock)
        with self._lock:
            self._open.add(connection)
        try:
            if self.on_accept is not None:
                self.on_accept(connection)
            connection.read_connect()
            if connection.request.client_id.endswith("-out"):
                return self._serve_publisher(connection)
            self.connects += 1
            self.behave(connection)
        except Gone:
            pass
        except Exception:  # shown by the test, which fails with it
            self.errors.append(traceback.format_exc())
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    @staticmethod
    def _serve_publisher(connection):
        connection.send(connack(connection.version))
        while True:
            got = connection.packet(3600)
            if got.kind == PINGREQ:
                connection.send(packet(PINGRESP, b""))
            elif got.kind == PUBLISH and got.flags >> 1 & 3:
                at = 2 + struct.unpack("!H", got.body[:2])[0]
                number = struct.unpack("!H", got.body[at:at + 2])[0]
                connection.send(numbered(PUBACK if got.flags >> 1 & 3 == 1 else PUBREC, number))
            elif got.kind == PUBREL:
                connection.send(numbered(PUBCOMP, struct.unpack("!H", got.body[:2])[0]))
            elif got.kind == DISCONNECT:
                return

    def stop(self):
        self._listening.close()
        with self._lock:
            for connection in self._open:
                connection.abort()
