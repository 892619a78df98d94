# SPDX-License-Identifier: Apache-2.0
# Killed again and again while it seals, the node has every acknowledged reading once, a chain that
# holds, and the states its journal says. Kills are aimed: at a random moment after a seal was begun,
# and at each of its steps; the file at_step tells afterwards what was cut off.
import collections
import os
import pathlib
import random
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import durability_test as durability  # noqa: E402
import faults  # noqa: E402
import node as support  # noqa: E402
import reference_job  # noqa: E402

DEVICES = 20
KILLS = int(os.environ.get("POLLUX_TEST_KILLS", "30"))
STEPS = ("seal: begin", "seal: write blocks", "seal: ask for snapshots", "seal: sync the snapshots",
         "seal: trim", "sealed")


class Seal(support.NodeTest):
    def start(self):
        self.node_ = self.node(
            [reference_job.model()],
            [{"topic": "telemetry/{name}", "twin": "j:{name}", "model": "job_j"}],
            # the least there is: under this load several shards are sealed each second
            node={"shards": 4}, journal={"tail_readings": 1000, "tail_bytes": "64KiB"})
        faults.allow(self.node_)
        self.node_.start()
        self.devices = [reference_job.Device(n) for n in range(DEVICES)]
        self.load = durability.Load(self.client("fleet", window=200), self.devices)
        self.load.start()
        return self.node_

    def finish(self):
        """Ends the load, waits until all is applied, and proves what must hold."""
        node = self.node_
        self.load.stopping.set()
        self.load.join(60)
        self.assertIsNone(self.load.error)
        self.assertFalse(self.load.is_alive())
        acknowledged = collections.Counter(self.load.client.acknowledged)
        self.assertEqual(sum(acknowledged.values()), sum(d.sent for d in self.devices))
        support.eventually(
            lambda: all(node.applied("j:" + d.name) >= d.sent for d in self.devices), 60,
            lambda: "all applied: %s" % [(d.sent, node.applied("j:" + d.name))
                                         for d in self.devices])
        online = node.verify("--online")
        told = self.check_readings(acknowledged)
        self.assertEqual(node.stop()[0], 0)
        offline = node.verify("--offline")
        self.assertGreater(offline["blocks"], 0)
        # what a seal left both in the log and in a block would be counted twice here
        self.assertEqual(int(node.cli("journal", "count")), told)
        print("%d readings acknowledged, %d journaled (the broker delivered some again)\n"
              "verify online %s\nverify offline %s" % (
                  sum(acknowledged.values()), told, online, offline))

    def check_readings(self, acknowledged):
        """Gives how many readings the twins were told of, also those that came a second time."""
        told = 0
        for device in self.devices:
            twin = "j:" + device.name
            with self.subTest(twin=twin):
                counts = self.node_.twin(twin)["readings"]
                self.assertEqual(counts["applied"], device.sent)
                rows = self.node_.history(twin, "--telemetry", "temperature")
                times = [support.instant(r["event_time"]) // 1_000_000 for r in rows]
                missing = {t for n, t in acknowledged if n == device.name} - set(times)
                self.assertEqual(missing, set(), "acknowledged and not in the journal")
                self.assertEqual(times, device.times)
                told += counts["applied"] + counts["duplicates"]
        return told

    def test_at_random_moments_of_a_seal(self):
        node = self.start()
        dice = random.Random(41)
        cut_off = collections.Counter()
        for _ in range(KILLS):
            support.eventually(lambda: faults.at_step(self.node_).startswith("seal:"), 30, "a seal",
                               every=0.0005)
            threading.Event().wait(dice.uniform(0, 0.01))  # a random moment is what is waited for
            node.kill()
            cut_off[faults.at_step(self.node_)] += 1
            node.start()
        inside = sum(n for step, n in cut_off.items() if step.startswith("seal:"))
        print("%d kills, %d of them inside a seal: %s" % (KILLS, inside, dict(cut_off)))
        self.assertGreaterEqual(inside, KILLS // 3, cut_off)
        self.finish()

    def test_at_each_step_of_a_seal(self):
        node = self.start()
        for step in STEPS:
            for times in (1, 4):
                with self.subTest(step=step, times=times):
                    faults.inject(node, "kill %d %s" % (times, step))
                    self.assertEqual(faults.ended(node), -9)
                    self.assertEqual(faults.at_step(self.node_), step)
                    node.start()
        self.finish()


if __name__ == "__main__":
    unittest.main(verbosity=2)
