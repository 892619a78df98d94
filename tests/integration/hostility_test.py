# SPDX-License-Identifier: Apache-2.0
# Clients that mean no good at the HTTP door of a whole node: refused in order, and nobody else
# notices. And what a cautious client relies on: tags of compressed answers, renewed certificates.
import gzip
import http.client
import json
import os
import pathlib
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

NAMES = ["t%d" % i for i in range(12)]
MODEL = {"name": "device", "telemetry": {name: {} for name in NAMES}}
INGRESS = {"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}
LOCAL = b" HTTP/1.1\r\nHost: localhost\r\n"
JSON = {"Content-Type": "application/json"}
PATCH = {"Content-Type": "application/json-patch+json"}


class Hostility(support.NodeTest):
    def started(self, twins=("a",), **http):
        node = self.node([MODEL], [dict(INGRESS)], http=http)
        node.start()
        device = self.client("device")
        for twin in twins:
            device.publish("telemetry/" + twin, json.dumps(dict.fromkeys(NAMES, 1)), qos=1)
        device.drain()
        for twin in twins:
            support.eventually(lambda: node.applied("lab:" + twin) == 1, 20, "a reading of " + twin)
        return node

    def ask(self, node, method, path, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def answers(self, node, sent):
        """All that the node says to these bytes until it ends the connection."""
        with socket.create_connection(("127.0.0.1", node.http_port), timeout=20) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while more := raw.recv(65536):
                    got += more
            except ConnectionResetError:
                pass
            return got

    def test_requests_that_mean_no_good_are_refused_and_the_next_one_is_not(self):
        node = self.started()
        chunk = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
        for sent in (b"NONSENSE\r\n\r\n", b"\0" * 100, b"GET\r\n\r\n", b"GET /healthz\r\n\r\n",
                     b"GET /healthz" + LOCAL + b"X y: 1\r\n\r\n", b"GET /healthz" + LOCAL + b"X: a\0b\r\n\r\n",
                     b"GET /healthz" + LOCAL + b"X : 1\r\n\r\n", b"GET /heal\0thz" + LOCAL + b"\r\n",
                     b"GET /healthz" + LOCAL + b"".join(b"X%d: 1\r\n" % i for i in range(5000)) + b"\r\n",
                     b"POST /api/v1/twins" + LOCAL + b"Content-Length: 1, 2\r\n\r\nab",
                     b"POST /api/v1/twins" + LOCAL + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                     b"POST /api/v1/twins" + LOCAL + b"Content-Length: 0x10\r\n\r\n",
                     b"POST /api/v1/twins" + LOCAL + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /api/v1/twins" + LOCAL + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"POST /api/v1/twins" + LOCAL + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
                     b"POST /api/v1/twins" + LOCAL + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 40):
            got = self.answers(node, sent + b"GET /healthz" + LOCAL + b"\r\n")
            self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 4"), (sent[:60], got[:80]))
            self.assertNotIn(b"HTTP/1.1 200", got, sent[:80])  # what stood behind it was not asked
        for sent in (b"GET /healthz HTTP/1.1\r\n\r\n",  # whose end is where it should be
                     b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
                     b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n"):
            got = self.answers(node, sent + b"GET /healthz" + LOCAL + b"\r\n")
            self.assertRegex(got, rb"^HTTP/1\.1 4(00|21) ", sent)
            self.assertIn(b"HTTP/1.1 200", got, sent)
        node.check_running()
        self.assertEqual(node.http("/healthz")[0], 200)

    def test_nothing_outside_is_served_whatever_the_path(self):
        node = self.started()
        for path in (b"/../pollux.toml", b"/..%2f..%2fetc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd",
                     b"/assets/../../../../etc/passwd", b"/assets/%2e%2e%2f%2e%2e%2fpollux.toml", b"/....//etc/passwd",
                     b"/assets/..\\..\\etc\\passwd", b"file:///etc/passwd", b"http://localhost/../data/access",
                     b"/api/v1/models/..%2f..%2fpollux", b"/models/..%2f..%2fpollux.toml", b"/things/../../x"):
            got = self.answers(node, b"GET " + path + LOCAL + b"Connection: close\r\n\r\n")
            self.assertNotIn(b"root:", got, path)
            self.assertNotIn(b"[mqtt]", got, path)
            self.assertRegex(got, rb"^HTTP/1\.1 (4\d\d|200)", path)
            if b" 200 " in got[:20]:  # the page of the dashboard, for whatever address of its own
                self.assertIn(b"<html", got.lower(), path)

    def test_values_that_come_back_add_no_header(self):
        node = self.started(twins=("a", "b"))
        evil = "%0d%0aX-Evil:%201%0d%0a%0d%0a"
        page, _ = self.ask(node, "GET", "/api/v1/twins?limit=1&glob=lab%3A*")
        self.assertIn("glob=lab%3A%2A", page.getheader("Link"))
        seen = [page]
        for method, path, headers, body in (
                ("GET", "/api/v1/twins?limit=1&fields=id,x" + evil, {}, None),
                ("GET", "/api/v1/twins?glob=*" + evil, {}, None), ("GET", "/api/v1/twins/lab:a" + evil, {}, None),
                ("GET", "/api/v1/twins?cursor=" + evil, {}, None), ("GET", "/x" + evil, {}, None),
                ("GET", "/api/v1/twins/lab:a", {"traceparent": "00-x\\r\\nX-Evil: 1"}, None),
                ("POST", "/api/v1/twins", JSON, json.dumps({"id": "lab:c\r\nX-Evil: 1", "model": "device"})),
                ("POST", "/api/v1/twins/lab:a/commands", JSON | {"Idempotency-Key": "a/../b?\"<>"},
                 json.dumps({"name": "x\r\nX-Evil: 1", "arguments": {}})),
                ("POST", "/api/v1/jobs", JSON, json.dumps({"kind": "a\r\nX-Evil: 1"})),
                ("GET", "/things/lab:a" + evil, {}, None), ("GET", "/models/device" + evil, {}, None)):
            answer, _ = self.ask(node, method, path, headers, body)
            self.assertLess(answer.status, 500, path)
            seen.append(answer)
        for answer in seen:
            self.assertIsNone(answer.getheader("X-Evil"))

    def test_a_patch_cannot_end_the_node_or_fill_its_memory(self):
        node = self.started()
        bomb = [{"op": "add", "path": "/properties/a", "value": {}}]
        bomb += [{"op": "copy", "from": "/properties", "path": "/properties/a/c%d" % i} for i in range(200)]
        behind = [{"op": "add", "path": "/properties/n", "value": 1}, {"op": "add", "path": "/properties/n/x", "value": 1}]
        for patch in (bomb, behind):
            answer, text = self.ask(node, "PATCH", "/api/v1/twins/lab:a", PATCH, json.dumps(patch))
            self.assertEqual(answer.status, 400, text)
            self.assertEqual(json.loads(text)["status"], 400)
        for text in ("[" * 100000, '{"properties":' + '{"a":' * 100000, "[" * 50 + "]" * 50):
            self.assertEqual(self.ask(node, "PATCH", "/api/v1/twins/lab:a", PATCH, text)[0].status, 400)
        node.check_running()
        self.assertNotIn("properties", json.loads(node.http("/api/v1/twins/lab:a")[1]))

    def test_ten_thousand_idle_connections_hold_up_nobody(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 12000:
            self.skipTest("this process may have %d files" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        node = self.started(connections=11000)  # which is more than the files it is started with
        before = self.memory(node)
        idle = []
        self.addCleanup(lambda: [s.close() for s in idle])
        while len(idle) < 10000:
            idle.append(socket.create_connection(("127.0.0.1", node.http_port), timeout=20))
        self.assertLess((self.memory(node) - before) / len(idle), 16384)
        self.client("more").publish("telemetry/a", json.dumps({"t0": 2}), qos=1)
        support.eventually(lambda: node.applied("lab:a") == 2, 10, "a reading, and an answer that tells of it")
        # whoever says nothing is shown out without a word
        for s in (idle[0], idle[5000], idle[9999]):
            s.settimeout(40)
            self.assertEqual(s.recv(100), b"")
        support.eventually(lambda: node.metric("pollux_http_connections") < 100, 40, "room")
        self.assertEqual(node.stop()[0], 0)

    def memory(self, node):
        for line in pathlib.Path("/proc/%d/status" % node.pid).read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024

    def test_a_compressed_answer_has_a_tag_of_its_own_that_means_the_same_state(self):
        node = self.started()
        path = "/api/v1/twins/lab:a"
        plain, body = self.ask(node, "GET", path)
        packed, bytes_ = self.ask(node, "GET", path, {"Accept-Encoding": "gzip"})
        self.assertEqual(packed.getheader("Content-Encoding"), "gzip")
        self.assertEqual(json.loads(gzip.decompress(bytes_))["revision"], json.loads(body)["revision"])
        tag, packed_tag = plain.getheader("ETag"), packed.getheader("ETag")
        self.assertRegex(tag, r'^"rev:\d+"$')
        self.assertEqual(packed_tag, tag[:-1] + '-gzip"')
        for answer in (plain, packed):
            self.assertIn("Accept-Encoding", answer.getheader("Vary"))
        for known in (tag, packed_tag, "W/" + tag, '"x", ' + packed_tag):
            again, text = self.ask(node, "GET", path, {"If-None-Match": known, "Accept-Encoding": "gzip"})
            self.assertEqual((again.status, text), (304, b""), known)
            self.assertIn(again.getheader("ETag"), known)
        merge = {"Content-Type": "application/merge-patch+json", "If-Match": packed_tag}
        done, text = self.ask(node, "PATCH", path, merge, json.dumps({"properties": {"x": 1}}))
        self.assertEqual(done.status, 200, text)
        late, _ = self.ask(node, "PATCH", path, merge, json.dumps({"properties": {"x": 2}}))
        self.assertEqual(late.status, 412)

    def certificate(self, name):
        """A self-signed one and its key, in files of their own."""
        openssl = shutil.which("openssl")
        if not openssl:
            self.fail("openssl is not installed; tools/setup installs it")
        files = [self.folder / (name + part) for part in ("-certificate.pem", "-key.pem")]
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", str(files[1]), "-out", str(files[0])], check=True, capture_output=True)
        return files

    def test_a_renewed_certificate_serves_new_connections_without_a_restart(self):
        first, second = self.certificate("first"), self.certificate("second")
        used = [self.folder / "certificate.pem", self.folder / "key.pem"]
        for made, at in zip(first, used):
            shutil.copy(made, at)
        trust = [ssl.create_default_context(cafile=str(files[0])) for files in (first, second)]
        node = self.node([MODEL], [dict(INGRESS)],
                         http={"certificate_file": str(used[0]), "key_file": str(used[1])})
        node.start(ready=False)

        def connected(context):
            connection = http.client.HTTPSConnection("127.0.0.1", node.http_port, timeout=20, context=context)
            self.addCleanup(connection.close)
            return connection if self.asked(connection) == 200 else None
        open_one = support.eventually(lambda: connected(trust[0]), 30, "the start")
        for made, at in zip(second, used):
            shutil.copy(made, str(at) + ".new")
            os.replace(str(at) + ".new", at)
        support.eventually(lambda: connected(trust[1]), 20, "the new certificate")
        with self.assertRaises(ssl.SSLError):
            connected(trust[0])
        self.assertEqual(self.asked(open_one), 200)  # goes on with what it began with
        used[0].write_text("no certificate")
        support.eventually(lambda: "cannot be used; the present one stays" in node.log(), 20, "a word in the log")
        self.assertTrue(connected(trust[1]))
        shutil.copy(first[0], used[0])
        shutil.copy(first[1], used[1])
        support.eventually(lambda: connected(trust[0]), 20, "the first one again")
        self.assertEqual(node.stop()[0], 0)

    def asked(self, connection):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        return answer.status


if __name__ == "__main__":
    unittest.main()
