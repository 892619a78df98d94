# SPDX-License-Identifier: Apache-2.0
# Search on a whole node: awake, asleep and after a restart, by HTTP and by command line.
import http.client
import json
import pathlib
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

MODEL = {"name": "device", "kind": "device",
         "telemetry": {"temperature": {}, "state": {"type": "text"}},
         "operators": [{"name": "w", "type": "window", "of": "temperature", "span": "5m"},
                       {"name": "hot", "type": "threshold", "value": "temperature", "above": 80,
                        "severity": "critical"}]}
INGRESS = [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}]
START = 1_700_000_000_000
TWINS = 30


class Search(support.NodeTest):
    def started(self, **twins):
        node = self.node([MODEL], [dict(INGRESS[0])], twins=twins)
        node.start()
        device = self.client("device")
        for i in range(TWINS):
            device.publish("telemetry/t%02d" % i, json.dumps({"ts": START + i * 1000, "temperature": i * 4,
                                                              "state": "even" if i % 2 == 0 else "odd"}), qos=1)
        device.drain()
        support.eventually(lambda: self.found(node, "ge(readings,1)") == TWINS, 30, "all twins found")
        return node

    def ask(self, node, path, method="GET", body=None, headers=None, **query):
        connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=30)
        try:
            words = "?" + urllib.parse.urlencode(query) if query else ""
            connection.request(method, path + words, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def ids(self, node, filter_, **query):
        status, page = self.ask(node, "/api/v1/twins", filter=filter_, **query)
        self.assertEqual(status, 200, page)
        return [item["id"] for item in page["items"]]

    def found(self, node, filter_):
        return len(self.ids(node, filter_, limit=1000))

    def check_answers(self, node):
        hot = ["lab:t%02d" % i for i in range(21, TWINS)]
        self.assertEqual(self.ids(node, "gt(telemetry/temperature,80)"), hot)
        self.assertEqual(self.ids(node, 'eq(alerts/severity,"critical")'), hot)
        self.assertEqual(self.ids(node, 'eq(alerts/hot/state,"active")', sort="-telemetry/temperature"), hot[::-1])
        self.assertEqual(self.ids(node, "and(eq(windows/w/mean,40),eq(windows/w/count,1))"), ["lab:t10"])
        self.assertEqual(self.ids(node, 'and(like(id,"lab:t0*"),not(eq(telemetry/state,"odd")))'),
                         ["lab:t00", "lab:t02", "lab:t04", "lab:t06", "lab:t08"])
        self.assertEqual(self.ids(node, "lt(age,10)"), [])
        status, answer = self.ask(node, "/api/v1/search/aggregate", group_by="telemetry/state",
                                  values="count,mean(telemetry/temperature)")
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["count"], TWINS)
        self.assertEqual(answer["groups"], [
            {"by": {"telemetry/state": "even"}, "count": 15, "mean(telemetry/temperature)": 56},
            {"by": {"telemetry/state": "odd"}, "count": 15, "mean(telemetry/temperature)": 60}])

    def test_answers_are_the_same_awake_asleep_and_after_a_restart(self):
        node = self.started(passivate_after="1s")
        self.check_answers(node)
        support.eventually(lambda: self.found(node, "eq(awake,false)") == TWINS, 30, "all asleep")
        self.check_answers(node)
        node.stop()
        node.start()
        self.check_answers(node)
        support.eventually(lambda: self.found(node, "eq(awake,false)") == TWINS, 30, "all asleep again")
        self.check_answers(node)

    def test_pages_by_cursor_give_each_twin_once(self):
        node = self.started()
        for sort in ("", "-telemetry/temperature", "telemetry/state,-id"):
            seen, cursor = [], None
            while True:
                query = {"filter": "", "sort": sort or "+id", "limit": 7, "count": "true"}
                if cursor:
                    query["cursor"] = cursor
                status, page = self.ask(node, "/api/v1/twins", **query)
                self.assertEqual(status, 200, page)
                self.assertEqual(page["count"], TWINS)
                seen += [item["id"] for item in page["items"]]
                cursor = page.get("next")
                if not cursor:
                    break
            self.assertEqual(seen, self.ids(node, "", sort=sort or "+id", limit=1000))
            self.assertEqual(len(set(seen)), TWINS)

    def test_what_was_written_is_found_and_what_is_deleted_is_not(self):
        node = self.started()
        patch = {"Content-Type": "application/merge-patch+json"}
        for i in range(20):
            status, answer = self.ask(node, "/api/v1/twins/lab:t05", "PATCH",
                                      json.dumps({"properties": {"round": i}}), patch)
            self.assertEqual(status, 200, answer)
            self.assertEqual(self.ids(node, "eq(properties/round,%d)" % i), ["lab:t05"])
        revision = int(node.twin("lab:t05")["revision"].split("-")[0], 16)
        self.assertEqual(self.ids(node, "eq(readings,1)", at_least="lab:t05 rev:%d" % revision, limit=1),
                         ["lab:t00"])
        status, answer = self.ask(node, "/api/v1/twins", at_least="lab:t05 rev:%d" % (revision + 10**6))
        self.assertEqual(status, 504, answer)
        self.assertEqual(self.ask(node, "/api/v1/twins", at_least="lab:none rev:1")[0], 404)
        self.assertEqual(self.ask(node, "/api/v1/twins/lab:t05", "DELETE")[0], 204)
        support.eventually(lambda: self.ids(node, 'eq(id,"lab:t05")') == [], 10, "the deleted twin is gone")
        self.assertEqual(len(self.ids(node, "", sort="id", limit=1000)), TWINS - 1)

    def test_errors_name_the_column(self):
        node = self.started()
        status, problem = self.ask(node, "/api/v1/twins", filter="gt(telemetry/temperature;80)")
        self.assertEqual(status, 400)
        self.assertIn("column", json.dumps(problem))
        done = node.run("twin", "search", "gt(temperature,80)")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("column 4: no path 'temperature'", done.stdout + done.stderr)

    def test_the_command_line_searches(self):
        node = self.started()
        rows = node.ask("twin", "search", "gt(telemetry/temperature,100)", "--sort", "-telemetry/temperature",
                        "--fields", "id,telemetry/temperature/value", "--limit", "2")
        self.assertEqual(rows, [{"id": "lab:t29", "telemetry": {"temperature": {"value": 116}}},
                                {"id": "lab:t28", "telemetry": {"temperature": {"value": 112}}}])
        groups = node.ask("twin", "search", "--group-by", "model", "--values", "count,max(telemetry/temperature)")
        self.assertEqual(groups, [{"by": {"model": "device"}, "count": TWINS, "max(telemetry/temperature)": 116}])


if __name__ == "__main__":
    unittest.main()
