# SPDX-License-Identifier: Apache-2.0
# Who may come in: tokens made, rotated and revoked under a running node, every route for every
# role, wrong tokens, TLS, what crosses sites, and a node that would be open to others.
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

MODEL = {"name": "device", "telemetry": {"temperature": {}},
         "operators": [{"name": "w", "type": "window", "of": "temperature", "span": "5m"}]}
INGRESS = {"topic": "telemetry/{space}/{name}", "twin": "{space}:{name}", "model": "device"}
ROLES = ["viewer", "operator", "engineer", "admin"]


class Access(support.NodeTest):
    def started(self, settings=None, twins=("lab:a", "plant:b")):
        node = self.node([MODEL], [dict(INGRESS)], **(settings or {}))
        node.start()
        device = self.client("device")
        for twin in twins:
            device.publish("telemetry/" + twin.replace(":", "/"), '{"temperature": 1}', qos=1)
        device.drain()
        for twin in twins:
            support.eventually(lambda: node.applied(twin) == 1, 20, "a reading of " + twin)
        return node

    def token(self, node, name, *words):
        return node.cli("token", "create", name, *words).strip()

    def ask(self, node, method, path, token=None, headers=None, body=None, context=None):
        make = http.client.HTTPSConnection if context else http.client.HTTPConnection
        extra = {"context": context} if context else {}
        connection = make("127.0.0.1", node.http_port, timeout=20, **extra)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = "Bearer " + token
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            # an answer that goes on has no length: its header is enough
            text = "" if answer.getheader("Content-Type") == "text/event-stream" else answer.read().decode()
            return answer, text
        finally:
            connection.close()

    def status(self, *words, **more):
        return self.ask(*words, **more)[0].status

    def test_tokens_are_made_rotated_and_revoked_under_a_running_node(self):
        node = self.started()
        self.assertEqual(self.status(node, "GET", "/api/v1/twins"), 200)  # none yet: loopback is open
        self.assertEqual(json.loads(self.ask(node, "GET", "/api/v1/whoami")[1])["name"], "loopback")
        first = self.token(node, "alice", "--role", "viewer")
        answer, text = self.ask(node, "GET", "/api/v1/twins")
        self.assertEqual(answer.status, 401)
        self.assertTrue(answer.getheader("WWW-Authenticate").startswith("Bearer"))
        self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
        self.assertEqual(node.http("/healthz")[0], 200)
        self.assertEqual(node.http("/readyz")[0], 200)
        told = json.loads(self.ask(node, "GET", "/api/v1/whoami", first)[1])
        self.assertEqual((told["name"], told["role"]), ("alice", "viewer"))
        second = node.cli("token", "rotate", "alice").strip()
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", first), 401)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", second), 200)
        node.cli("token", "revoke", "alice")
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", second), 401)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins"), 401)  # not open again
        node.cli("token", "revoke", "alice", code=3)
        self.token(node, "bob", "--role", "admin", "--expires", "90d", "--namespaces", "lab:*,plant")
        listed = node.ask("token", "ls")
        self.assertEqual([(t["name"], t["role"], t["namespaces"]) for t in listed],
                         [("bob", "admin", ["lab", "plant"])])
        kept = (node.data / "access" / "tokens.json").read_text()
        for secret in (first, second):
            self.assertNotIn(secret, kept)
            self.assertNotIn(secret, node.log())
        self.assertEqual((node.data / "access" / "tokens.json").stat().st_mode & 0o777, 0o600)

    def test_a_token_ends_when_it_says(self):
        node = self.started()
        short = self.token(node, "short", "--role", "admin", "--expires", "2s")
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", short), 200)
        support.eventually(lambda: self.status(node, "GET", "/api/v1/twins", short) == 401, 20, "the end")
        self.assertIn("expired", self.ask(node, "GET", "/api/v1/twins", short)[1])

    def test_every_route_for_every_role_and_for_nobody(self):
        node = self.started()
        tokens = {role: self.token(node, role, "--role", role) for role in ROLES}
        elsewhere = self.token(node, "elsewhere", "--role", "admin", "--namespaces", "plant")
        routes = json.loads(self.ask(node, "GET", "/api/v1", tokens["admin"])[1])["routes"]
        self.assertGreater(len(routes), 30)
        for route in routes:
            path = route["path"]
            for word in ("id", "twin"):
                path = path.replace("{%s}" % word, "lab:nobody")
            path = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
            name = route["method"] + " " + route["path"]
            if route["role"] == "none":
                self.assertNotIn(self.status(node, route["method"], path), (401, 403), name)
                continue
            self.assertEqual(self.status(node, route["method"], path), 401, name)
            for role in ROLES:
                answer, text = self.ask(node, route["method"], path, tokens[role])
                refused = answer.status == 403 and "lacks the role" in text
                self.assertEqual(refused, ROLES.index(role) < ROLES.index(route["role"]),
                                 "%s for %s: %d %s" % (name, role, answer.status, text))
                self.assertNotEqual(answer.status, 401, name)
            if "lab:nobody" in path:
                answer, text = self.ask(node, route["method"], path, elsewhere)
                self.assertEqual(answer.status, 403, "%s for another namespace: %s" % (name, text))

    def test_every_door_of_the_web_of_things_for_every_role_and_for_nobody(self):
        node = self.started()
        tokens = {role: self.token(node, role, "--role", role) for role in ROLES}
        elsewhere = self.token(node, "elsewhere", "--role", "admin", "--namespaces", "plant")
        self.assertEqual(self.status(node, "GET", "/.well-known/wot"), 200)
        thing = "/things/lab:a"
        doors = [("GET", "/things", "viewer"), ("GET", thing, "viewer"), ("GET", "/models/device", "viewer"),
                 ("GET", "/things/urn:pollux:lab:a", "viewer"), ("GET", thing + "/properties", "viewer"),
                 ("GET", thing + "/properties/temperature", "viewer"),
                 ("GET", thing + "/properties/temperature/observe", "viewer"),
                 ("GET", thing + "/events/nothing", "viewer"), ("GET", thing + "/actions", "viewer"),
                 ("GET", thing + "/actions/x/y", "viewer"), ("POST", thing + "/actions/x", "operator"),
                 ("DELETE", thing + "/actions/x/y", "operator"), ("PUT", thing + "/properties", "engineer"),
                 ("PUT", thing + "/properties/x", "engineer"), ("PUT", thing, "engineer"),
                 ("PATCH", thing, "engineer"), ("POST", "/things", "engineer"), ("DELETE", "/things/lab:no", "admin"),
                 ("GET", "/events/thing_created", "viewer"), ("GET", "/events/thing_updated", "viewer"),
                 ("GET", "/events/thing_deleted", "viewer")]
        for method, path, needed in doors:
            name = method + " " + path
            self.assertEqual(self.status(node, method, path), 401, name)
            for role in ROLES:
                answer, text = self.ask(node, method, path, tokens[role])
                refused = answer.status == 403 and "lacks the role" in text
                self.assertEqual(refused, ROLES.index(role) < ROLES.index(needed),
                                 "%s for %s: %d %s" % (name, role, answer.status, text))
                self.assertNotEqual(answer.status, 401, name)
            if "/things/" in path:
                self.assertEqual(self.status(node, method, path, elsewhere), 403, name)
        titles = [t["title"] for t in json.loads(self.ask(node, "GET", "/things", elsewhere)[1])]
        self.assertEqual(titles, ["plant:b"])

    def test_lists_show_the_namespaces_of_the_token(self):
        node = self.started()
        token = self.token(node, "lab", "--role", "viewer", "--namespaces", "lab")
        rows = json.loads(self.ask(node, "GET", "/api/v1/twins", token)[1])["items"]
        self.assertEqual([row["id"] for row in rows], ["lab:a"])
        self.assertEqual(self.status(node, "GET", "/api/v1/twins/lab:a", token), 200)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins/plant:b", token), 403)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins/plant%3Ab", token), 403)

    def test_wrong_tokens_wait_longer_and_longer_and_known_ones_do_not(self):
        node = self.started()
        good = self.token(node, "good", "--role", "viewer")
        late = self.token(node, "late", "--role", "viewer")
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", good), 200)
        for i in range(5):
            self.assertEqual(self.status(node, "GET", "/api/v1/twins", "guess%d" % i), 401)
        answer, _ = self.ask(node, "GET", "/api/v1/twins", "guess")
        self.assertEqual(answer.status, 429)
        self.assertGreater(int(answer.getheader("Retry-After")), 0)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", late), 429)
        self.assertRegex(node.log(), r"a credential was refused +from=127.0.0.1")
        self.assertNotIn("guess", node.log())
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", good), 200)
        # good worked, which ends the delay of this address; guesses build it up again
        began = time.monotonic()
        for i in range(7):
            self.status(node, "GET", "/api/v1/twins", "more%d" % i)
        support.eventually(lambda: self.status(node, "GET", "/api/v1/twins", late) == 200, 20, "the delay's end")
        self.assertGreater(time.monotonic() - began, 0.9)

    def test_forged_tokens_and_headers_are_refused_cleanly(self):
        node = self.started()
        good = self.token(node, "good", "--role", "admin")
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", good), 200)
        for wrong in (good[:-1], good + "A", good.upper(), good[7:], "null", "a" * 7000):
            self.assertIn(self.status(node, "GET", "/api/v1/twins", wrong), (401, 429))
        self.assertIn(self.status(node, "GET", "/api/v1/twins?access_token=" + good), (400, 401))
        self.assertIn(self.status(node, "GET", "/api/v1/twins", headers={"Authorization": good}), (401, 429))
        for raw in (b"GET /api/v1/twins HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nAuthorization: "
                    b"Bearer " + good.encode() + b"\r\n\r\n",
                    b"GET /../../access/tokens.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    b"GET /%2e%2e/%2e%2e/access/tokens.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    b"GET /api/v1/twins/lab:a%0d%0aX-Evil:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", node.http_port), timeout=10) as peer:
                peer.sendall(raw)
                got = peer.recv(65536)
                self.assertRegex(got, rb"^HTTP/1.1 4\d\d ", raw)
                self.assertNotIn(b"X-Evil", got.split(b"\r\n\r\n")[0])
                self.assertNotIn(b"hash", got)
        node.check_running()

    def test_pages_of_other_sites_change_nothing(self):
        node = self.started()
        host = "127.0.0.1:%d" % node.http_port
        body = json.dumps({"id": "lab:evil", "model": "device"})
        kind = {"Content-Type": "application/json"}
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            self.assertEqual(self.status(node, "POST", "/api/v1/twins", headers=kind | headers, body=body), 403)
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        self.assertEqual(self.status(node, "GET", "/api/v1/ws", headers=upgrade | {"Origin": "http://evil.example"}), 403)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", headers={"Host": "evil.example"}), 421)
        own = kind | {"Origin": "http://" + host, "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.status(node, "POST", "/api/v1/twins", headers=own, body=body), 201)

    def test_the_audit_log_tells_who_changed_what(self):
        node = self.started()
        alice = self.token(node, "alice", "--role", "engineer")
        eve = self.token(node, "eve", "--role", "viewer")
        body = json.dumps({"id": "lab:new", "model": "device"})
        headers = {"Content-Type": "application/json",
                   "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        self.assertEqual(self.status(node, "POST", "/api/v1/twins", alice, headers, body), 201)
        self.assertEqual(self.status(node, "DELETE", "/api/v1/twins/lab:new", eve), 403)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", alice), 200)

        def lines():
            told = [json.loads(line) for line in node.cli("audit", "-o", "jsonl").splitlines()]
            return [line for line in told if line["door"] == "http"]
        support.eventually(lambda: len(lines()) == 2, 20, "both lines")
        made, refused = lines()
        self.assertEqual((made["who"], made["method"], made["target"], made["status"], made["outcome"]),
                         ("alice", "POST", "/api/v1/twins", 201, "done"))
        self.assertEqual(made["trace"], "0af7651916cd43dd8448eb211c80319c")
        self.assertEqual(json.loads(made["body"])["id"], "lab:new")
        self.assertEqual((refused["who"], refused["status"], refused["outcome"]), ("eve", 403, "refused"))
        files = list((node.data / "audit").glob("*.jsonl"))
        self.assertEqual([f.stat().st_mode & 0o777 for f in files], [0o600])
        self.assertEqual(node.cli("audit", "--since", "2100-01-01T00:00:00Z"), "")

    def certificate(self):
        openssl = shutil.which("openssl")
        if not openssl:
            self.fail("openssl is not installed; tools/setup installs it")
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "certificate.pem")],
                       check=True, capture_output=True)
        return {"certificate_file": str(self.folder / "certificate.pem"), "key_file": str(self.folder / "key.pem")}

    def test_tls_serves_everything_and_nothing_older_than_1_2(self):
        node = self.node([MODEL], [dict(INGRESS)], http=self.certificate())
        node.start(ready=False)
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        support.eventually(lambda: self.status(node, "GET", "/readyz", context=context) == 200, 30, "readiness over TLS")
        token = self.token(node, "alice", "--role", "admin")
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", context=context), 401)
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", token, context=context), 200)
        self.assertEqual(self.status(node, "GET", "/api/v1/events", token, context=context), 200)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, OSError)):
            self.status(node, "GET", "/healthz", context=old)
        with socket.create_connection(("127.0.0.1", node.http_port), timeout=10) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                self.assertNotIn(b"HTTP/1.1 200", plain.recv(4096))
            except ConnectionResetError:
                pass
        self.assertEqual(self.status(node, "GET", "/healthz", context=context), 200)

    def test_a_node_that_others_would_reach_does_not_start(self):
        node = self.node([MODEL], [dict(INGRESS)], http={"address": "0.0.0.0"})
        done = node.run("config", "check")
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stdout + done.stderr, r"pollux\.toml:\d+:\d+: .*not a loopback address")
        node.start(ready=False)
        self.assertNotEqual(node.process.wait(30), 0)
        node.settings["http"] |= self.certificate()
        node.write_config()
        node.start(ready=False)  # TLS, and no token
        self.assertNotEqual(node.process.wait(30), 0)
        self.assertIn("token create", node.log())
        token = self.token(node, "alice", "--role", "admin")
        node.start(ready=False)
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        support.eventually(lambda: self.status(node, "GET", "/api/v1/twins", token, context=context) == 200, 30, "the start")
        self.assertEqual(self.status(node, "GET", "/api/v1/twins", context=context), 401)


if __name__ == "__main__":
    unittest.main()
