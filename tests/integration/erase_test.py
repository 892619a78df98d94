# SPDX-License-Identifier: Apache-2.0
# An erasure that is cut off by kill -9 at any of its steps is taken up at the next start, or can be
# asked for again; afterwards no file has a byte of the twin, the proof is complete, and the twin
# beside it in the same files is as it was.
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import faults  # noqa: E402
import history_cold  # noqa: E402
import node as support  # noqa: E402

DAY = 86_400_000
TWIN, OTHER = "a:secret-motor", "a:other"
MARKER = "Zq7-marker-of-the-secret"
MODEL = {"name": "m", "telemetry": {"x": {}, "note": {"type": "text"}},
         "operators": [{"name": "high", "type": "threshold", "value": "x", "above": 900, "clear": 800}]}
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"}]
BEFORE = ("erase: delete", "erase: seal", "erase: audit log", "erase: record")  # then it must be asked for again
AFTER = ("erase: rows", "erase: cold files", "begin a merged file", "finish a merged file",
         "switch to a merged file", "remove a cold file", "erase: quarantine", "erase: its name",
         "erase: record that the rows are gone", "erase: write the store anew",
         "erase: write the log anew", "erase: record the proof")
WORDS = ("twin", "erase", TWIN, "--yes", "--delete", "--reason", "asked for")


