# SPDX-License-Identifier: Apache-2.0
# Recorded data with labelled failures, played through a real broker by `pollux sim play`: what is
# stored is what was played, the labelled windows are found, and a kill in the middle changes
# nothing of it. Event times are the recording's, however fast it is played.
import collections
import csv
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

NAB = support.DATA / "nab"
AMBIENT = "realKnownCause/ambient_temperature_system_failure.csv"
SKAB = support.DATA / "skab" / "other" / "9.csv"
NS = 1_000_000_000


def at(text):
    return support.instant(text.replace(" ", "T"))


class RealInput(support.NodeTest):
    def play(self, node, file, topic, *words, rate, kill_at=None, twin=None):
        """Plays the file to its end; with kill_at the node is killed once it applied so many."""
        command = [support.binary(), "sim", "play", str(file), "--url",
                   "tcp://127.0.0.1:%d" % self.broker.port, "--topic", topic, "--qos", "1",
                   "--rate", str(rate), "-o", "json", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=support.environment()) as player:
            try:
                if kill_at is not None:
                    support.eventually(lambda: node.applied(twin) >= kill_at, 60, "the middle")
                    self.assertIsNone(player.poll(), "the kill must come in the middle")
                    node.kill()
                    node.start()
                out, err = player.communicate(timeout=90)
            finally:
                if player.poll() is None:
                    player.kill()
        self.assertEqual(player.returncode, 0, err)
        counts = json.loads(out.splitlines()[-1])
        self.assertEqual(counts["acknowledged"], counts["published"])
        self.assertEqual(counts["bad"], 0)
        return counts

    def settle(self, node, twin, rows):
        def done():
            found = node.twin_or_none(twin)
            return found and found["readings"]["applied"] + found["readings"]["duplicates"] >= rows
        support.eventually(done, 30, lambda: "all %d rows: %s" % (rows, node.twin_or_none(twin)))

    def check_stored(self, node, twin, expected, exact):
        """expected: (event time, telemetry, value) of every value of the file."""
        stored = [(support.instant(r["event_time"]), r["name"], r["value"])
                  for r in node.history(twin)]
        self.assertEqual(set(stored), set(expected))
        if exact:
            self.assertEqual(collections.Counter(stored), collections.Counter(expected))

    def verdicts(self, node):
        """(rule, transition, event time); silence is by our clock and not the recording's."""
        return sorted((a["rule"], t["transition"], support.instant(t["time"]))
                      for a in node.alerts("--all") if a["rule"] != "silent"
                      for t in a["transitions"])

    def judge(self, name, verdicts, windows):
        raised = [(rule, when) for rule, transition, when in verdicts
                  if transition in ("raised", "emitted")]
        hits = [[r for r, when in raised if lo <= when <= hi] for lo, hi in windows]
        outside = [r for r, when in raised if not any(lo <= when <= hi for lo, hi in windows)]
        print("%s: %d alerts; in the labelled windows %s; outside of them %d %s" % (
            name, len(raised), [len(h) for h in hits], len(outside),
            dict(collections.Counter(outside))))
        for window, found in zip(windows, hits):
            self.assertTrue(found, "no alert in the labelled window %s" % (window,))

    def both_ways(self, model, file, words, expected, windows, rate):
        rows = len({e[0] for e in expected})
        topic, twin = "t/" + model, "real:" + model
        results = []
        for killed in (False, True):
            with self.subTest(killed=killed):
                self.broker.stop()  # sessions and queues are the first run's
                self.broker.start()
                node = self.node([model], [{"topic": "t/{name}", "twin": "real:{name}",
                                            "model": model}],
                                 name="killed" if killed else "calm").start()
                counts = self.play(node, file, topic, *words, rate=rate, twin=twin,
                                   kill_at=rows // 2 if killed else None)
                self.settle(node, twin, counts["readings"])
                self.check_stored(node, twin, expected, exact=not killed)
                if not killed:
                    self.assertEqual(counts["readings"],
                                     sum(node.twin(twin)["readings"][k]
                                         for k in ("applied", "duplicates")))
                results.append((self.verdicts(node), node.applied(twin)))
                report = node.verify("--online")
                if not killed:
                    self.judge(model, results[0][0], windows)
                    print("journal verify:", report)
                self.assertEqual(node.quarantine(), [])
                self.assertEqual(node.stop()[0], 0)
                node.verify("--offline")
        self.assertEqual(results[0], results[1], "a kill in the middle must change nothing")

    @unittest.skipUnless((NAB / "data" / AMBIENT).exists(), "no recorded data at %s" % NAB)
    def test_ambient_temperature(self):
        file = NAB / "data" / AMBIENT
        with open(file) as f:
            expected = [(at(r["timestamp"]), "temperature", float(r["value"]))
                        for r in csv.DictReader(f)]
        labels = json.loads((NAB / "labels" / "windows.json").read_text())[AMBIENT]
        windows = [(at(lo), at(hi)) for lo, hi in labels]
        self.both_ways("ambient_temperature", file, ["--rename", "value=temperature"], expected,
                       windows, rate=2500)

    @unittest.skipUnless(SKAB.exists(), "no recorded data at %s" % SKAB)
    def test_pump_with_a_rotor_imbalance(self):
        names = {"Accelerometer1RMS": "accelerometer_1", "Accelerometer2RMS": "accelerometer_2",
                 "Volume Flow RateRMS": "flow_rate", "Current": "current", "Pressure": "pressure",
                 "Temperature": "temperature", "Thermocouple": "thermocouple",
                 "Voltage": "voltage"}
        expected, anomalous = [], []
        with open(SKAB) as f:
            for row in csv.DictReader(f, delimiter=";"):
                when = at(row["datetime"])
                expected += [(when, new, float(row[old])) for old, new in names.items()]
                if float(row["anomaly"]):
                    anomalous.append(when)
        words = ["--skip", "anomaly,changepoint", "--rename",
                 ",".join("%s=%s" % pair for pair in names.items())]
        self.both_ways("pump", SKAB, words, expected, [(anomalous[0], anomalous[-1])], rate=500)


if __name__ == "__main__":
    unittest.main(verbosity=2)
