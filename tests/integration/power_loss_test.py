# SPDX-License-Identifier: Apache-2.0
# The power goes, two hundred times: whatever of the unsynced writes the disk then has, at D2 no
# acknowledged reading is missing, and at D1 none that was acknowledged longer than sync_interval
# and the run's longest sync before. One run of a real node is recorded (disk_recorder.cpp); each
# cut is a place in the record, from which the disk is made as the cut may leave it (cut_disk.py).
import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cut_disk  # noqa: E402
import mqtt_stream  # noqa: E402
import node as support  # noqa: E402

CUTS = int(os.environ.get("POLLUX_TEST_CUTS", "200"))
DAY = 86_400_000
SYNC_INTERVAL_MS = 50
KEPT = 2  # disks on which a node then lives on
SYNC_US = 6000  # a sync takes up to so much longer than this machine's: more cuts fall into one
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"}]
MODEL = {"name": "m", "telemetry": {"x": {}},
         "operators": [{"name": "w", "type": "window", "of": "x", "span": "1h"},
                       {"name": "high", "type": "threshold", "value": "x", "above": 900, "clear": 800}]}

Said = collections.namedtuple("Said", "at time_ns readings")  # at: place in the record


def tokens(topic, payload):
    """(twin, event time in ms) of every reading in a message."""
    found = json.loads(payload)
    return [("a:" + topic.rpartition("/")[2], r["ts"])
            for r in (found if isinstance(found, list) else [found])]