class Erase(support.NodeTest):
    def prepare(self):
        """A stopped node whose folder has both twins in the log, the store and one cold file."""
        node = self.node([MODEL], INGRESS, node={"shards": 1}, journal={"tail_readings": 1000})
        faults.allow(node)
        node.start()
        dice, now = random.Random(7), int(time.time() * 1000)
        rows = {name: [(now - 500 * DAY + i * DAY // 3, dice.random() * 1000) for i in range(1500)]
                for name in ("secret-motor", "other")}
        sender = self.client("sender")
        for at in range(1500):
            if at == 1400:  # the rest stays in the log
                sender.drain()
                self.wait_applied(node, 1400)
                node.stop()
                node.start()
                support.eventually(lambda: self.cold(node) > 500, 60, "cold history")
            for name, values in rows.items():
                payload = {"ts": values[at][0], "x": values[at][1], "note": "n%d" % (at % 50)}
                if name == "secret-motor":
                    payload["note"] = "%s-%d" % (MARKER, at % 50)
                sender.publish("t/" + name, json.dumps(payload), qos=1)
        sender.drain()
        self.wait_applied(node, 1500)
        sender.publish("t/secret-motor", "{no json", qos=1)
        sender.drain()
        support.eventually(node.quarantine, 20, "the quarantined message")
        self.other = self.about_other(node)
        self.assertGreater(len(self.other["alerts"]), 5)
        self.assertEqual(node.stop()[0], 0)
        self.sound = self.folder / "sound"
        shutil.copytree(node.data, self.sound)
        self.doubles = [struct.pack("<d", v) for _, v in rows["secret-motor"][::-60]]
        self.frames = self.frames_of(TWIN)
        # the search finds what it must not find later
        self.assertGreater(len(self.frames), 5)
        found = self.traces()
        for what in ("id", "marker", "value", "frame"):
            self.assertGreater(found[what], 0, found)
        return node

    def wait_applied(self, node, count):
        for twin in (TWIN, OTHER):
            support.eventually(lambda: node.applied(twin) == count, 60,
                               lambda: "%d of %s" % (node.applied(twin), twin))

    def cold(self, node):
        return {t["tier"]: t for t in node.ask("journal", "tiers")["tiers"]}["cold"]["readings"]

    def about_other(self, node):
        return {"rows": node.history(OTHER), "alerts": node.alerts("--all", OTHER),
                "applied": node.applied(OTHER)}

    def frames_of(self, twin):
        """Pieces of the compressed frames of a twin in cold files."""
        pieces = []
        for path in (self.nodes_data / "history").glob("*.history"):
            content = path.read_bytes()
            for of, _, _, _, offset, size, _, _ in history_cold.read_directory(content)[1]:
                packed = content[offset:offset + size].partition(b"\n")[2]
                if of == twin:
                    pieces += [packed[i:i + 24] for i in range(16, len(packed) - 24, 300)]
        return pieces

    @property
    def nodes_data(self):
        return self.folder / "node" / "data"

    def traces(self):
        """How many files have something of the twin."""
        kinds = {"id": [b"secret-motor"], "marker": [MARKER.encode()], "value": self.doubles,
                 "frame": self.frames}
        found = dict.fromkeys(kinds, 0)
        for path in self.nodes_data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                for kind, needles in kinds.items():
                    found[kind] += any(n in content for n in needles)
        return found

    def fresh(self, node):
        node.end()
        shutil.rmtree(node.data)
        shutil.copytree(self.sound, node.data)
        return node.start()

    def cut_off(self, node, step, times=1):
        """An erasure that ends at `step` with the node."""
        faults.inject(node, "kill %d %s" % (times, step))
        faults.taken(node)
        asked = node.run(*WORDS)
        self.assertNotEqual(asked.returncode, 0, asked.stdout)
        self.assertEqual(faults.ended(node), -9)
        self.assertEqual(faults.at_step(node), step)

    def proofs(self, node):
        return json.loads(node.run("twin", "erased", TWIN, "-o", "json").stdout)["proofs"]

    def check_erased(self, node, again):
        """`again`: ask once more, if nothing is known of it."""
        if again and not self.proofs(node):
            self.assertEqual(node.ask(*WORDS, seconds=120)["found"], [])
        support.eventually(lambda: [p["state"] for p in self.proofs(node)] == ["done"], 30,
                           lambda: "the proof: %s" % self.proofs(node))
        said = node.ask("twin", "erased", TWIN)
        self.assertEqual(said["found"], [])
        proof = said["proofs"][0]
        self.assertGreaterEqual(proof["inputs"], 1500)
        self.assertGreater(proof["alerts"], 0)
        self.assertEqual(len(proof["chain_heads"]), 1)
        self.assertIsNone(node.twin_or_none(TWIN))
        self.assertEqual(self.about_other(node), self.other)
        node.verify("--online")
        self.assertEqual(node.stop()[0], 0)
        self.assertEqual(self.traces(), {"id": 0, "marker": 0, "value": 0, "frame": 0})
        node.verify("--offline")

    def test_cut_off_at_each_step(self):
        node = self.prepare()
        for step in BEFORE + AFTER + ("erase: search",):
            with self.subTest(step=step):
                self.fresh(node)
                self.cut_off(node, step)
                node.start()
                self.check_erased(node, again=step in BEFORE)

    def test_cut_off_again_while_it_is_resumed(self):
        node = self.prepare()
        for first, second in (("erase: cold files", "erase: rows"),
                              ("erase: its name", "erase: record that the rows are gone"),
                              ("switch to a merged file", "erase: write the store anew")):
            with self.subTest(first=first, second=second):
                self.fresh(node)
                self.cut_off(node, first)
                faults.inject(node, "kill 1 " + second)
                node.start(ready=False)
                self.assertEqual(faults.ended(node), -9)
                node.start()
                self.check_erased(node, again=False)

    def test_cut_off_at_random_moments(self):
        node = self.prepare()
        dice = random.Random(9)
        seen = set()
        for _ in range(8):
            self.fresh(node)
            slow = subprocess.Popen([support.binary(), "--config", str(node.config), *WORDS],
                                    cwd=node.folder, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, env=support.environment())
            threading.Event().wait(dice.uniform(0, 0.5))  # a random moment is what is waited for
            node.kill()
            slow.wait(60)
            seen.add(faults.at_step(node))
            node.start()
            with self.subTest(step=seen):
                self.check_erased(node, again=True)
        print("killed at", sorted(seen))
        self.assertGreater(len(seen), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
