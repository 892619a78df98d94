# SPDX-License-Identifier: Apache-2.0
# `pollux detect` over generated files whose events are known: what is marked, where it is written,
# what becomes of rows that cannot be read, and that no row is judged by a later one.
import csv
import gzip
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

SPIKES = (500, 501, 502, 800)

Z_SCORE = {
    "name": "m", "telemetry": {"value": {"min": -1000, "max": 1000}},
    "operators": [{"name": "h", "type": "window", "of": "value", "span": "1h"},
                  {"name": "spike", "type": "z_score", "window": "h", "limit": 6, "sides": "both",
                   "min_samples": 30}]}
NEAREST = {
    "name": "n", "telemetry": {"value": {}},
    "operators": [{"name": "new", "type": "nearest", "of": "value", "lengths": [4, 12],
                   "history": 400}]}


def stamp(i):
    return "2021-03-%02d %02d:%02d:00" % (1 + i // 1440, i // 60 % 24, i % 60)


def values(count=1000, seed=1, spikes=SPIKES):
    noise = random.Random(seed)
    return [20 + 5 * math.sin(i / 30) + noise.gauss(0, 0.5) + (100 if i in spikes else 0)
            for i in range(count)]


class Detect(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pollux-detect-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"

    def write(self, name, lines):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(line + "\n" for line in lines)
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)
        return path

    def recording(self, name, data=None, separator=","):
        data = values() if data is None else data
        return self.write(name, ["timestamp%svalue" % separator] + [
            "%s%s%.6f" % (stamp(i), separator, v) for i, v in enumerate(data)])

    def model(self, content):
        path = self.folder / (content["name"] + ".json")
        path.write_text(json.dumps(content))
        return str(path)

    def detect(self, model, *words, code=0, out=None, cwd=None):
        done = subprocess.run(
            [support.binary(), "detect", "--model", self.model(model), "--out",
             str(out or self.out), *map(str, words)],
            capture_output=True, text=True, timeout=120, cwd=cwd or self.folder,
            env=support.environment())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def found(self, name, out=None):
        with open((out or self.out) / name, newline="") as file:
            return list(csv.DictReader(file))

    def marked(self, name, out=None):
        return [i for i, row in enumerate(self.found(name, out)) if row["alert"] == "1"]

    def test_one_mark_for_each_event_at_its_first_reading(self):
        self.recording("a.csv")
        done = self.detect(Z_SCORE, "a.csv")
        self.assertEqual(self.marked("a.csv"), [500, 800])
        self.assertIn("1 files, 0 failed, 1000 rows, 0 bad, 2 alerts", done.stdout)
        rows = self.found("a.csv")
        self.assertEqual(list(rows[0]), ["timestamp", "alert", "anomaly_score"])
        self.assertEqual([r["timestamp"] for r in rows], [stamp(i) for i in range(1000)])

    def test_active_marks_every_reading_while_the_alert_lasts(self):
        self.recording("a.csv")
        self.detect(Z_SCORE, "a.csv", "--mark", "active")
        self.assertEqual(self.marked("a.csv"), [500, 501, 502, 800])

    def test_results_lie_under_the_paths_of_the_files(self):
        self.recording("one/a.csv")
        self.recording("two/deep/b.csv.gz", values(seed=2))
        self.detect(Z_SCORE, "one/a.csv", "two/deep/b.csv.gz")
        self.assertEqual(self.marked("one/a.csv"), [500, 800])
        self.assertEqual(self.marked("two/deep/b.csv"), [500, 800])
        # absolute paths: from the folder they have in common
        other = self.folder / "other"
        self.detect(Z_SCORE, self.folder / "one/a.csv", self.folder / "two/deep/b.csv.gz",
                    out=other)
        self.assertEqual(self.marked("two/deep/b.csv", other), [500, 800])
        # a folder: all below it; --root: from there
        third = self.folder / "third"
        self.detect(Z_SCORE, "two", out=third)
        self.assertEqual(self.marked("deep/b.csv", third), [500, 800])
        fourth = self.folder / "fourth"
        self.detect(Z_SCORE, self.folder / "one/a.csv", "--root", self.folder, out=fourth)
        self.assertEqual(self.marked("one/a.csv", fourth), [500, 800])

    def test_each_file_is_a_twin_of_its_own_however_many_run_at_a_time(self):
        names = ["f%d.csv" % i for i in range(6)]
        for i, name in enumerate(names):
            self.recording(name, values(seed=i, spikes=(200 + 50 * i,)))
        self.detect(Z_SCORE, *names, "--jobs", 3)
        for i, name in enumerate(names):
            self.assertEqual(self.marked(name), [200 + 50 * i])
        alone = self.folder / "alone"
        self.detect(Z_SCORE, names[3], out=alone)
        self.assertEqual((alone / names[3]).read_bytes(), (self.out / names[3]).read_bytes())

    def test_bad_rows_are_told_by_line_and_skipped(self):
        lines = self.recording("a.csv").read_text().splitlines()
        lines[10] = "yesterday,20"
        lines[20] = lines[20].split(",")[0] + ",warm"
        lines[30] = lines[30].split(",")[0] + ",1e9"
        lines[40] = lines[40] + ",1,2"
        self.write("a.csv", lines)
        done = self.detect(Z_SCORE, "a.csv", code=1)
        for line, why in ((11, "yesterday"), (21, "not a number"), (31, "range"), (41, "cells")):
            told = [t for t in done.stderr.splitlines() if "a.csv:%d: " % line in t]
            self.assertEqual(len(told), 1, done.stderr)
            self.assertIn(why, told[0])
        self.assertIn("1000 rows, 4 bad", done.stdout)
        rows = self.found("a.csv")
        self.assertEqual(len(rows), 996)
        self.assertNotIn(stamp(19), [r["timestamp"] for r in rows])
        self.assertEqual([r["timestamp"] for r in rows if r["alert"] == "1"],
                         [stamp(500), stamp(800)])

    def test_no_row_is_judged_by_a_later_one(self):
        data = values()
        self.recording("whole.csv", data)
        self.recording("part.csv", data[:620])
        self.detect(NEAREST, "whole.csv", "part.csv")
        whole = (self.out / "whole.csv").read_text().splitlines()
        self.assertEqual(whole[:621], (self.out / "part.csv").read_text().splitlines())
        scores = [float(r["anomaly_score"]) for r in self.found("whole.csv")]
        self.assertEqual(scores.index(max(scores[:700])), 502)
        self.assertIn(500, self.marked("whole.csv"))

    def test_columns_become_telemetry_by_name_or_by_map(self):
        model = dict(Z_SCORE, telemetry={"value": {}, "Volume Flow": {}})
        lines = ["label;When;Volume Flow;reading"] + [
            "%d;%s;1.5;%.6f" % (i in SPIKES, stamp(i).replace(" ", "T") + "Z", v)
            for i, v in enumerate(values())]
        self.write("a.csv", lines)
        done = self.detect(model, "--time-column", "When", "--map", "reading=value", "a.csv")
        self.assertEqual(self.marked("a.csv"), [500, 800])
        self.assertEqual(self.found("a.csv")[3]["When"], stamp(3).replace(" ", "T") + "Z")
        self.assertEqual(done.stderr, "")
        done = self.detect(model, "a.csv", "--time-column", "When")
        self.assertIn("no column for value", done.stderr)

    def test_a_time_cell_with_a_comma_stays_one_cell(self):
        self.write("a.csv", ['"when, local";value'] + ["%s;1" % stamp(i) for i in range(5)])
        self.detect(Z_SCORE, "a.csv", "--separator", ";")
        self.assertEqual(len(self.found("a.csv")), 5)
        self.assertIn("when, local", self.found("a.csv")[0])

    def test_timers_go_off_in_simulated_time(self):
        model = dict(Z_SCORE, operators=[
            {"name": "silent", "type": "absence", "of": "*", "for": "10m"}])
        rows = [i for i in range(300) if not 100 <= i < 160]
        self.write("a.csv", ["timestamp,value"] + ["%s,1" % stamp(i) for i in rows])
        self.detect(model, "a.csv")
        self.assertEqual([self.found("a.csv")[i]["timestamp"] for i in self.marked("a.csv")],
                         [stamp(160)])

    def test_repeated_and_earlier_times_get_a_row_each(self):
        lines = self.recording("a.csv").read_text().splitlines()
        lines.insert(300, lines[299])
        lines.insert(400, lines[200])
        self.write("a.csv", lines)
        self.detect(Z_SCORE, "a.csv")
        rows = self.found("a.csv")
        self.assertEqual([r["timestamp"] for r in rows],
                         [line.split(",")[0] for line in lines[1:]])
        self.assertEqual([r["timestamp"] for r in rows if r["alert"] == "1"],
                         [stamp(500), stamp(800)])

    def test_what_cannot_be_done_is_said(self):
        path = self.recording("a.csv")
        def says(why, *words, code, model=Z_SCORE):
            done = self.detect(model, *words, code=code)
            self.assertIn(why, done.stderr)
        says("no column is named like a telemetry", "a.csv", code=1,
             model=dict(Z_SCORE, telemetry={"speed": {}}, operators=[]))
        says("no column 'when'", "a.csv", "--time-column", "when", code=1)
        says("No such file", "missing.csv", code=1)
        says("no *.csv", "out-of-the-way", code=2) if (
            (self.folder / "out-of-the-way").mkdir() is None) else None
        says("declares no telemetry 'speed'", "a.csv", "--map", "value=speed", code=2)
        says("expected column=telemetry", "a.csv", "--map", "value", code=2)
        says("no operator 'h' with a score", "a.csv", "--score", "h", code=2)
        says("two files would be written", path, "a.csv.gz", code=2)
        says("no operator type \"oracle\"", "a.csv", code=2,
             model=dict(Z_SCORE, operators=[{"name": "x", "type": "oracle"}]))
        done = self.detect(Z_SCORE, "a.csv", out=self.folder, code=2)
        self.assertIn("is an input", done.stderr)
        self.assertEqual(list(self.out.rglob("*")), [])

    def test_a_damaged_file_leaves_no_half_result_and_the_others_their_whole(self):
        self.recording("good.csv")
        whole = self.recording("bad.csv.gz").read_bytes()
        (self.folder / "bad.csv.gz").write_bytes(whole[:len(whole) // 2])
        done = self.detect(Z_SCORE, "good.csv", "bad.csv.gz", code=1)
        self.assertIn("1 files, 1 failed", done.stdout)
        self.assertEqual(self.marked("good.csv"), [500, 800])
        self.assertEqual([p.name for p in self.out.iterdir()], ["good.csv"])


if __name__ == "__main__":
    unittest.main()
