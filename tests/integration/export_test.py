# SPDX-License-Identifier: Apache-2.0
# Readings go out in three formats and come back the same into another node; a training row is what
# the twin said of itself at that moment.
import base64
import csv
import io
import json
import pathlib
import random
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

START = 1_700_000_000_000
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"}]
MODEL = {"name": "m", "telemetry": {"x": {}, "n": {}, "on": {"type": "boolean"},
                                    "note": {"type": "text"}, "shape": {"type": "samples"},
                                    "sound": {"type": "samples"}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "1m"},
    {"name": "drift", "type": "z_score", "window": "w", "limit": 6, "sides": "both"},
    {"name": "high", "type": "threshold", "value": "x", "above": 50, "clear": 45}]}
NOTES = ["plain", "with \"quotes\", commas", "two\nlines", "5", "true", "", "\u00fc\u6f22"]


class Export(support.NodeTest):
    def send(self, name, rows):
        if not hasattr(self, "sender"):
            self.sender = self.client("sender")
        for row in rows:
            self.sender.publish("t/" + name, json.dumps(row), qos=1)
        self.sender.drain()

    def wait_applied(self, node, name, count):
        support.eventually(lambda: node.applied("a:" + name) == count, 30,
                           lambda: "%d of %s" % (node.applied("a:" + name), count))

    def rows(self, count):
        return [{"ts": START + i * 1000, "x": i / 7, "n": i * 3, "on": i % 3 == 0,
                 "note": NOTES[i % len(NOTES)]} for i in range(count)]

    def test_every_format_comes_back_the_same(self):
        node = self.node([MODEL], INGRESS, journal={"tail_readings": 2000}).start()
        for name in ("one", "two"):
            self.send(name, self.rows(2500))
        for name in ("one", "two"):
            self.wait_applied(node, name, 2500)
        wanted = {n: node.history("a:" + n) for n in ("one", "two")}
        for row in wanted["one"] + wanted["two"]:
            del row["ingest_time"]
        files = {}
        for extension, form in (("csv", "csv"), ("jsonl", "jsonl"), ("pb", "protobuf")):
            files[extension] = self.folder / ("all." + extension)
            node.cli("export", "readings", "a:*", "--format", form, "--out", files[extension])
        node.stop()
        offline = node.cli("export", "readings", "a:*", "--format", "csv", "--offline",
                           "--data", node.data)
        self.assertEqual(offline, files["csv"].read_text())
        for extension, file in files.items():
            other = self.node([MODEL], INGRESS, name="node-" + extension,
                              mqtt={"client_id": "other-" + extension}).start()
            refused = other.run("import", "readings", file)
            self.assertNotEqual(refused.returncode, 0)  # unknown twins, and no model to make them with
            other.cli("import", "readings", file, "--model", "m")
            for n in ("one", "two"):
                self.wait_applied(other, n, 2500)
                got = other.history("a:" + n)
                for row in got:
                    del row["ingest_time"]
                self.assertEqual(got, wanted[n], extension)
            # once more changes nothing that is seen
            before = other.twin("a:one")["telemetry"]
            other.cli("import", "readings", file, "--model", "m")
            again = other.history("a:one")
            for row in again:
                del row["ingest_time"]
            self.assertEqual(again, wanted["one"])
            self.assertEqual({k: v["value"] for k, v in other.twin("a:one")["telemetry"].items()},
                             {k: v["value"] for k, v in before.items()})
            other.stop()

    def test_samples_come_back_the_same(self):
        node = self.node([MODEL], INGRESS, journal={"tail_readings": 1000}).start()
        dice = random.Random(3)
        rows = [{"ts": START + i * 1000, "x": i / 3,
                 **({"shape": [struct.unpack("<f", struct.pack("<f", dice.gauss(0, 1)))[0]
                               for _ in range(700)]} if i % 2 == 0 else {}),
                 **({"sound": [i, 1, 2, 3]} if i % 3 == 0 else {}), "n": i} for i in range(2200)]
        self.send("one", rows)
        self.wait_applied(node, "one", len(rows))
        sent = {(name, row["ts"]): struct.pack("<%df" % len(row[name]), *row[name])
                for row in rows for name in ("shape", "sound") if name in row}

        def samples(of):
            found = {}
            for name in ("shape", "sound"):
                for row in of.history("a:one", "--telemetry", name):
                    key = (name, support.instant(row["event_time"]) // 1_000_000)
                    self.assertNotIn(key, found)
                    found[key] = base64.b64decode(row["value"]["samples_f32"])
            return found
        self.assertEqual(samples(node), sent)
        files = {}
        for extension, form in (("csv", "csv"), ("jsonl", "jsonl"), ("pb", "protobuf")):
            files[extension] = self.folder / ("samples." + extension)
            node.cli("export", "readings", "a:*", "--format", form, "--out", files[extension])
        wanted = [(r["event_time"], r["name"], r["value"]) for r in node.history("a:one")]
        node.stop()
        offline = node.cli("export", "readings", "a:*", "--format", "jsonl", "--offline",
                           "--data", node.data)
        self.assertEqual(offline, files["jsonl"].read_text())
        for extension, file in files.items():
            other = self.node([MODEL], INGRESS, name="samples-" + extension,
                              mqtt={"client_id": "samples-" + extension}).start()
            other.cli("import", "readings", file, "--model", "m")
            self.wait_applied(other, "one", len(rows))
            self.assertEqual(samples(other), sent, extension)
            self.assertEqual([(r["event_time"], r["name"], r["value"])
                              for r in other.history("a:one")], wanted)
            other.stop()

    def test_a_table_of_another_system_and_bad_rows(self):
        node = self.node([MODEL], INGRESS).start()
        file = self.folder / "table.csv"
        file.write_text("time,x,note\n2024-01-01T00:00:00Z,1.5,fine\nnot a time,2,bad\n"
                        "2024-01-01T00:00:02Z,2.5\n2024-01-01T00:00:03Z,3.5,end\n")
        done = node.run("import", "readings", file, "--twin", "a:table", "--model", "m")
        self.assertEqual(done.returncode, 65)
        self.assertIn("table.csv:3", done.stderr)
        self.assertIn("table.csv:4", done.stderr)
        self.wait_applied(node, "table", 2)
        damaged = self.folder / "damaged.pb"
        damaged.write_bytes(b"\x85\x01\x0a\x03a:t")
        done = node.run("import", "readings", damaged, "--model", "m")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("damaged.pb at byte 0", done.stderr)

    def test_a_training_row_is_the_row_that_was_served(self):
        node = self.node([MODEL], INGRESS, journal={"tail_readings": 2000}).start()
        served = []
        for part in range(5):
            self.send("one", self.rows(3000)[part * 600:(part + 1) * 600])
            self.wait_applied(node, "one", (part + 1) * 600)
            twin = node.twin("a:one")
            served.append((twin["last_ingest_time"], twin))
        labels = self.folder / "labels.csv"
        labels.write_text("time,twin,failed\n" + "".join(
            "%s,a:one,%d\n" % (at, i % 2) for i, (at, _) in enumerate(served)))

        def check(text):
            rows = list(csv.DictReader(io.StringIO(text)))
            self.assertEqual(len(rows), len(served))
            for row, (_, twin) in zip(rows, served):
                for name, value in twin["outputs"].items():
                    self.assertEqual(float(row[name]) if row[name] else None, value, name)
                for name in ("x", "n"):
                    self.assertEqual(float(row[name]), twin["telemetry"][name]["value"])
                self.assertEqual(float(row["on"]), float(twin["telemetry"]["on"]["value"]))
            self.assertEqual([r["failed"] for r in rows], ["0", "1", "0", "1", "0"])
            self.assertTrue(any(k.startswith("drift.") for k in rows[0]))
        online = node.cli("export", "features", "--labels", labels, "--twins", "a:*")
        check(online)
        node.stop()
        offline = node.cli("export", "features", "--labels", labels, "--twins", "a:*", "--offline",
                           "--data", node.data)
        self.assertEqual(offline, online)
        labels.write_text("when,twin\n1,a:one\n")
        wrong = node.run("export", "features", "--labels", labels, "--offline", "--data", node.data)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("labels.csv:1", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
