# SPDX-License-Identifier: Apache-2.0
# Folders that earlier releases wrote: verified, opened, compared with what was said then, written
# on, and verified again. A folder for each released format is in tests/data/formats.
import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus  # noqa: E402
import node as support  # noqa: E402


class Upcast(support.NodeTest):
    maxDiff = None

    def open_copy(self, kept):
        """A node on a copy of the folder, not started."""
        node = self.node([], corpus.INGRESS, name="from-" + kept.name, **corpus.SETTINGS)
        for part in kept.iterdir():
            if part.is_dir() and part.name != "models":
                shutil.copytree(part, node.data / part.name)
        for model in (kept / "models").iterdir():
            shutil.copyfile(model, node.models / model.name)
        return node

    def check(self, kept):
        expected = json.loads((kept / "expected.json").read_text())
        node = self.open_copy(kept)
        before = node.verify("--offline")
        self.assertEqual(before["findings"], [])
        self.assertGreaterEqual(before["blocks"], 4)
        self.assertGreater(before["segments"], 0)
        self.assertGreater(before["snapshots_compared"], 0)
        node.start()
        self.assertEqual(corpus.difference(expected, corpus.describe(node)), [])
        node.verify("--online")
        # what is written on top of it: enough for a pass of sealing over the old tail
        with self.client("writer-" + kept.name, version=5) as client:
            write = corpus.Writer(node, client)
            for name in ("motor", "amended", "pattern", "machine", "building", "gone"):
                write.sent[name] = node.applied("c:" + name)
            for n in range(1600, 2600, 100):
                write.motor(n, n + 100)
            write.send(corpus.MACHINE, "machine", {"ts": corpus.START + 600_000, "pressure": 65},
                       {"ts": corpus.START + 601_000, "pressure": 64})
            write.send(corpus.PATTERN, "pattern",
                       {"ts": corpus.START + 22_000, "vibration": 7, "temperature": 40},
                       {"ts": corpus.START + 23_000, "vibration": 1, "temperature": 90})
        # both went on from where they stood: a third reading below 70, and heat after two rises
        self.assertEqual(node.twin("c:machine")["rules"][1]["state"], "calm")
        self.assertEqual(len(node.alerts("--all", "c:pattern")),
                         len(expected["twins"]["c:pattern"]["alerts"]) + 1)
        support.eventually(lambda: node.metric("pollux_sealed_readings_total") > 0, 30, "sealing")
        self.assertEqual(node.stop()[0], 0)
        after = node.verify("--offline")
        self.assertGreater(after["readings"], before["readings"] + 1000)
        print("format %s: %s" % (kept.name, after))

    def test_every_released_format_is_read_and_written_on(self):
        kept = sorted((p for p in corpus.FORMATS.iterdir() if p.name.isdigit()),
                      key=lambda p: int(p.name))
        self.assertGreater(len(kept), 0)
        for folder in kept:
            with self.subTest(format=folder.name):
                self.check(folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)
