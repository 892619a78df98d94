# SPDX-License-Identifier: Apache-2.0
# Live streams of a whole node: server-sent events and WebSockets, who may see what, what a slow
# reader is told, and what hostile connections are answered with.
import base64
import http.client
import json
import os
import pathlib
import resource
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

MODEL = {"name": "device", "telemetry": {"temperature": {}}}
INGRESS = {"topic": "telemetry/{space}/{name}", "twin": "{space}:{name}", "model": "device"}


class Events:
    """One reader of /api/v1/events, or of another stream. `token` by header, or in the address as a ticket."""

    def __init__(self, port, query="", token=None, last_id=None, small_window=False, path="/api/v1/events"):
        self.socket = socket.socket()
        if small_window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        head = "GET %s%s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" % (path, query)
        if token:
            head += "Authorization: Bearer %s\r\n" % token
        if last_id:
            head += "Last-Event-ID: %s\r\n" % last_id
        self.socket.sendall((head + "\r\n").encode())
        self.bytes = b""
        self.head = self._until(b"\r\n\r\n").decode()
        self.status = int(self.head.split()[1])
        self.type = "Content-Type: text/event-stream" in self.head
        if self.status == 200:
            assert self._until(b"\n\n").startswith(b":"), "a comment comes first"

    def _until(self, mark):
        while mark not in self.bytes:
            got = self.socket.recv(65536)
            if not got:
                raise EOFError(self.bytes)
            self.bytes += got
        out, _, self.bytes = self.bytes.partition(mark)
        return out

    def next(self):
        """The next event: (name, id, data as JSON)."""
        self.patience = time.monotonic() + 30
        while True:
            frame = self._until(b"\n\n").decode()
            if time.monotonic() > self.patience:
                raise AssertionError("nothing but comments")
            lines = dict(line.split(": ", 1) for line in frame.split("\n") if not line.startswith(":"))
            if lines.keys() & {"event"}:
                return lines["event"], lines.get("id"), json.loads(lines["data"])

    def until(self, wanted, seconds=30):
        """The events up to the one that is wanted; a silent stream has comments, hence the clock."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            event = self.next()
            if wanted(event):
                return event
        raise AssertionError("not within %s s" % seconds)

    def ended(self):
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self):
        self.socket.close()


class Socket:
    """A WebSocket with nothing but what RFC 6455 asks of a client."""

    def __init__(self, port, query="", token=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        head = ("GET /api/v1/ws%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n" %
                (query, base64.b64encode(os.urandom(16)).decode()))
        if token:
            head += "Authorization: Bearer %s\r\n" % token
        self.socket.sendall((head + "\r\n").encode())
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            got = self.socket.recv(65536)
            assert got, self.bytes
            self.bytes += got
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])

    def _take(self, size):
        while len(self.bytes) < size:
            got = self.socket.recv(65536)
            if not got:
                raise EOFError
            self.bytes += got
        out, self.bytes = self.bytes[:size], self.bytes[size:]
        return out

    def send(self, data, opcode=1):
        mask = os.urandom(4)
        size = len(data)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else \
            struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size) if size < 65536 else \
            struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        while True:
            first, size = self._take(2)
            if size == 126:
                size, = struct.unpack("!H", self._take(2))
            elif size == 127:
                size, = struct.unpack("!Q", self._take(8))
            data = self._take(size)
            if first & 15 == 1:
                return json.loads(data)
            if first & 15 == 8:
                raise EOFError

    def until(self, wanted):
        while True:
            message = self.receive()
            if wanted(message):
                return message

    def close(self):
        self.socket.close()


class Streams(support.NodeTest):
    def started(self, **settings):
        node = self.node([MODEL], [dict(INGRESS)], **settings)
        node.start()
        self.device = self.client("device")
        return node

    def reading(self, twin, value):
        self.device.publish("telemetry/" + twin.replace(":", "/"), json.dumps({"temperature": value}), qos=1)
        self.device.drain()

    def reader(self, node, *words, **more):
        made = Events(node.http_port, *words, **more)
        self._stack.callback(made.close)
        return made

    def socket(self, node, *words, **more):
        made = Socket(node.http_port, *words, **more)
        self._stack.callback(made.close)
        return made

    @staticmethod
    def is_value(twin, value):
        return lambda e: (e[0] == "state" and e[2]["twin"] == twin and
                          e[2]["document"]["telemetry"]["temperature"]["value"] == value)

    def watched(self, reader, twin):
        """Readings until one arrives: from then on the node's watch is known to stand."""
        reader.socket.settimeout(0.5)
        for i in range(60):
            self.reading(twin, 1000 + i)
            try:
                event = reader.until(lambda e: e[0] == "state" and e[2]["twin"] == twin)
                reader.socket.settimeout(20)
                return event
            except TimeoutError:
                continue
        raise AssertionError("no event of %s came" % twin)

    def test_events_arrive_and_a_reader_who_comes_back_misses_nothing(self):
        node = self.started()
        reader = self.reader(node, "?twins=lab:*&kinds=state")
        self.assertEqual((reader.status, reader.type), (200, True))
        self.watched(reader, "lab:a")
        self.reading("plant:b", 5)
        self.reading("lab:a", 1)
        name, last_id, data = reader.until(self.is_value("lab:a", 1))
        self.assertEqual(data["document"]["id"], "lab:a")
        self.assertEqual(data["id"], last_id)
        reader.close()
        for value in (2, 3):
            self.reading("lab:c", value)
        self.reading("lab:a", 4)
        again = self.reader(node, "?twins=lab:*", last_id=last_id)
        due, passed = {("lab:a", 4), ("lab:c", 3)}, []  # in any order: two twins
        while due:
            name, number, data = again.next()
            self.assertEqual(name, "state")
            passed.append(int(number.split("-")[1]))
            due.discard((data["twin"], data["document"]["telemetry"]["temperature"]["value"]))
        self.assertEqual(passed, sorted(passed))
        self.assertGreater(passed[0], int(last_id.split("-")[1]))
        foreign = self.reader(node, "?last_event_id=00000000-7")
        self.assertEqual(foreign.next()[2], {"events": None})

    def test_a_slow_reader_is_told_what_it_missed_and_holds_up_nobody(self):
        node = self.started(http={"events_bytes": "64KiB"})
        slow = self.reader(node, "?twins=*", small_window=True)
        self.watched(slow, "lab:first")
        quick = self.reader(node, "?twins=lab:last")
        self.watched(quick, "lab:last")
        twins = 1500  # each state stays: together far more than the node keeps and sockets hold
        for round_ in range(4):
            for i in range(twins):
                self.device.publish("telemetry/lab/t%d" % i, json.dumps({"temperature": round_}), qos=1)
            self.device.drain()
        self.reading("lab:last", -1)
        began = time.monotonic()
        quick.until(self.is_value("lab:last", -1))
        self.assertLess(time.monotonic() - began, 10)
        lost = slow.until(lambda e: e[0] == "missed")[2]["events"]
        self.assertGreater(lost, 0)
        self.assertEqual(self.get(node, "/healthz").status, 200)

    def get(self, node, path, method="GET", token=None):
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=20)
        connection.request(method, path, headers={"Authorization": "Bearer " + token} if token else {})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def test_a_socket_says_what_it_wants_and_may_change_its_mind(self):
        node = self.started()
        talk = self.socket(node)
        self.assertEqual(talk.status, 101)
        talk.send(b"nonsense")
        self.assertEqual(talk.receive()["type"], "error")
        talk.send(json.dumps({"type": "subscribe", "twins": "lab:*", "kinds": ["state"]}).encode())
        self.assertEqual(talk.receive(), {"type": "subscribed", "twins": "lab:*"})
        helper = self.reader(node)
        self.watched(helper, "lab:a")
        self.reading("lab:a", 7)
        message = talk.until(lambda m: m["type"] == "events" and any(
            e["document"]["telemetry"]["temperature"]["value"] == 7 for e in m["events"]))
        last_id = message["events"][-1]["id"]
        talk.send(json.dumps({"type": "subscribe", "twins": "plant:*", "last_event_id": last_id}).encode())
        talk.until(lambda m: m["type"] == "subscribed")
        self.reading("lab:a", 8)
        self.reading("plant:z", 9)
        message = talk.until(lambda m: m["type"] == "events")
        self.assertEqual({e["twin"] for e in message["events"]}, {"plant:z"})
        for limit in range(40):  # quicker than a filter is looked into: the newest is what stands
            talk.send(json.dumps({"type": "subscribe", "filter": "gt(telemetry/temperature,%d)" % limit}).encode())
        stood = []
        talk.until(lambda m: m["type"] == "subscribed" and (stood.append(m["filter"]) or "39" in m["filter"]))
        self.assertLess(len(stood), 40)
        self.reading("plant:z", 38)
        self.reading("plant:y", 40)
        message = talk.until(lambda m: m["type"] == "events")
        self.assertEqual({e["twin"] for e in message["events"]}, {"plant:y"})
        at_once = self.socket(node, "?twins=plant:*")
        self.assertEqual(at_once.receive()["type"], "subscribed")
        at_once.send(b"x" * 100_000)  # more than a message may have: the connection ends
        with self.assertRaises((EOFError, ConnectionResetError)):
            at_once.until(lambda m: False)
        self.assertEqual(self.get(node, "/api/v1/ws").status, 426)

    def test_tokens_tickets_and_namespaces_hold_for_streams_too(self):
        node = self.started()
        secret = node.cli("token", "create", "lab", "--role", "viewer", "--namespaces", "lab").strip()
        other = node.cli("token", "create", "all", "--role", "viewer").strip()
        self.assertEqual(self.reader(node).status, 401)
        self.assertEqual(self.socket(node).status, 401)
        scoped, all_ = self.reader(node, token=secret), self.reader(node, token=other)
        self.watched(all_, "plant:b")
        self.reading("plant:b", 5)
        self.reading("lab:a", 6)
        all_.until(self.is_value("plant:b", 5))
        self.assertEqual(scoped.next()[2]["twin"], "lab:a")
        made = self.get(node, "/api/v1/tickets", "POST", secret)
        self.assertEqual(made.status, 201)
        ticket = json.loads(made.text)["ticket"]
        by_ticket = self.reader(node, "?twins=*&ticket=" + ticket)
        self.assertEqual(by_ticket.status, 200)
        self.assertEqual(self.reader(node, "?ticket=" + ticket).status, 401)  # it was good once
        self.assertNotIn(ticket, node.log())
        talk = self.socket(node, "?twins=*&ticket=" + json.loads(self.get(node, "/api/v1/tickets", "POST", secret).text)["ticket"])
        self.assertEqual(talk.status, 101)
        node.cli("token", "revoke", "lab")  # ends what is open
        for stream in (scoped, by_ticket):
            self.assertTrue(stream.ended())
        with self.assertRaises((EOFError, ConnectionResetError)):
            talk.until(lambda m: False)
        self.reading("plant:b", 8)
        all_.until(self.is_value("plant:b", 8))

    def test_words_that_mean_nothing_are_refused(self):
        node = self.started()
        for query in ("?kinds=alerts", "?twin=x", "?twins=", "?kinds=,", "?twins=" + "x" * 600):
            self.assertEqual(self.get(node, "/api/v1/events" + query).status, 400, query)

    def test_two_thousand_connections_and_not_one_more(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 8192:
            self.skipTest("this process may have %d files" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        node = self.started(http={"connections": 2000})
        reader = self.reader(node)
        idle = []
        self.addCleanup(lambda: [s.close() for s in idle])
        while len(idle) < 1980:
            idle.append(socket.create_connection(("127.0.0.1", node.http_port), timeout=20))
        self.watched(reader, "lab:a")  # streams and ingest do not mind
        over = []
        self.addCleanup(lambda: [s.close() for s in over])

        def turned_away():
            over.append(socket.create_connection(("127.0.0.1", node.http_port), timeout=20))
            over[-1].settimeout(0.2)
            try:
                return b" 503 " in over[-1].recv(4096)
            except TimeoutError:
                return False
        support.eventually(turned_away, 20, "a refusal")
        # whoever says nothing is shown out after ten seconds, which makes room again
        support.eventually(lambda: self.get(node, "/healthz").status == 200, 40, "room")
        node.check_running()

    def test_half_requests_pipelines_and_giants(self):
        node = self.started()
        slow = socket.create_connection(("127.0.0.1", node.http_port), timeout=30)
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
        began = time.monotonic()
        ended = False
        while not ended and time.monotonic() - began < 25:  # a byte at a time, for ever
            try:
                slow.sendall(b"a")
                slow.settimeout(0.3)
                ended = slow.recv(1024) == b""
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                ended = True
        self.assertTrue(ended, "a header that never ends is not waited for")
        self.assertGreater(time.monotonic() - began, 5)
        with socket.create_connection(("127.0.0.1", node.http_port), timeout=20) as many:
            many.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
            got = b""
            while got.count(b"HTTP/1.1 200") < 50:
                more = many.recv(65536)
                self.assertTrue(more, got)
                got += more
        for sent in (b"POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                     b"POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
                     b"\x16\x03\x01\x02\x00" + b"\0" * 200, b"GET / HTTP/9.9\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", node.http_port), timeout=20) as raw:
                raw.sendall(sent)
                got = raw.recv(65536)
                self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 4"), (sent[:40], got[:80]))
        node.check_running()

    def test_a_node_with_readers_stops_in_order(self):
        node = self.started()
        readers = [self.reader(node) for _ in range(20)] + [self.socket(node)]
        self.watched(readers[0], "lab:a")
        code, seconds = node.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 15)
        for reader in readers[:20]:
            self.assertTrue(reader.ended())


if __name__ == "__main__":
    unittest.main()
