# SPDX-License-Identifier: Apache-2.0
# The dashboard as a whole node serves it: files of web/dist, one page for every view's address, the
# headers that bind it, and what it must not give away.
import gzip
import http.client
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

DIST = support.SOURCE / "web" / "dist"
MODEL = {"name": "device", "telemetry": {"temperature": {}},
         "operators": [{"name": "w", "type": "window", "of": "temperature", "span": "5m"}]}
INGRESS = {"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
         ".txt": "text/plain; charset=utf-8"}


class Dashboard(support.NodeTest):
    def started(self, **settings):
        node = self.node([MODEL], [dict(INGRESS)], **settings)
        node.start()
        return node

    def ask(self, node, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
        try:
            connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def test_every_file_is_served_as_it_is_and_compressed(self):
        node = self.started()
        files = [f for f in DIST.rglob("*") if f.is_file()]
        self.assertGreater(len(files), 5)
        for file in files:
            path = "/" + str(file.relative_to(DIST))
            with self.subTest(path):
                answer, body = self.ask(node, path)
                self.assertEqual((answer.status, body), (200, file.read_bytes()))
                self.assertEqual(answer.getheader("Content-Type"), TYPES[file.suffix])
                self.assertEqual(answer.getheader("Content-Security-Policy"), POLICY)
                self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")
                self.assertEqual(answer.getheader("Referrer-Policy"), "no-referrer")
                forever = path.startswith("/assets/")
                self.assertEqual(answer.getheader("Cache-Control"),
                                 "public, max-age=31536000, immutable" if forever else "no-cache")
                small, pressed = self.ask(node, path, Accept_Encoding="gzip, br")
                if small.getheader("Content-Encoding") == "gzip":
                    self.assertLess(len(pressed), len(body))
                    pressed = gzip.decompress(pressed)
                else:
                    self.assertLess(len(body), 1001)
                self.assertEqual(pressed, body)
                tag = answer.getheader("ETag")
                self.assertEqual(small.getheader("ETag"), tag)
                same, nothing = self.ask(node, path, If_None_Match=tag)
                self.assertEqual((same.status, nothing), (304, b""))
                head, nothing = self.ask(node, path, method="HEAD")
                self.assertEqual((head.status, nothing, int(head.getheader("Content-Length"))), (200, b"", len(body)))

    def test_every_view_has_an_address_and_other_doors_keep_theirs(self):
        node = self.started()
        page = (DIST / "index.html").read_bytes()
        router = (support.SOURCE / "web" / "src" / "router.ts").read_text()
        views = set(re.findall(r"\^\\/(\w+)", router))
        self.assertIn("twins", views)
        for view in sorted(views):
            for path in ("/" + view, "/%s/plant1:motor-1?at=2026-01-01T00:00:00Z" % view):
                answer, body = self.ask(node, path, Accept="text/html,*/*;q=0.8")
                self.assertEqual((answer.status, body), (200, page), path)
                self.assertEqual(answer.getheader("Cache-Control"), "no-cache")
        for path in ("/api/v1/nothing", "/things/lab:nobody", "/models/nothing", "/.well-known/nothing"):
            answer, body = self.ask(node, path, Accept="text/html,*/*;q=0.8")
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (404, "application/problem+json"), path)
        self.assertEqual(self.ask(node, "/twins", Accept="application/json")[0].status, 404)
        answer, body = self.ask(node, "/twins", method="DELETE")
        self.assertEqual((answer.status, answer.getheader("Allow")), (405, "GET, HEAD"))

    def test_nothing_outside_is_reached(self):
        node = self.started()
        page = (DIST / "index.html").read_bytes()
        for path in ("/../pollux.toml", "/../../../../etc/passwd", "/assets/../../src/main.tsx",
                     "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/assets/..%5c..%5cx", "//etc/passwd",
                     "/.env", "/.git/config", "/twins/%00", "/twins/%0d%0aX-Injected:%201"):
            with self.subTest(path):
                answer, body = self.ask(node, path)
                self.assertIn(answer.status, (400, 404))
                self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
                self.assertIsNone(answer.getheader("X-Injected"))
                self.assertNotEqual(body, page)

    def test_the_page_is_open_where_the_data_are_not(self):
        node = self.started()
        secret = node.cli("token", "create", "ada", "--role", "viewer").strip()
        self.assertEqual(self.ask(node, "/")[0].status, 200)
        self.assertEqual(self.ask(node, "/api/v1/twins")[0].status, 401)
        self.assertEqual(self.ask(node, "/metrics")[0].status, 401)
        self.assertEqual(self.ask(node, "/api/v1/twins", Authorization="Bearer " + secret)[0].status, 200)
        # a page of another name for this machine is none of ours
        self.assertEqual(self.ask(node, "/", Host="evil.example")[0].status, 421)


if __name__ == "__main__":
    unittest.main(verbosity=2)
