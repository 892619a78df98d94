# SPDX-License-Identifier: Apache-2.0
# `pollux backtest` against a real node: what it says of a changed limit is what was bound to come,
# online and on the stopped node's folder alike, and on recorded data it is what a second node under
# the changed model really raised.
import csv
import html.parser
import json
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

START = 1_700_000_000_000
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"}]
HILL = [10, 20, 30, 40, 50, 60, 50, 40, 30, 20]  # one a minute
MESSAGE = "x is <high> & \"hot\" <script>alert('1')</script>"


def model(limit, *more):
    return {"name": "m", "telemetry": {"x": {}}, "operators": [
        {"name": "high", "type": "threshold", "value": "x", "above": limit, "message": MESSAGE},
        *more]}


class TagsAndText(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attributes)

    def handle_data(self, data):
        self.words.append(data)


class Backtest(support.NodeTest):
    def put(self, name, document):
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    def send(self, names, values, chunk=500):
        sender = self.client("sender")
        for name in names:
            for first in range(0, len(values), chunk):
                rows = [{"ts": START + (first + i) * 60_000, "x": v}
                        for i, v in enumerate(values[first:first + chunk])]
                sender.publish("t/" + name, json.dumps(rows), qos=1)
        sender.drain(60)

    def wait_applied(self, node, names, count, seconds=60):
        for name in names:
            support.eventually(lambda: node.applied("a:" + name) == count, seconds,
                               lambda: "%s: %d of %d" % (name, node.applied("a:" + name), count))

    def check_hills(self, report, twins, hills):
        alerts = report["alerts"]
        self.assertEqual(report["state"], "complete")
        self.assertEqual(report["twins"]["compared"], twins)
        self.assertEqual((alerts["ruling"], alerts["candidate"], alerts["moved"]),
                         (twins * hills, twins * hills, twins * hills))
        self.assertEqual((alerts["gained"], alerts["lost"], alerts["same"]), (0, 0, 0))
        self.assertEqual(report["lead_s"]["median"], 120)  # 35 is passed two minutes before 55
        self.assertTrue(report["warm_up"]["exact"])

    def test_a_tightened_limit_is_told_online_and_offline_and_promoted(self):
        node = self.node([model(55)], INGRESS).start()
        names = ["one", "two", "three"]
        self.send(names, HILL * 12)
        self.wait_applied(node, names, 120)
        new = self.put("new.json", model(35))
        page, kept = self.folder / "report.html", self.folder / "report.json"
        online = node.ask("backtest", "--model", new, "--html", page, "--json", kept)
        self.check_hills(online, 3, 12)
        self.assertEqual(json.loads(kept.read_text()), online)
        one = online["differences"][0]
        self.assertEqual((one["kind"], one["rule"]), ("moved", "high"))
        self.assertEqual(one["candidate"]["evidence"]["numbers"]["value"], 40)
        stored = node.ask("alert", "show", one["twin"], one["ruling"]["incident"])
        self.assertEqual(stored["rule"], "high")
        self.assertIn(stored["incident"], one["ruling"]["show"])

        text = page.read_text()
        xml.fromstring(text.split("\n", 1)[1])  # well formed to the letter
        found = TagsAndText(text)
        self.assertNotIn("script", found.tags)
        self.assertIn("svg", found.tags)
        self.assertTrue(any(MESSAGE in word for word in found.words))
        self.assertNotIn("://", text)

        table = node.cli("backtest", "--model", new)
        self.assertIn("36", table)
        self.assertIn("exact", table)
        loose = node.ask("backtest", "--model", self.put("loose.json", model(1000)))
        self.assertEqual((loose["alerts"]["lost"], loose["alerts"]["candidate"]), (36, 0))
        few = node.ask("backtest", "--model", new, "--twins", "a:t*",
                       "--from", str(START // 1000), "--to", str(START // 1000 + 599))
        self.check_hills(few, 2, 1)

        before = node.ask("model", "ls")[0]["hash"]
        promoted = node.ask("backtest", "--model", new, "--promote", "--by", "ada")
        self.check_hills(promoted, 3, 12)
        after = node.ask("model", "ls")[0]
        self.assertNotEqual(after["hash"], before)
        self.assertEqual(after["hash"], promoted["model"]["candidate"])
        self.assertEqual(node.ask("model", "history", "m")[0]["by"], "ada")

        node.stop()
        offline = node.ask("backtest", "--model", new, "--to", str(START // 1000 + 7199))
        self.check_hills(offline, 3, 12)
        self.assertEqual(offline["differences"], online["differences"])
        refused = node.run("backtest", "--model", new, "--promote")
        self.assertEqual(refused.returncode, 2, refused.stderr)

    def test_a_bad_model_is_refused_with_its_place(self):
        node = self.node([model(55)], INGRESS).start()
        bad = self.put("bad.json", '{"name": "m",\n "telemetri": {"x": {}}}')
        done = node.run("backtest", "--model", bad)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("bad.json:2:15: model has no key", done.stderr)
        self.assertEqual(node.run("backtest", "--model", self.put("ok.json", model(1)), "--warm-up",
                                  "7d").returncode, 2)
        self.assertEqual(node.run("backtest", "--model", str(self.folder / "none.json")).returncode, 3)

    def test_a_cancelled_run_gives_whole_twins_and_says_so(self):
        node = self.node([model(55)], INGRESS).start()
        names = ["n%d" % i for i in range(12)]
        self.send(names, HILL * 2000)
        self.wait_applied(node, names, 20_000)
        heavy = model(35, {"name": "w", "type": "window", "of": "x", "span": "7d"},
                      *({"name": "r%d" % i, "type": "robust", "of": "x", "span": "7d", "limit": 9}
                        for i in range(3)))
        new = self.put("heavy.json", heavy)
        for online in (True, False):
            if not online:
                node.stop()
            report = self.cancelled(node, new)
            twins = report["twins"]
            self.assertEqual(report["state"], "cancelled")
            self.assertEqual(twins["asked"], 12)
            self.assertLess(twins["done"], 12)
            self.assertEqual(report["alerts"]["ruling"], 2000 * twins["compared"])

    def cancelled(self, node, new):
        """Interrupts later and later, until it is neither before the start nor after the end."""
        wait = 0.1
        until = time.monotonic() + 90
        while time.monotonic() < until:
            run = subprocess.Popen(
                [support.binary(), "--config", str(node.config), "backtest", "--model", new,
                 "--jobs", "1", "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, cwd=node.folder, env=support.environment())
            try:
                run.wait(wait)
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=60)
            if run.returncode == 130 and out:
                return json.loads(out)
            self.assertIn(run.returncode, (130, -signal.SIGINT), err)
            wait *= 1.5
        raise AssertionError("never cancelled while it ran")

    def recorded(self):
        names = ("ec2_request_latency_system_failure.csv", "ec2_cpu_utilization_5f5533.csv",
                 "Twitter_volume_AAPL.csv")
        files = [p for n in names for p in sorted((support.DATA / "nab" / "data").rglob(n))]
        if not files:
            self.skipTest("no recorded data at " + str(support.DATA))
        series = {}
        for path in files:
            with open(path, newline="") as text:
                series[path.stem] = [
                    (row["timestamp"].replace(" ", "T") + "Z", float(row["value"]))
                    for row in csv.DictReader(text)][:6000]
        return series

    def test_on_recorded_data_it_is_what_a_second_node_raises(self):
        series = self.recorded()
        rules = lambda limit, span: {"name": "m", "telemetry": {"x": {}}, "operators": [
            {"name": "w", "type": "window", "of": "x", "span": span},
            {"name": "spike", "type": "z_score", "window": "w", "limit": limit, "sides": "both",
             "min_samples": 30},
            {"name": "each", "type": "z_score", "window": "w", "limit": limit + 1, "sides": "both",
             "min_samples": 30, "emit": "each"},
            {"name": "drift", "type": "cusum", "of": "x", "min_samples": 100, "h": 6}]}
        old = self.node([rules(3, "6h")], INGRESS, name="old").start()
        new = self.node([rules(3.5, "4h")], [dict(INGRESS[0], topic="t/{name}")], name="new",
                        mqtt={"url": old.settings["mqtt"]["url"], "client_id": "pollux-new"}).start()
        sender = self.client("sender")
        for name, rows in series.items():
            for i in range(0, len(rows), 500):
                batch = [{"ts": at, "x": v} for at, v in rows[i:i + 500]]
                sender.publish("t/" + name, json.dumps(batch), qos=1)
        sender.drain(60)
        for node in (old, new):
            for name, rows in series.items():
                held = lambda: node.twin("a:" + name)["readings"]
                support.eventually(lambda: held()["applied"] + held()["duplicates"] == len(rows),
                                   60, lambda: "%s %r" % (name, held()), every=0.2)

        def raised(node):
            return sorted((a["twin"], a["rule"], a["raised_at"]) for a in node.alerts("--all"))
        before, after = raised(old), raised(new)
        report = old.ask("backtest", "--model", new.models / "m.json", "--differences", "100000")
        self.assertEqual(report["alerts"]["ruling"], len(before))
        self.assertEqual(report["alerts"]["candidate"], len(after))
        self.assertGreater(report["differences_total"], 5)
        self.assertEqual(len(report["differences"]), report["differences_total"])
        told = list(before)  # the difference applied to what there was gives what there is
        for d in report["differences"]:
            if "ruling" in d:
                told.remove((d["twin"], d["rule"], d["ruling"]["event_time"]))
            if "candidate" in d:
                told.append((d["twin"], d["rule"], d["candidate"]["event_time"]))
        self.assertEqual(sorted(told), after)


if __name__ == "__main__":
    unittest.main()
