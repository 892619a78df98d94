# SPDX-License-Identifier: Apache-2.0
# What a whole node exports after real work: in both formats, in a real Prometheus, and against the
# dashboard, the alert rules and the page of documentation that name it.
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

DOCS = support.SOURCE / "docs"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00-%s-00f067aa0ba902b7-01" % TRACE
MODEL = {"name": "device",
         "telemetry": {"temperature": {}, "setpoint": {}},
         "event_time": {"disorder": "10s", "lateness": "1m"},
         "commands": {"set": {"argument": "setpoint", "min": 0, "max": 50, "ttl": "1m"}},
         "operators": [{"name": "w", "type": "window", "of": "temperature", "span": "5m"},
                       {"name": "hot", "type": "threshold", "value": "temperature", "above": 80}]}
INGRESS = [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}]
SUFFIXES = ("_bucket", "_sum", "_count", "_total", "")


def names_in(expression):
    return set(re.findall(r"\b(?:pollux|process)_[a-z0-9_]+", expression))


def families(text):
    """Name -> type, of a page in either format; HELP and TYPE must stand before each sample."""
    types, helped, samples = {}, set(), {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped and name not in types, line
            types[name] = kind
        elif line and not line.startswith("#"):
            sample = re.match(r"[a-z0-9_]+", line).group()
            family = next(sample[:len(sample) - len(s)] for s in SUFFIXES
                          if sample.endswith(s) and sample[:len(sample) - len(s)] in types)
            assert family == list(types)[-1], "samples of one name stand together: " + line
            samples.setdefault(family, []).append(line)
    assert set(types) == set(samples), set(types) ^ set(samples)
    return types


class Metrics(support.NodeTest):
    def working(self):
        """A node that has done each thing there is a metric of."""
        node = self.node([MODEL], INGRESS)
        node.start()
        device = self.client("device", version=5)
        for i in range(30):
            device.publish("telemetry/a", json.dumps({"ts": 1_700_000_000_000 + i * 1000,
                                                      "temperature": 90 if i > 20 else 20}), qos=1)
        device.publish("telemetry/a", "no JSON", qos=1)
        device.drain()
        support.eventually(lambda: node.applied("lab:a") == 30, 20, "all readings applied")
        support.eventually(lambda: node.metric("pollux_outbox_published_total") > 0, 20,
                           "the alert is published")
        support.eventually(lambda: node.metric("pollux_quarantine_records") == 1, 20, "quarantine")
        return node

    def page(self, node, accept=None, path="/metrics"):
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
        try:
            connection.request("GET", path, headers={"Accept": accept} if accept else {})
            answer = connection.getresponse()
            return answer.getheader("Content-Type"), answer.read().decode()
        finally:
            connection.close()

    def tool(self, name):
        found = shutil.which(name)
        if not found:
            self.fail("%s is not installed (Debian package prometheus); tools/setup installs it" % name)
        return found

    def test_openmetrics_says_the_same_in_its_own_words(self):
        node = self.working()
        plain_type, plain = self.page(node)
        open_type, text = self.page(node, OPENMETRICS)
        self.assertEqual(plain_type, "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(open_type, OPENMETRICS + "; charset=utf-8")
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertEqual(text.count("# EOF"), 1)
        old, new = families(plain), families(text)
        for name, kind in old.items():
            bare = name[:-len("_total")] if kind == "counter" else name
            self.assertEqual(new.get(bare), kind, name)
        self.assertEqual(len(old), len(new))
        self.assertFalse([n for n, k in new.items() if k == "counter" and n.endswith("_total")])

    def test_the_stages_of_a_reading_are_timed(self):
        node = self.working()
        # twins that are woken first are not sampled: one more for the twin that is awake now
        with self.client("later") as device:
            device.publish("telemetry/a", json.dumps({"ts": 1_700_000_100_000, "temperature": 20}),
                           qos=1)
            device.drain()
        support.eventually(lambda: node.applied("lab:a") == 31, 20, "the reading is applied")
        support.eventually(
            lambda: node.metric("pollux_stage_seconds_count", stage="journal_to_applied") > 0, 20,
            "a sampled hand-over")
        for stage in ("ingest_to_journal", "journal_to_applied", "ingest_to_alert"):
            count = node.metric("pollux_stage_seconds_count", stage=stage)
            total = node.metric("pollux_stage_seconds_sum", stage=stage)
            self.assertGreater(count, 0, stage)
            self.assertLess(total / count, 10, stage)
            p50, p999 = (node.metric("pollux_stage_quantile_seconds", stage=stage, quantile=q)
                         for q in ("0.5", "0.999"))
            self.assertGreater(p50, 0, stage)
            self.assertLessEqual(p50, p999, stage)
        def settled():
            now = node.metrics()
            return (now["pollux_inlet_credit_used_inputs"] == 0 and
                    # the creation of the one twin came with its first reading
                    now["pollux_journal_inputs_total"] == now["pollux_inlet_inputs_total"] + 1)
        support.eventually(settled, 10, "all that was taken is journaled and applied")
        # the devices' clock stands in 2023: the watermark is far behind, and the gauge says so
        self.assertGreater(node.metric("pollux_watermark_lag_worst_seconds"), 86_400)
        for owner in ("twins", "windows", "inlet", "store", "outbox", "feed"):
            self.assertIn('owner="%s"' % owner, self.page(node)[1])
        self.assertGreater(node.metric("pollux_memory_bytes", owner="twins"), 100)

    def test_dashboard_and_rules_name_what_a_node_exports(self):
        node = self.working()
        _, text = self.page(node)
        exported = {re.match(r"[a-z0-9_]+", line).group() for line in text.splitlines()
                    if line and not line.startswith("#")}
        dashboard = json.loads((DOCS / "grafana" / "pollux.json").read_text())
        used = set()
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                used |= names_in(target["expr"])
        self.assertGreater(len(used), 30)
        rules = (DOCS / "prometheus" / "pollux.rules.yml").read_text()
        in_rules = set().union(*(names_in(e) for e in re.findall(r"expr: (.*)", rules)))
        self.assertGreater(len(in_rules), 10)
        self.assertEqual((used | in_rules) - exported, set())
        for variable in dashboard["templating"]["list"]:
            self.assertLessEqual(names_in(json.dumps(variable)), exported)
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_the_page_of_documentation_lists_what_a_node_exports(self):
        node = self.working()
        exported = set(families(self.page(node)[1]))
        listed = re.findall(r"^\| `((?:pollux|process)_[a-z0-9_]+)", (DOCS / "metrics.md").read_text(),
                            re.M)
        self.assertEqual(len(listed), len(set(listed)), "listed twice")
        # those a node has only with the other source, or with jemalloc
        sometimes = {"pollux_mqtt_acknowledged_total", "pollux_allocator_allocated_bytes",
                     "pollux_allocator_resident_bytes"}
        self.assertEqual(set(listed) - exported - sometimes, set(), "listed, not exported")
        self.assertEqual(exported - set(listed), set(), "exported, not listed")

    def test_promtool_finds_the_rules_sound_and_each_fires_when_it_should(self):
        promtool = self.tool("promtool")
        rules = DOCS / "prometheus" / "pollux.rules.yml"
        tests = self.folder / "rules_test.yml"
        template = pathlib.Path(__file__).resolve().parent / "prometheus_rules_test.yml"
        tests.write_text(template.read_text().replace("RULES", str(rules)))
        for words in (("check", "rules", rules), ("check", "config", DOCS / "prometheus" / "prometheus.yml"),
                      ("test", "rules", tests)):
            done = subprocess.run([promtool, *map(str, words)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # and the tests can fail
        tests.write_text(tests.read_text().replace("PolluxTwinCrashes", "PolluxNobody"))
        done = subprocess.run([promtool, "test", "rules", str(tests)], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        tested = set(re.findall(r"Pollux\w+", template.read_text()))
        self.assertEqual(tested, set(re.findall(r"- alert: (\w+)", rules.read_text())))

    def test_debians_prometheus_scrapes_a_node(self):
        prometheus = self.tool("prometheus")
        node = self.working()
        port = support.free_port()
        # a node that asks for tokens, and the lines that are for one
        (self.folder / "token").write_text(node.cli("token", "create", "prometheus", "--role", "viewer").strip())
        config = (DOCS / "prometheus" / "prometheus.yml").read_text()
        config = config.replace("    # authorization:\n    #   credentials_file: /etc/prometheus/pollux.token\n",
                                "    authorization:\n      credentials_file: %s\n" % (self.folder / "token"))
        self.assertIn("\n    authorization:", config)
        config = config.replace("127.0.0.1:8080", "127.0.0.1:%d" % node.http_port).replace("15s", "1s")
        (self.folder / "prometheus.yml").write_text(config)
        shutil.copy(DOCS / "prometheus" / "pollux.rules.yml", self.folder)
        log = open(self.folder / "prometheus.log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [prometheus, "--config.file=" + str(self.folder / "prometheus.yml"),
             "--storage.tsdb.path=" + str(self.folder / "tsdb"),
             "--web.listen-address=127.0.0.1:%d" % port],
            stdout=log, stderr=log, cwd=self.folder)

        def end():
            process.kill()
            process.wait(10)
        self.addCleanup(end)

        def ask(query):
            url = "http://127.0.0.1:%d/api/v1/query?query=%s" % (port, urllib.parse.quote(query))
            with urllib.request.urlopen(url, timeout=5) as answer:
                found = json.loads(answer.read())["data"]["result"]
            return float(found[0]["value"][1]) if found else None
        support.eventually(lambda: ask("up") == 1, 60, "Prometheus sees the node")
        support.eventually(lambda: ask("pollux_twin_readings_total") == 30, 30, "a counter's value")
        # the octaves are a histogram Prometheus computes with, and the summary one it shows
        stage = 'stage="ingest_to_journal"'
        self.assertGreater(ask("histogram_quantile(0.99, pollux_stage_seconds_bucket{%s})" % stage), 0)
        self.assertGreater(ask('pollux_stage_quantile_seconds{%s,quantile="0.99"}' % stage), 0)
        self.assertEqual(ask('count(ALERTS{alertname="PolluxDown"}) or vector(0)'), 0)
        # what the dashboard asks is understood, and what is no rate has an answer
        asked = 0
        for panel in json.loads((DOCS / "grafana" / "pollux.json").read_text())["panels"]:
            for target in panel.get("targets", []):
                query = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "30s")
                value = ask(query)  # raises when it is no PromQL
                asked += 1
                if "rate(" not in query and "quantile" not in query:
                    self.assertIsNotNone(value, "%s: %s" % (panel["title"], query))
        self.assertGreater(asked, 40)
        self.assertEqual(ask("scrape_samples_scraped == scrape_samples_post_metric_relabeling"),
                         ask("scrape_samples_scraped"))

    def test_a_trace_goes_from_the_asker_to_the_device_and_into_the_log(self):
        node = self.working()
        device = self.client("listener", version=5)
        device.subscribe("twins/lab/a/commands/set/request", qos=1)
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
        self.addCleanup(connection.close)

        def post(path, body):
            connection.request("POST", path, body=json.dumps(body),
                               headers={"Content-Type": "application/json", "traceparent": PARENT})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        status, answer = post("/api/v1/twins/lab:nobody/commands", {"name": "set"})
        self.assertEqual((status, answer["trace_id"]), (404, TRACE))
        status, answer = post("/api/v1/twins/lab:a/commands", {"name": "set", "arguments": {"setpoint": 3}})
        self.assertEqual(status, 202, answer)
        heard = device.wait_for(lambda m: b"set" in m.payload)
        self.assertEqual(dict(heard.user_properties).get("traceparent"), PARENT)
        support.eventually(lambda: TRACE in node.log(), 20, "the command's line in the log")
        support.eventually(
            lambda: node.metric("pollux_stage_seconds_count", stage="command_to_sent") > 0, 20,
            "the command's time to the broker")
        device.publish("telemetry/a", "no JSON", qos=1, user_properties=[("traceparent", PARENT)])
        device.drain()
        rows = support.eventually(lambda: [r for r in node.quarantine() if TRACE in json.dumps(r)], 20,
                                  "the trace in quarantine")
        self.assertEqual(len(rows), 1)

    def test_an_alert_goes_out_with_the_trace_of_its_reading(self):
        node = self.working()
        listener = self.client("listener", version=5)
        listener.subscribe("twins/lab/a/alerts", qos=1)
        device = self.client("tracing", version=5)
        at = 1_700_000_200_000
        device.publish("telemetry/a", json.dumps({"ts": at, "temperature": 20}), qos=1)
        cleared = listener.wait_for(lambda m: b"cleared" in m.payload)
        self.assertNotIn("traceparent", dict(cleared.user_properties))  # its reading had none
        device.publish("telemetry/a", json.dumps({"ts": at + 1000, "temperature": 95}), qos=1,
                       user_properties=[("traceparent", PARENT)])
        raised = listener.wait_for(lambda m: b"raised" in m.payload and m is not cleared)
        self.assertEqual(dict(raised.user_properties).get("traceparent"), PARENT)
        told = support.eventually(lambda: [line for line in node.log().splitlines() if TRACE in line], 20,
                                  "the alert's line in the log")
        self.assertIn("an alert is published", told[0])

    def test_every_line_of_a_json_log_is_an_object_with_the_same_members(self):
        node = self.node([MODEL], INGRESS, log={"format": "json", "level": "debug"})
        node.start()
        device = self.client("device", version=5)
        device.publish("telemetry/a", '{"temperature": 90}', qos=1)
        device.publish("telemetry/a", 'no "JSON"\nat all \x00\x1b[31m\\', qos=1,
                       user_properties=[("traceparent", PARENT)])
        device.publish("telemetry/\u00fcmlaut\u2028/x", "1", qos=1)
        device.drain()
        support.eventually(lambda: node.applied("lab:a") == 1, 20, "the reading is applied")
        support.eventually(lambda: node.quarantine(), 20, "quarantine")
        node.cli("twin", "delete", "lab:nobody", code=3)
        self.broker.stop()  # a warning
        support.eventually(lambda: node.metric("pollux_mqtt_connected", direction="in") == 0, 20, "the loss")
        node.stop()
        lines = [json.loads(line) for line in node.log().splitlines()]  # raises when one is none
        self.assertGreater(len(lines), 5)
        for line in lines:
            self.assertEqual(list(line)[:4], ["time", "level", "component", "msg"], line)
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
            self.assertIn(line["level"], ("trace", "debug", "info", "warning", "error"))
            self.assertTrue(line["component"] and line["msg"], line)
        self.assertIn(TRACE, [line.get("trace_id") for line in lines])
        started = next(line for line in lines if line["msg"] == "started")
        self.assertIsInstance(started["twins"], int)


if __name__ == "__main__":
    unittest.main()
