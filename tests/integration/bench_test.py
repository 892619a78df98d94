# SPDX-License-Identifier: Apache-2.0
# `pollux bench ingest`, tiny: every row is there, nothing was lost, and every figure is one. What
# the figures are is for people to read (docs/performance.md).
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

COUNTING = ["broker to a sink", "count paho", "count receiver"]


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="bench-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def command(self, *more):
        return [support.binary(), "bench", "ingest", "--data", self.folder, *more]

    def bench(self, *more, limit=240):
        done = subprocess.run(self.command("--json", *more), capture_output=True, text=True,
                              env=support.environment(), timeout=limit)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(os.listdir(self.folder), [], "something was left behind")
        return json.loads(done.stdout)

    def check_figures(self, row, *names):
        self.assertEqual(row["gate"], "ok", row)
        for one in row["rounds"]:
            for name in ("cpu_s", *names):
                self.assertGreater(one[name], 0, (row["what"], name))

    def test_every_row_of_a_tiny_run_is_there_and_has_lost_nothing(self):
        classes = ["D0", "D1", "D2"]
        report = self.bench("--rounds", "1", "--devices", "200", "--messages", "3000",
                            "--batch", "1", "--qos", "0,1")
        self.assertEqual([(t["batch"], t["qos"]) for t in report["tables"]], [(1, 0), (1, 1)])
        for table in report["tables"]:
            self.assertEqual(table["readings"], 3000)
            self.assertEqual([row["what"] for row in table["rows"]],
                             COUNTING + [f"{s} {d}" for s in ("paho", "receiver") for d in classes])
            for row in table["rows"]:
                self.check_figures(row, "readings_per_s", "seconds", "load_cpu_s", "broker_cpu_s")
                self.assertGreater(row["cpu_to_count_paho"]["median"], 0)
                self.assertGreater(row["rate_to_broker"]["median"], 0)
                if row["what"] not in COUNTING:
                    self.assertGreater(row["rounds"][0]["alerts"], 0, "no alert was due")
                    self.assertGreater(row["rounds"][0]["resident_mb"], 0)

    def test_batches_and_one_class_of_one_source_can_be_asked_for_alone(self):
        report = self.bench("--rounds", "2", "--devices", "30", "--messages", "90", "--batch", "100",
                            "--qos", "1", "--durability", "D2", "--only", "sink,receiver")
        (table,) = report["tables"]
        self.assertEqual(table["readings"], 9000)
        self.assertEqual([row["what"] for row in table["rows"]], ["broker to a sink", "receiver D2"])
        for row in table["rows"]:
            self.assertEqual(len(row["rounds"]), 2)
            self.check_figures(row, "readings_per_s")
            self.assertIsNone(row["cpu_to_count_paho"])
        self.assertGreater(table["rows"][1]["rounds"][0]["alerts"], 0)

    def test_latency_stands_beside_an_echo_and_the_fsyncs_of_its_run(self):
        report = self.bench("--latency", "--rounds", "1", "--devices", "50", "--rate", "1000",
                            "--seconds", "2", "--qos", "1")
        self.assertEqual([t["rows"][1]["source"] for t in report["tables"]], ["paho", "receiver"])
        for table in report["tables"]:
            source = table["rows"][1]["source"]
            self.assertEqual([row["what"] for row in table["rows"]],
                             ["echo client", source + " D1", source + " D2"])
            for row in table["rows"]:
                self.check_figures(row, "p50_ms", "p99_ms", "max_ms", "alerts")
            self.assertGreater(table["rows"][2]["rounds"][0]["fsync_p99_ms"], 0)

    def test_ctrl_c_ends_everything_it_started(self):
        process = subprocess.Popen(self.command("--devices", "50", "--rate", "100", "--messages",
                                                "100000", "--qos", "1", "--only", "receiver"),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=support.environment())
        self.addCleanup(process.kill)
        started = support.eventually(lambda: len(children_of(process.pid)) == 3 and
                                     children_of(process.pid), 60, "broker, node and load")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        for pid in started:
            self.assertFalse(os.path.exists(f"/proc/{pid}"), "a process was left behind")
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
