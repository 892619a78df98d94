# SPDX-License-Identifier: Apache-2.0
# Models change while the node runs: nothing is lost, doubled or disturbed, a refused model least of
# all; what a change keeps is what was said beforehand.
import collections
import json
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import durability_test as durability  # noqa: E402
import node as support  # noqa: E402
import reference_job  # noqa: E402

START = 1_700_000_000_000
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"}]


def model(limit=50, message="x is high", *more, span="1m", telemetry=None):
    return {"name": "m", "telemetry": telemetry or {"x": {}, "y": {}}, "operators": [
        {"name": "w", "type": "window", "of": "x", "span": span},
        {"name": "mean", "type": "threshold", "value": "w.mean", "above": 1000},
        {"name": "high", "type": "threshold", "value": "x", "above": limit, "message": message},
        *more]}


BROKEN = {
    "syntax.json": '{"name": "m", "telemetry": {"x": {}},\n "operators": [}',
    "key.json": '{"name": "m",\n "telemetri": {"x": {}}}',
    "hostile.json": json.dumps(model()).replace('"w.mean"', '"' + "(" * 9000 + 'x"'),
    "many.json": json.dumps(dict(model(), operators=[
        {"name": "r%d" % i, "type": "threshold", "value": "x", "above": i} for i in range(1000)])),
    "cyclic.json": json.dumps(dict(model(), operators=[
        {"name": "a", "type": "threshold", "value": "b.mean", "above": 1},
        {"name": "b", "type": "window", "of": "a.value", "span": "1m"}])),
}


