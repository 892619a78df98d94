# SPDX-License-Identifier: Apache-2.0
# The past of a running node: values over time from wherever they lie, what was missing, and a twin
# as it was at any moment, which is what it said of itself at that moment.
import csv
import io
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

START = 1_700_000_000_000
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"}]
MODEL = {"name": "m", "telemetry": {"x": {}, "y": {}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "1m"},
    {"name": "mean", "type": "threshold", "value": "w.mean", "above": 30},
    {"name": "high", "type": "threshold", "value": "x", "above": 50, "clear": 45}]}


class History(support.NodeTest):
    def make_node(self, **journal):
        return self.node([MODEL], INGRESS, journal=journal).start()

    def send(self, name, rows):
        if not hasattr(self, "sender"):
            self.sender = self.client("sender")
        for second, values in rows:
            self.sender.publish("t/" + name, json.dumps(dict(values, ts=START + second * 1000)), qos=1)
        self.sender.drain()

    def wait_applied(self, node, name, count):
        support.eventually(lambda: node.applied("a:" + name) == count, 30,
                           lambda: "%d of %s" % (node.applied("a:" + name), count))

    @staticmethod
    def lines_of(text):
        return [json.loads(line) for line in text.splitlines()]

    @staticmethod
    def rows_of(text):
        return list(csv.DictReader(io.StringIO(text)))

    def test_buckets_m4_and_aggregates_equal_plain_python(self):
        node = self.make_node(tail_readings=2000)  # the oldest part is sealed into blocks
        values = [(i, (i * 7919) % 1000 / 10) for i in range(4000) if not 1000 <= i < 1600]
        self.send("one", [(i, {"x": v, "y": i} if i % 2 else {"x": v}) for i, v in values])
        self.wait_applied(node, "one", len(values))

        rows = self.rows_of(node.cli("twin", "history", "a:one", "--bucket", "10m", "--telemetry", "x",
                                     "-o", "csv"))
        expected = {}
        for i, v in values:
            expected.setdefault((START // 1000 + i) // 600, []).append(v)
        self.assertEqual(len(rows), len(expected))
        for row, (_, inside) in zip(rows, sorted(expected.items())):
            self.assertEqual(int(row["count"]), len(inside))
            self.assertEqual(float(row["min"]), min(inside))
            self.assertEqual(float(row["max"]), max(inside))
            self.assertAlmostEqual(float(row["mean"]), sum(inside) / len(inside), 9)

        whole = {r["telemetry"]: r for r in self.rows_of(
            node.cli("twin", "history", "a:one", "--aggregate", "-o", "csv"))}
        self.assertEqual(int(whole["x"]["count"]), len(values))
        self.assertAlmostEqual(float(whole["x"]["sum"]), sum(v for _, v in values), 6)
        self.assertEqual(int(whole["y"]["count"]), sum(1 for i, _ in values if i % 2))

        drawn = self.rows_of(node.cli("twin", "history", "a:one", "--m4", "--points", "50",
                                      "--telemetry", "x", "-o", "csv"))
        self.assertLessEqual(len(drawn), 4 * 50)
        self.assertEqual(max(float(r["value"]) for r in drawn), max(v for _, v in values))
        self.assertEqual(min(float(r["value"]) for r in drawn), min(v for _, v in values))
        self.assertEqual([float(drawn[0]["value"]), float(drawn[-1]["value"])],
                         [values[0][1], values[-1][1]])

        said = node.ask("twin", "completeness", "a:*", "--every", "1s")
        twin = said["twins"][0]
        self.assertEqual((twin["readings"], twin["expected"]), (len(values), 4000))
        self.assertEqual([g["missing"] for g in twin["gaps"]], [600])

        bad = node.run("twin", "history", "a:one", "--bucket", "1 fortnight")
        self.assertEqual(bad.returncode, 2)
        self.assertIn("--bucket", bad.stderr)

    def test_a_twin_as_it_was_is_what_it_said_then(self):
        node = self.make_node(tail_readings=2000)
        then = []
        for part in range(6):
            self.send("one", [(part * 700 + i, {"x": 60 if (i // 20) % 9 == part else 20 + i % 5})
                              for i in range(700)])
            self.wait_applied(node, "one", (part + 1) * 700)
            then.append(node.twin("a:one"))
            if part == 2:
                node.kill()
                node.start()
        for document in then:
            replayed = node.ask("replay", "a:one", "--at", document["last_ingest_time"])
            for part in ("revision", "readings", "windows", "next_wakeup", "model", "incarnation"):
                self.assertEqual(replayed[part], document[part], part)
            self.assertEqual([a["incident"] for a in replayed["alerts"]],
                             [a["incident"] for a in document["alerts"]])
            self.assertEqual({n: v["value"] for n, v in replayed["telemetry"].items()},
                             {n: v["value"] for n, v in document["telemetry"].items()})
            self.assertEqual([(r["name"], r["state"]) for r in replayed["rules"]],
                             [(r["name"], r["state"]) for r in document["rules"]])

        by_event = node.ask("replay", "a:one", "--clock", "event", "--at", str(START // 1000 + 1399))
        self.assertEqual(by_event["readings"]["applied"], 1400)

        steps = self.lines_of(node.cli("replay", "a:one", "--step", "-o", "jsonl"))
        born = [e["incident"] for s in steps for e in s["effects"] if e.get("transition") == "raised"]
        stored = [a["incident"] for a in node.alerts("--all")]
        self.assertEqual(sorted(born), sorted(stored))
        self.assertEqual(sum(len(s.get("readings", [])) for s in steps), 4200)
        live = node.ask("replay", "a:one")
        self.assertEqual(steps[-1]["state_hash"], live["at"]["state_hash"])
        # what a step changed is told: the window grew, the rule said why
        told = {c["part"] for s in steps[10:40] for c in s["changes"]}
        self.assertTrue({"windows", "rules"} <= told, told)

        few = self.lines_of(node.cli("replay", "a:one", "--from", then[0]["last_ingest_time"], "--limit",
                                 "3", "-o", "jsonl"))
        self.assertEqual(len(few), 3)
        node.stop()
        offline = json.loads(node.cli("replay", "a:one", "--offline", "--data", str(node.data),
                                      "--at", then[1]["last_ingest_time"], "-o", "json"))
        self.assertEqual(offline["revision"], then[1]["revision"])
        missing = node.run("replay", "a:two", "--offline", "--data", str(node.data))
        self.assertEqual(missing.returncode, 3)


if __name__ == "__main__":
    unittest.main()
