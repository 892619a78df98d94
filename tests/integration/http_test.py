# SPDX-License-Identifier: Apache-2.0
# The HTTP door of a whole node, with ordinary and with hostile clients; and the verbs that judge a
# configuration and a machine.
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

MODEL = {"name": "device", "telemetry": {"temperature": {}},
         "operators": [{"name": "w", "type": "window", "of": "temperature", "span": "5m"}]}
INGRESS = [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}]


class Http(support.NodeTest):
    def started(self, readings=0, **http):
        node = self.node([MODEL], [dict(INGRESS[0])], http=http)
        node.start()
        if readings:
            device = self.client("device")
            for i in range(readings):
                device.publish("telemetry/a", json.dumps({"ts": 1_700_000_000_000 + i * 1000,
                                                          "temperature": i}), qos=1)
            device.drain()
            support.eventually(lambda: node.applied("lab:a") == readings, 20, "all readings applied")
        return node

    def get(self, node, path, headers=None, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def test_metrics_pass_promtool_after_real_work(self):
        node = self.started(readings=20)
        self.get(node, "/api/v1/nowhere")
        answer, text = self.get(node, "/metrics")
        self.assertEqual(answer.getheader("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
        for name in ("process_resident_memory_bytes", "pollux_http_requests_total"):
            self.assertIn("\n" + name, text)
        self.assertGreater(node.metric("pollux_http_requests_total", code="404"), 0)
        promtool = shutil.which("promtool")
        if not promtool:
            self.fail("promtool is not installed (Debian package prometheus); tools/setup installs it")
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_a_twin_has_a_tag_that_changes_with_its_state(self):
        node = self.started(readings=3)
        answer, text = self.get(node, "/api/v1/twins/lab:a")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"), "application/json")
        self.assertEqual(json.loads(text)["id"], "lab:a")
        tag = answer.getheader("ETag")
        self.assertRegex(tag, r'^"rev:\d+"$')
        again, text = self.get(node, "/api/v1/twins/lab%3Aa", {"If-None-Match": tag})
        self.assertEqual((again.status, text), (304, ""))
        self.client("more").publish("telemetry/a", '{"temperature": 9}', qos=1)
        support.eventually(lambda: node.applied("lab:a") == 4, 20, "one more reading")
        self.assertEqual(self.get(node, "/api/v1/twins/lab:a", {"If-None-Match": tag})[0].status, 200)
        head, text = self.get(node, "/api/v1/twins/lab:a", method="HEAD")
        self.assertEqual((head.status, text), (200, ""))
        self.assertGreater(int(head.getheader("Content-Length")), 100)

    def test_problems_are_documents(self):
        node = self.started()
        for path, method, status in (("/api/v1/twins/lab:nobody", "GET", 404),
                                     ("/api/v1/twins/nonsense", "GET", 400),
                                     ("/api/v1/nothing", "GET", 404),
                                     ("/healthz", "DELETE", 405)):
            answer, text = self.get(node, path, method=method)
            self.assertEqual(answer.status, status, path)
            self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
            self.assertEqual(json.loads(text)["status"], status)

    def test_stats_health_and_readiness(self):
        node = self.started(readings=5)
        self.assertEqual(node.http("/healthz"), (200, "ok\n"))
        status, text = node.http("/readyz?verbose")
        self.assertEqual(status, 200)
        self.assertIn("[+]broker ok", text)
        stats = json.loads(node.http("/api/v1/stats")[1])
        self.assertIsInstance(stats, dict)
        self.assertTrue(stats)

    def test_many_requests_in_a_row_and_at_once(self):
        node = self.started(readings=1)
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
        for _ in range(1000):
            connection.request("GET", "/api/v1/twins/lab:a")
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
        connection.close()
        good = []

        def ask():
            for _ in range(20):
                good.append(self.get(node, "/api/v1/twins/lab:a")[0].status)
        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(good, [200] * 320)

    def test_hostile_clients_get_a_refusal_and_harm_nobody(self):
        node = self.started(readings=1, connections=256)
        for sent, status in ((b"NONSENSE\r\n\r\n", 400),
                             (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
                             (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431),
                             (b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", 413)):
            with socket.create_connection(("127.0.0.1", node.http_port), timeout=10) as raw:
                raw.sendall(sent)
                self.assertIn(b"HTTP/1.1 %d " % status, raw.recv(65536), sent[:40])
        slow = []
        for _ in range(300):  # more than the node takes: half-open requests that never end
            s = socket.create_connection(("127.0.0.1", node.http_port), timeout=10)
            s.sendall(b"GET /hea")
            slow.append(s)
        refused = sum(1 for s in slow[256:] if b"503" in s.recv(65536))
        self.assertGreater(refused, 0)
        node.check_running()
        for s in slow:
            s.close()
        support.eventually(lambda: node.http("/healthz")[0] == 200, 20, "room again")
        self.assertEqual(node.stop()[0], 0)

    def test_config_check_tells_everything_at_once(self):
        node = self.node([MODEL], [dict(INGRESS[0])])
        self.assertIn("1 ingress topics, 1 models (device)", node.cli("config", "check"))
        (node.models / "broken.json").write_text('{"name": "b",\n "telemetri": {}}')
        node.ingress[0]["model"] = "devise"
        node.settings["http"]["prot"] = 1
        node.write_config()
        done = node.run("config", "check", "-o", "json")
        self.assertEqual(done.returncode, 78, done.stderr)
        document = json.loads(done.stdout)
        self.assertFalse(document["ok"])
        errors = "\n".join(document["errors"])
        self.assertRegex(errors, r"pollux\.toml:\d+:1: \[http\] unknown key 'prot'; did you mean 'port'\?")
        self.assertIn("broken.json:2:", errors)
        self.assertIn('no model "devise"', errors)
        self.assertIn('did you mean "device"', errors)

    def test_config_show_prints_a_configuration_that_can_be_used(self):
        node = self.node([MODEL], [dict(INGRESS[0])])
        shown = node.cli("config", "show")
        copy = node.folder / "copy.toml"
        copy.write_text(shown)
        self.assertEqual(node.cli("config", "show", copy).split("\n", 1)[1], shown.split("\n", 1)[1])

    def test_the_doctor_judges_broker_and_settings(self):
        node = self.started()
        bad = self.folder / "bad.conf"
        bad.write_text("max_queued_messages 0\n")
        done = node.run("doctor", "--mosquitto-conf", bad, "-o", "json")
        self.assertEqual(done.returncode, 1)
        found = json.loads(done.stdout)
        said = {f["finding"]: f["grade"] for f in found["findings"]}
        self.assertEqual(found["worst"], "fail")
        self.assertTrue(any("takes connections" in s for s in said))
        self.assertTrue(any("process %d runs" % node.pid in s for s in said), said)
        self.assertTrue(any("max_queued_messages 0" in s and g == "fail" for s, g in said.items()))
        self.broker.stop()
        done = node.run("doctor", "--mosquitto-conf", support.SOURCE / "config" / "mosquitto.conf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not reachable", done.stdout)

    def test_an_unknown_verb_is_answered_with_the_nearest(self):
        node = self.node([MODEL], [dict(INGRESS[0])])
        done = node.run("docter")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'pollux doctor'?", done.stderr)
        self.assertEqual(node.run("doctor", "-o", "xml").returncode, 2)


if __name__ == "__main__":
    unittest.main()