class Models(support.NodeTest):
    def make_node(self, *args, **settings):
        return self.node([model(*args)], INGRESS, **settings).start()

    def send(self, name, *values, first=0, field="x"):
        if not hasattr(self, "sender"):
            self.sender = self.client("sender")
        for i, v in enumerate(values):
            self.sender.publish("t/" + name, json.dumps({"ts": START + (first + i) * 1000, field: v}),
                                qos=1)
        self.sender.drain()

    def wait_applied(self, node, name, count):
        support.eventually(lambda: node.applied("a:" + name) == count, 20,
                           lambda: "%d of %s" % (node.applied("a:" + name), count))

    def put(self, name, document):
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    def active(self, node):
        return sorted((a["twin"], a["rule"]) for a in node.alerts())

    def test_what_diff_says_is_what_apply_does_also_for_a_silent_twin(self):
        node = self.make_node()
        gone = {"name": "y_high", "type": "threshold", "value": "y", "above": 5}
        node.cli("model", "apply", self.put("two.json", model(50, "x is high", gone)))
        for i in range(40):
            self.send("one", 60 + i % 3, first=i)
        self.send("one", 9, first=41, field="y")
        self.wait_applied(node, "one", 41)
        self.assertEqual(self.active(node), [("a:one", "high"), ("a:one", "y_high")])
        incident = [a for a in node.alerts() if a["rule"] == "high"][0]["incident"]
        before = node.twin("a:one")
        changed = self.put("three.json", model(50, "other words", span="2m"))
        said = node.ask("model", "diff", "current:m", changed)
        fates = {o["name"]: o["fate"] for o in said["operators"]}
        self.assertEqual(fates, {"w": "readings kept", "mean": "anew", "high": "kept",
                                 "y_high": "gone"})
        done = node.ask("model", "apply", changed)
        self.assertEqual((done["state"], done["shards"], done["shards_pending"],
                          done["twins_pending"]), ("applied", 8, 0, 0))
        # no reading has come since: the alert of the rule that is gone ends all the same
        support.eventually(lambda: self.active(node) == [("a:one", "high")], 20, "withdrawn",
                           every=0.1)
        after = node.twin("a:one")
        self.assertEqual(after["model"]["hash"], done["hash"])
        self.assertEqual(after["windows"][0]["count"], before["windows"][0]["count"])
        self.assertEqual([a["incident"] for a in node.alerts()], [incident])
        self.assertEqual(node.ask("model", "apply", changed)["state"], "unchanged")
        self.send("one", 1, first=100)
        support.eventually(lambda: node.alerts() == [], 20, "the kept incident cleared", every=0.1)
        self.assertEqual(len([a for a in node.alerts("--all") if a["rule"] == "high"]), 1)
        node.verify("--online")

    def test_who_changed_a_model_last_decides_also_after_a_crash(self):
        node = self.make_node()
        self.send("one", 45)
        self.wait_applied(node, "one", 1)
        first = node.ask("model", "ls")[0]["hash"]
        second = node.ask("model", "apply", self.put("b.json", model(40)))["hash"]
        self.send("one", 45, first=1)
        support.eventually(lambda: self.active(node) == [("a:one", "high")], 20, "alert", every=0.1)
        node.kill()
        node.start()
        self.assertEqual(node.ask("model", "ls")[0]["hash"], second)
        self.assertEqual(node.twin("a:one")["model"]["hash"], second)
        self.assertEqual(self.active(node), [("a:one", "high")])
        back = node.ask("model", "rollback", "m", "--by", "ada")
        self.assertEqual((back["hash"], back["previous"]), (first, second))
        support.eventually(lambda: node.alerts() == [], 20, "withdrawn by the rollback", every=0.1)
        third = node.ask("model", "rollback", "m", "--to", second[:8])["hash"]
        self.assertEqual(third, second)
        history = node.ask("model", "history", "m")
        self.assertEqual([(h["hash"], h["how"]) for h in history],
                         [(second, "rollback"), (first, "rollback"), (second, "apply"),
                          (first, "file")])
        self.assertEqual([h["ruling"] for h in history], [True, False, False, False])
        self.assertEqual(history[1]["by"], "ada")
        self.assertEqual(json.loads(node.cli("model", "show", "m")), model(40))
        node.put_model(model(30))  # now the file is newer
        node.process.send_signal(signal.SIGHUP)
        support.eventually(lambda: node.ask("model", "ls")[0]["hash"] not in (first, second), 20,
                           "the file's version", every=0.2)
        self.assertEqual(node.run("model", "rollback", "nothing").returncode, 3)
        node.verify("--online")
        self.assertEqual(node.stop()[0], 0)
        node.verify("--offline")

    def test_a_version_for_some_twins_only(self):
        node = self.make_node()
        self.send("one", 45)
        self.send("two", 45)
        self.wait_applied(node, "two", 1)
        part = node.ask("model", "apply", self.put("b.json", model(40)), "--twins", "a:t*")["hash"]
        self.send("one", 45, first=1)
        self.send("two", 45, first=1)
        self.send("three", 45)
        support.eventually(lambda: self.active(node) == [("a:three", "high"), ("a:two", "high")], 20,
                           lambda: "those that match, new ones too: %s" % self.active(node),
                           every=0.1)
        self.assertEqual({(r["twins"], r["hash"] == part) for r in node.ask("model", "ls")},
                         {("*", False), ("a:t*", True)})
        node.kill()
        node.start()
        self.send("ten", 45)
        support.eventually(lambda: ("a:ten", "high") in self.active(node), 20, "after the crash",
                           every=0.1)
        node.ask("model", "rollback", "m")
        support.eventually(lambda: self.active(node) == [], 20, "all under one version", every=0.1)
        self.assertEqual([r["twins"] for r in node.ask("model", "ls")], ["*"])
        node.verify("--online")

    def test_a_refused_model_never_disturbs_the_running_one(self):
        node = self.make_node()
        self.send("one", 60)
        support.eventually(lambda: self.active(node) == [("a:one", "high")], 20, "alert", every=0.1)
        before = node.twin("a:one")["model"]
        history = node.ask("model", "history", "m")
        for name, text in BROKEN.items():
            with self.subTest(name):
                path = self.put(name, text)
                for words in (("model", "check", path), ("model", "apply", path),
                              ("model", "shadow", path, "start")):
                    done = node.run(*words)
                    self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
                    self.assertRegex(done.stdout + done.stderr, name + r":\d+:\d+: ")
                # a good file beside the broken one must not get in either
                node.put_model(dict(model(10), name="m"))
                (node.models / name).write_text(text)
                marks = node.log().count("nothing was reloaded")
                node.process.send_signal(signal.SIGHUP)
                support.eventually(lambda: node.log().count("nothing was reloaded") > marks, 20,
                                   "the refusal")
                self.assertRegex(node.log(), name + r":\d+:\d+: ")
                (node.models / name).unlink()
                node.put_model(model())
        self.assertEqual(node.twin("a:one")["model"], before)
        self.assertEqual(node.ask("model", "history", "m"), history)
        self.assertEqual(self.active(node), [("a:one", "high")])
        self.send("one", 60, first=1)
        self.wait_applied(node, "one", 2)
        node.verify("--online")

    def test_a_candidate_in_the_shadow_is_compared_and_does_nothing(self):
        node = self.make_node()
        heard = durability.Alerts()
        self.client("listener", on_message=heard.take).subscribe("twins/+/+/alerts", 1)
        self.send("one", 1)
        self.wait_applied(node, "one", 1)
        ruling = node.twin("a:one")["model"]["hash"]
        candidate = self.put("b.json", model(30))
        started = node.ask("model", "shadow", candidate, "start")["shadows"][0]
        self.assertEqual(started["ruling"], ruling)
        # 40: only the candidate; 60 after 40: both, the candidate earlier; 35: only the candidate
        self.send("one", 40, 60, 1, first=1)
        self.send("two", 1, 35, 1)
        self.send("two", 70, first=5)
        self.wait_applied(node, "two", 4)
        self.wait_applied(node, "one", 4)
        shadow = node.ask("model", "shadow", "status", "m")["shadows"][0]
        high = [r for r in shadow["rules"] if r["name"] == "high"][0]
        self.assertEqual((high["both"], high["only_ruling"], high["only_candidate"]), (2, 0, 1),
                         shadow)
        self.assertIn(high["lead_median_s"], (0, 1))
        self.assertEqual([(d["twin"], d["rule"], d["only"], d["open"])
                          for d in shadow["differences"]], [("a:two", "high", "candidate", False)])
        self.assertEqual(support.instant(shadow["differences"][0]["time"]),
                         (START + 1000) * 1_000_000)
        self.assertEqual(node.twin("a:one")["model"]["hash"], ruling)
        self.assertEqual(len(node.alerts("--all")), 2)
        self.assertTrue(node.ask("model", "ls")[0]["shadow"])
        node.kill()
        node.start()
        again = node.ask("model", "shadow", "status")["shadows"][0]
        self.assertIsNotNone(again["restarted_at"])
        self.assertEqual(again["started_at"], shadow["started_at"])
        self.assertEqual((again["rules"], again["differences_total"]), ([], 0))
        self.assertIn("restarted at", node.cli("model", "shadow"))
        # applied, it rules, and there is nobody left in the shadow
        node.cli("model", "apply", candidate)
        self.assertEqual(node.ask("model", "shadow", "status")["shadows"], [])
        node.ask("model", "shadow", self.put("c.json", model(20)), "start")
        node.ask("model", "shadow", "stop", "m")
        self.assertEqual(node.run("model", "shadow", "stop", "m").returncode, 3)
        support.eventually(lambda: len(heard.by_id) >= 3, 20, "the real alerts")
        self.assertEqual({json.loads(p)["data"]["rule"] for p in heard.by_id.values()}, {"high"})
        node.verify("--online")

    def test_a_candidate_follows_no_more_twins_than_it_may(self):
        node = self.make_node()
        for n in range(6):
            self.send("d%d" % n, 1)
        self.wait_applied(node, "d5", 1)
        node.ask("model", "shadow", self.put("b.json", model(30)), "start", "--max-twins", "3",
                 "--differences", "2")
        for n in range(6):
            self.send("d%d" % n, 40, 1, first=1)
        for n in range(6):
            self.wait_applied(node, "d%d" % n, 3)
        shadow = node.ask("model", "shadow", "status")["shadows"][0]
        self.assertEqual((shadow["twins"], shadow["twins_left_out"]), (3, True))
        self.assertEqual((shadow["differences_total"], len(shadow["differences"])), (3, 2))

    def test_back_and_forth_under_load_with_a_kill_nothing_is_lost_or_doubled(self):
        node = self.node([reference_job.model()],
                         [{"topic": "telemetry/{name}", "twin": "j:{name}", "model": "job_j"}],
                         journal={"tail_readings": 50_000}).start()
        other = json.loads(json.dumps(reference_job.model()))
        for operator in other["operators"]:
            if operator["type"] == "z_score":
                operator["message"] = "other words"
        other["operators"].append({"name": "never", "type": "threshold", "value": "temperature",
                                   "above": 1e9})
        versions = [self.put("other.json", other), self.put("first.json", reference_job.model())]
        said = node.ask("model", "diff", "current:job_j", versions[0])
        self.assertTrue(said["keeps_everything"])
        alerts = durability.Alerts()
        self.client("listener", on_message=alerts.take).subscribe("twins/+/+/alerts", 1)
        devices = [reference_job.Device(n) for n in range(500)]
        load = durability.Load(self.client("fleet", window=500), devices)
        load.start()
        hashes = collections.Counter()
        pause = threading.Event()  # never set: a second under load is what is waited for
        for n in range(14):
            pause.wait(1)
            done = node.ask("model", "apply", versions[n % 2], "--timeout", "60s")
            self.assertIn(done["state"], ("applied", "pending"))
            hashes[done["hash"]] += 1
            if n == 7:
                node.kill()
                node.start()
                self.assertEqual(node.ask("model", "ls")[0]["hash"], done["hash"])
        self.assertEqual(sorted(hashes.values()), [7, 7])
        load.stopping.set()
        load.join(120)
        self.assertIsNone(load.error)
        acknowledged = list(load.client.acknowledged)
        self.assertEqual(len(acknowledged), sum(d.sent for d in devices))
        support.eventually(lambda: all(node.applied("j:" + d.name) == d.sent for d in devices), 90,
                           "every acknowledged reading applied once", every=0.5)
        wanted = sum(len(d.alerts) for d in devices)
        support.eventually(lambda: len(alerts.by_id) >= wanted, 60,
                           lambda: "%d alerts of %d" % (len(alerts.by_id), wanted))
        durability.Durability.check_readings(self, node, devices[::25], acknowledged)
        durability.Durability.check_alerts(self, node, devices, alerts)
        texts = {json.loads(p)["data"]["message"] == "other words" for p in alerts.by_id.values()}
        self.assertEqual(texts, {True, False}, "both versions must have judged under the load")
        self.assertEqual(node.metric("pollux_twin_crashes_total"), 0)
        online = node.verify("--online")
        self.assertEqual(node.stop()[0], 0)
        node.verify("--offline")
        print("%d readings of %d twins, 14 changes, one kill: %d alerts, each once; verify %s"
              % (len(acknowledged), len(devices), wanted, online))


if __name__ == "__main__":
    unittest.main(verbosity=2)