def conversations(events):
    """What the node acknowledged and which alerts it told, in the record's order."""
    acknowledged, told = [], []
    peers, partly = {}, {}

    def heard(e):
        _, inward, waiting = peers[e.fd]
        inward.level = peers[e.fd][0].level
        for p in inward.feed(e.data):
            if p.kind == mqtt_stream.PUBLISH and p.qos:
                waiting[p.id] = tokens(p.topic, p.payload)

    def saying(place, e, data):
        outward, _, waiting = peers[e.fd]
        for p in outward.feed(data):
            if p.kind in (mqtt_stream.PUBACK, mqtt_stream.PUBREC) and p.id in waiting:
                acknowledged.append(Said(place, e.time_ns, waiting.pop(p.id)))
            elif p.kind == mqtt_stream.PUBLISH and p.topic.endswith("/alerts"):
                data = json.loads(p.payload)["data"]
                told.append(Said(place, e.time_ns,
                                 [(data["twin"], support.instant(data["event_time"]) // 1_000_000)]))

    for place, e in enumerate(events):
        if e.what == cut_disk.CONNECTED:
            peers[e.fd] = mqtt_stream.Stream(), mqtt_stream.Stream(), {}
        elif e.what == cut_disk.HEARD:
            heard(e)
        elif e.what == cut_disk.SAYING:
            partly[e.fd] = place, e
        elif e.what == cut_disk.SAID and e.fd in partly:
            began, said = partly.pop(e.fd)
            saying(began, said, said.data[:e.offset])
    return acknowledged, told


def choose_cuts(events, acknowledged, dice):
    """Places before which the power goes: a third anywhere, a third right after an acknowledgement,
    a third while something is synced, made, named or removed."""
    sharp = [i for i, e in enumerate(events)
             if e.what in (cut_disk.SYNC_DONE, cut_disk.RENAMED, cut_disk.UNLINKED,
                           cut_disk.FOLDER_MADE, cut_disk.SIZED, cut_disk.ALLOCATED)]
    out = []
    for n in range(CUTS):
        if n % 3 == 0:
            out.append(dice.randrange(1, len(events)))
        elif n % 3 == 1:
            out.append(dice.choice(acknowledged).at + 1)
        else:
            out.append(dice.choice(sharp) + dice.randrange(2))
    return sorted(out)


class Opener:
    """The program that says what a folder holds."""

    def __init__(self):
        self._process = subprocess.Popen([os.environ["POLLUX_STORED"]], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def look(self, folder):
        self._process.stdin.write(str(folder) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the program that opens a disk ended with %s" % self._process.wait()
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


Row = collections.namedtuple(
    "Row", "cut acknowledged lost owed_lost oldest_lost_ns untold lost_rows trouble")


def stored(found):
    return {(twin, t // 1_000_000) for twin, times in found.get("twins", {}).items() for t in times}


def judge(found, cut, cut_ns, owed_ns, acknowledged, told):
    """One cut: what the disk after it holds against what was said before it."""
    there = stored(found)
    before = [s for s in acknowledged if s.at < cut]
    lost = [(s, r) for s in before for r in s.readings if r not in there]
    trouble = ([found["error"]] if "error" in found else found["errors"] + found["findings"])
    return Row(cut, sum(len(s.readings) for s in before), len(lost),
               sum(s.time_ns <= cut_ns - owed_ns for s, _ in lost),
               max((cut_ns - s.time_ns for s, _ in lost), default=0),
               sum(r not in there for s in told if s.at < cut for r in s.readings),
               found.get("lost_rows", 0), trouble)


class PowerLoss(support.NodeTest):
    def make_node(self, durability):
        # in memory where there is such a folder: how long a sync takes, we say
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else self.folder
        self.memory = pathlib.Path(self._stack.enter_context(
            tempfile.TemporaryDirectory(prefix="pollux-cut-", dir=place,
                                        ignore_cleanup_errors=True)))
        data = self.memory / "data"
        node = self.node([MODEL], INGRESS,
                         node={"shards": 2, "data": str(data)}, twins={"passivate_after": "1s"},
                         # small: blocks, snapshots and trims happen while it is recorded
                         journal={"tail_readings": 1000, "durability": durability,
                                  "sync_interval": "%dms" % SYNC_INTERVAL_MS})
        node.data = data
        self.record_file = self.folder / "record"
        node.environment = {"LD_PRELOAD": os.environ["POLLUX_RECORDER"],
                            "DISK_RECORD_FOLDER": os.path.realpath(node.data),
                            "DISK_RECORD_FILE": str(self.record_file),
                            "DISK_RECORD_PORT": str(self.broker.port),
                            "DISK_RECORD_SYNC_US": str(SYNC_US)}
        return node

    def send(self, node, sender, dice, messages, first_twin):
        """Twins come into being all the time; some have years of readings, which become cold."""
        now = int(time.time() * 1000)
        for n in range(messages):
            twin = first_twin + dice.randrange(1 + min(40, n // 20))
            rows = []
            for _ in range(dice.choice((1, 1, 1, 2, 8))):
                count = self.counts[twin] = self.counts[twin] + 1
                age = 500 * DAY if twin % 3 == 0 else DAY // 4
                rows.append({"x": 950 if count % 25 == 0 else count % 500 / 2,
                             "ts": now - age + count * (DAY if twin % 3 == 0 else 1000)})
            payload = json.dumps(rows if len(rows) > 1 else rows[0])
            sender.publish("t/s%03d" % twin, payload, qos=1)
        sender.drain(60)

        def applied():
            return all(node.applied("a:s%03d" % t) == c for t, c in self.counts.items())
        support.eventually(applied, 60, "all readings applied", every=0.1)

    def run_node(self, durability):
        """A node's life with a restart in it, recorded."""
        node = self.make_node(durability)
        self.counts = collections.Counter()
        dice = random.Random(7)
        for life in range(2):
            node.start()
            with self.client("sender", window=100) as sender:
                self.send(node, sender, dice, 900, life * 25)
            if life == 1:
                support.eventually(
                    lambda: {t["tier"]: t for t in node.ask("journal", "tiers")["tiers"]}
                    ["cold"]["readings"] > 0, 30, "cold history", every=0.2)
            self.assertEqual(node.stop()[0], 0)
        return node

    def check_cuts(self, node, spared_ns):
        """Cuts the power again and again. spared_ns: how long before a cut an acknowledgement must
        have left for its readings to be owed. Gives a row for each cut."""
        events = cut_disk.read_record(self.record_file)
        acknowledged, told = conversations(events)
        self.assertEqual(sum(len(s.readings) for s in acknowledged), sum(self.counts.values()))
        whole = cut_disk.Disk(os.path.realpath(node.data))
        for e in events:
            whole.take(e)
        self.assertEqual(whole.differences(node.data), [], "the record does not tell the truth")
        owed_ns = spared_ns(whole)
        dice = random.Random(2026)
        disk, opener = cut_disk.Disk(os.path.realpath(node.data)), Opener()
        self._stack.callback(opener.close)
        rows, ways, at, self.kept = [], collections.Counter(), 0, []
        for number, cut in enumerate(choose_cuts(events, acknowledged, dice)):
            while at < cut:
                disk.take(events[at])
                at += 1
            image = self.memory / str(number)
            disk.cut(image, dice, ways)
            found = opener.look(image)
            rows.append(judge(found, cut, events[cut - 1].time_ns, owed_ns, acknowledged, told))
            if len(self.kept) < KEPT and found.get("lost_rows") and found["blocks"]:
                self.kept.append((image, stored(found)))
            else:
                shutil.rmtree(image)
        self.report(whole, acknowledged, rows, ways)
        return rows

    def report(self, disk, acknowledged, rows, ways):
        print("%d cuts in %d readings acknowledged with %d messages; %d syncs, the longest %.1f ms"
              % (len(rows), sum(len(s.readings) for s in acknowledged), len(acknowledged),
                 disk.sync_count, disk.longest_sync_ns / 1e6))
        print("files after the cuts: %s" % dict(ways))
        print("acknowledged at each cut: %s" % [r.acknowledged for r in rows])
        print("acknowledged and lost: %d at most, the oldest %.1f ms before its cut; owed and lost: "
              "%d; alerts told of lost readings: %d"
              % (max(r.lost for r in rows), max(r.oldest_lost_ns for r in rows) / 1e6,
                 max(r.owed_lost for r in rows), max(r.untold for r in rows)))
        print("rows of the registry lost: %s" % [r.lost_rows for r in rows if r.lost_rows])
        trouble = collections.Counter(re.sub(r"[0-9a-f]*[0-9][0-9a-f-]*", "N", t)
                                      for r in rows for t in r.trouble)
        for what, count in trouble.most_common(20):
            print("%4d %s" % (count, what))

    def live_on(self, data, before):
        """A node on what a cut left: it takes readings, seals, trims, starts anew, and has all."""
        node = self.node([MODEL], INGRESS, name=data.name, mqtt={"client_id": data.name},
                         node={"shards": 2, "data": str(data)},
                         journal={"tail_readings": 1000, "durability": "D2"})
        node.data = data
        now = int(time.time() * 1000)
        sent = set()
        node.start()
        with self.client("after") as sender:
            for n in range(60):
                name = "s%03d" % (n % 90)
                rows = [{"x": 1, "ts": now + n * 100 + i} for i in range(40)]
                sender.publish("t/" + name, json.dumps(rows), qos=1)
                sent |= {("a:" + name, r["ts"]) for r in rows}
            sender.drain()
        support.eventually(lambda: node.metric("pollux_journal_tail_readings") < 1000, 30,
                           "the log is trimmed")
        for _ in range(2):
            self.assertEqual(node.stop()[0], 0)
            node.start()
        node.verify("--online")
        self.assertEqual(node.stop()[0], 0)
        opener = Opener()
        found = opener.look(data)
        opener.close()
        self.assertEqual(found.get("errors"), [], found.get("error"))
        self.assertEqual((before | sent) - stored(found), set())

    def test_d2(self):
        rows = self.check_cuts(self.run_node("D2"), lambda _: 0)
        self.assertEqual(len(self.kept), KEPT, "no cut lost rows of the registry")
        for data, before in self.kept:
            self.live_on(data, before)
        self.assertEqual([r for r in rows if r.lost], [])
        self.assertEqual([r for r in rows if r.untold], [], "an alert was told of a lost reading")

    def test_d1(self):
        rows = self.check_cuts(self.run_node("D1"),
                               lambda disk: SYNC_INTERVAL_MS * 1_000_000 + disk.longest_sync_ns)
        self.assertEqual([r for r in rows if r.owed_lost], [])
        self.assertGreater(max(r.lost for r in rows), 0, "nothing lost at D1: the cuts do not cut")


if __name__ == "__main__":
    unittest.main(verbosity=2)
