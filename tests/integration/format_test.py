# SPDX-License-Identifier: Apache-2.0
# What lies on disk, read by a second reader (tests/support/history_reader.py) that was written from
# docs/journal_format.md: it finds what was sent, value by value, in every tier and in folders of
# earlier formats, and notices a changed bit.
import base64
import collections
import csv
import io
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus  # noqa: E402
import format_content as content  # noqa: E402
import history_block as blocks  # noqa: E402
import history_columns as columns  # noqa: E402
import history_reader as reader  # noqa: E402
import node as support  # noqa: E402
from format_content import found_of, sent_of  # noqa: E402
from history_columns import BOOLEAN, F32S, F64, I16S, I64, TEXT  # noqa: E402

DAY = 86_400
FOR_EVER_HOT = {"hot_days": 36_000, "warm_days": 36_001}
INGRESS = [{"topic": "t/{name}", "twin": "a:{name}", "model": "m"},
           {"topic": "p/{name}", "twin": "a:{name}", "model": "m", "payload": "protobuf"}]
MODEL = {"name": "m",
         "telemetry": {**{n: {} for n in content.NUMBERS}, "on": {"type": "boolean"},
                       "note": {"type": "text"}, **{n: {"type": "samples"} for n in content.SAMPLES}},
         "operators": [{"name": "w", "type": "window", "of": "x", "span": "1m"}]}


def flips(raw, count, seed):
    """`raw` with one bit changed, `count` times."""
    random_ = random.Random(seed)
    for _ in range(count):
        changed = bytearray(raw)
        changed[random_.randrange(len(raw))] ^= 1 << random_.randrange(8)
        yield bytes(changed)


def with_body(raw, body):
    """The block (version 2) with another body and checksums to fit, as someone who edits writes it."""
    head = raw[5:5 + 64 + 24 + 12 + 32] + struct.pack("<BI", 0, len(body))
    return raw[:1] + struct.pack("<I", columns.crc32c(head + body)) + head + body


class Format(support.NodeTest):
    maxDiff = 2000

    # --- the folder

    def fill(self, node):
        """Twin -> readings as sent, in order."""
        random_ = random.Random(11)
        start = (int(time.time()) - 2 * DAY) * 1000
        client = self.client("sender")
        one = content.json_rows(start, 2600, random_)
        for row in one[:900]:
            client.publish("t/one", json.dumps(row), qos=1)
        for i in range(900, len(one), 5):
            client.publish("t/one", json.dumps(one[i:i + 5]), qos=1)
        two = content.protobuf_rows(start, 1500, random_)
        for i in range(0, len(two), 3):
            client.publish("p/two", content.protobuf(two[i:i + 3]), qos=1)
        # late by up to an hour, and the same time once more with another value
        three = [{"ts": start + i * 1000 - (i % 7 == 3) * random_.randrange(3_600_000), "seq": i + 1,
                  "x": i / 4, "n": i} for i in range(800)]
        three += [{"ts": start + i * 1000, "seq": 1000 + i, "x": 0.5 + i} for i in range(0, 60, 2)]
        for row in three:
            client.publish("t/three", json.dumps(row), qos=1)
        client.drain()
        sent = {"one": [sent_of(r) for r in one], "two": two, "three": [sent_of(r) for r in three]}
        for name, readings in sent.items():
            support.eventually(lambda: node.applied("a:" + name) == len(readings), 60,
                               lambda: "%s: %d of %d" % (name, node.applied("a:" + name), len(readings)))
        support.eventually(lambda: node.metric("pollux_journal_tail_readings") < 750, 30, "sealing")
        return sent

    def compare(self, history, sent):
        """All of what was sent is there, in order; gives how many lie in blocks."""
        sealed = 0
        for name, readings in sent.items():
            found = history.readings("a:" + name)
            self.assertEqual(len(found), len(readings), name)
            for (entry, reading), expected in zip(found, readings):
                self.assertEqual(found_of(reading), expected, (name, entry.position, entry.index))
            sealed += len(history.readings("a:" + name, tail=False))
        return sealed

    def compare_export(self, node, history, sent):
        """`pollux export` tells the same: of one instant the value that came last."""
        text = node.cli("export", "readings", "a:*", "--format", "csv", "--offline", "--data", node.data)
        exported = {(r["twin"], support.instant(r["event_time"]), r["name"]): r["value"]
                    for r in csv.DictReader(io.StringIO(text, newline=""))}
        own = {}
        for twin in history.twins.values():
            for _, reading in [] if twin.deleted else history.readings(twin.key):
                for n, kind, value in reading.values:
                    if kind in (F64, I64, BOOLEAN, TEXT, F32S, I16S):
                        own[twin.key.partition("#")[0], reading.event_time, n.decode()] = kind, value
        self.assertEqual(exported.keys(), own.keys())
        for key, (kind, value) in own.items():
            said = exported[key]
            if kind in (F64, I64):
                self.assertEqual((float if kind == F64 else int)(said), value, key)
            elif kind in (F32S, I16S):
                form, _, text = said.partition(":")
                self.assertEqual(form, "samples_f32" if kind == F32S else "samples_i16", key)
                self.assertEqual(base64.b64decode(text, validate=True), value, key)
            else:
                self.assertEqual(said, value.decode() if kind == TEXT else str(value).lower(), key)

    def compare_heads(self, node, history):
        """The hash chain, computed anew, stands where the node says. Gives that, and how many heads
        the node leaves out because they still hang on a block of version 1."""
        said = json.loads(node.cli("journal", "verify", "--heads", "-o", "json", "--offline",
                                   "--data", node.data))
        heads = {}
        for home, ((position, index), value) in history.heads().items():
            name = home if isinstance(home, str) else "(shard %d)" % home
            heads[name] = "%d-%d-%d" % (position >> 40, position & 2**40 - 1, index), value.hex()
        told = {h["twin"]: (h["last"], h["chain"]) for h in said["heads"]}
        self.assertEqual(told, {name: heads[name] for name in told})
        self.assertEqual(len(told) + said["left_out"], len(heads))
        return told, said["left_out"]

    def send_more(self, node, sent):
        """What stays in the log, and the second life of a twin."""
        start = (int(time.time()) - DAY) * 1000
        client = self.client("sender-of-more")

        def send(name, rows, key):
            for row in rows:
                client.publish("t/" + name, json.dumps(row), qos=1)
            client.drain()
            sent[key] = sent.get(key, []) + [sent_of(r) for r in rows]
            support.eventually(lambda: node.applied("a:" + name) == len(sent[key]), 30, "applied")

        send("four", [{"ts": start + i * 1000, "x": i / 8} for i in range(20)], "four")
        node.cli("twin", "delete", "a:four")
        send("four", [{"ts": start + i * 1000, "x": 50 + i, "seq": i + 1} for i in range(12)], "four#2")
        send("one", content.json_rows(start, 40, random.Random(12)), "one")

    @staticmethod
    def in_tiers(history):
        return {reader.TIERS[i.tier] for i in history.indexes if i.row != reader.WIDE}

    def raw_blocks(self, history, tier):
        """The bytes of the twins' blocks of that tier, which lie in the store."""
        stored = dict(history.store)
        return [stored[b"B" + struct.pack(">HIQI", i.shard, i.row, *i.first)]
                for i in history.indexes if i.row != reader.WIDE and reader.TIERS[i.tier] == tier]

    def check_flips_are_noticed(self, raw):
        for changed in flips(raw, 60, len(raw)):
            self.assertRaises(columns.Damaged, blocks.read_block, changed)

    def check_edits_are_noticed(self, raw):
        """A body that was changed with the checksums made to fit says the same or does not hold."""
        block, noticed = blocks.read_block(raw), collections.Counter()
        for body in flips(block.body, 60, 5):
            try:
                again = blocks.read_block(with_body(raw, body))
                self.assertEqual([blocks.canonical(i) for i in again.inputs],
                                 [blocks.canonical(i) for i in block.inputs])
            except columns.Damaged as damage:
                noticed[str(damage)] += 1
        self.assertGreater(noticed["the chain does not hold"], 10, noticed)

    # --- tests

    def test_what_was_sent_is_on_disk_in_every_tier(self):
        node = self.node([MODEL], INGRESS, node={"shards": 2}, journal={"tail_readings": 1000}).start()
        began = time.time_ns()
        sent = self.fill(node)
        self.send_more(node, sent)
        self.assertEqual(node.stop()[0], 0)
        columns.met.clear()
        history = reader.History(node.data)
        sealed = self.compare(history, sent)
        self.assertGreater(sealed, 4000)
        self.assertLess(sealed, sum(map(len, sent.values())))
        self.assertEqual(self.in_tiers(history), {"hot"})
        for twin in sent:
            for entry, _ in history.readings("a:" + twin):
                self.assertTrue(began - 5 * 10**9 < entry.ingest < time.time_ns())
        # what was not met was not looked at
        self.assertLessEqual({("int", 0), ("int", 1), ("int", 3), ("int", 4), ("f64", 1), ("f64", 2),
                              ("f64", 3), ("samples_f32", 2), ("samples_f32", 3), ("samples_i16", 1)},
                             set(columns.met))
        self.compare_export(node, history, sent)
        heads = self.compare_heads(node, history)
        self.assertEqual((len(heads[0]), heads[1]), (7, 0))
        hot = self.raw_blocks(history, "hot")
        self.check_flips_are_noticed(max(hot, key=len))
        self.check_edits_are_noticed(min(hot, key=len))

        for days, tier in ((60, "warm"), (600, "cold")):
            node.cli("journal", "move", "--data", node.data, "--now", int(time.time()) + days * DAY)
            moved = reader.History(node.data)
            self.assertEqual(self.in_tiers(moved), {tier})
            self.assertEqual(self.compare(moved, sent), sealed)
            self.assertEqual(self.compare_heads(node, moved), heads)
            if tier == "warm":
                self.check_flips_are_noticed(max(self.raw_blocks(moved, "warm"), key=len))
        self.check_cold_flips_are_noticed(node, moved)

    def check_cold_flips_are_noticed(self, node, history):
        file, = (node.data / "history").glob("*.history")
        kept = file.read_bytes()
        for changed in flips(kept, 12, 7):
            file.write_bytes(changed)
            self.assertRaises(columns.Damaged, reader.History, node.data)
        file.write_bytes(kept)
        lines = subprocess.run([sys.executable, "-B", reader.__file__, node.data, "a:one"],
                               capture_output=True, text=True, timeout=60)
        self.assertEqual((lines.returncode, lines.stderr), (0, ""))
        self.assertEqual(len(lines.stdout.splitlines()), len(history.readings("a:one")))

    def test_rows_with_a_changed_bit_are_noticed(self):
        kept = corpus.FORMATS / "1"
        history = reader.History(kept)
        self.assertGreater(len(history.tail), 0)
        for key, value in history.store:
            if key[:1] in b"IR":
                for changed in flips(value, 20, 3):
                    self.assertRaises(columns.Damaged, reader.payload, changed, value[0])
        log = [v for k, v in reader.rows(kept / "log") if k[:1] == b"L"]
        for value in log[:10]:
            for changed in flips(value, 20, 4):
                self.assertRaises(columns.Damaged, reader.log_row, changed)

    def test_blocks_of_version_1_say_what_was_written_beside_them(self):
        folder = corpus.FORMATS / "block_v1"
        for file in sorted(folder.glob("*.block")):
            with self.subTest(block=file.name):
                raw = file.read_bytes()
                block = blocks.read_block(raw)
                self.assertEqual(block.version, 1)
                self.compare_text(block, file.with_suffix(".txt").read_bytes())
                self.check_flips_are_noticed(raw)

    def compare_text(self, block, text):
        """Of readings every bit, of other inputs their id, kind and time."""
        at = 0
        for entry in block.inputs:
            head = b"%d-%d kind %d ingest %d\n" % (entry.position, entry.index, entry.kind, entry.ingest)
            at = text.find(head, at)
            self.assertGreaterEqual(at, 0, head)
            at += len(head)
            for reading in entry.readings:
                line = b"  %d #%d" % (reading.event_time, reading.sequence)
                for name, kind, value in reading.values:
                    if kind == F64:
                        value = struct.unpack("<Q", struct.pack("<d", value))[0]
                    line += b" %s=%d:" % (name, kind)
                    line += value if isinstance(value, bytes) else b"%d" % (value or 0)
                self.assertEqual(text[at:at + len(line) + 1], line + b"\n")
                at += len(line) + 1

    def test_folders_of_every_released_format(self):
        kept = sorted(p for p in corpus.FORMATS.iterdir() if p.name.isdigit())
        self.assertGreater(len(kept), 0)
        for folder in kept:
            with self.subTest(format=folder.name):
                history = reader.History(folder)
                if folder.name == "1":
                    self.assertEqual({i.version for i in history.indexes}, {1})
                self.check_lone_segments(history)
                self.compare_expected(history, json.loads((folder / "expected.json").read_text()))
                self.compare_when_written_on(folder, history)

    def check_lone_segments(self, history):
        """Inputs that are not readings are written as the page says, so that the log's can be hashed."""
        kinds = set()
        for home in [t.blocks for t in history.twins.values()] + list(history.wide.values()):
            for entry in (i for _, b in home for i in b.inputs if i.other is not None):
                parts = list(blocks.fields(entry.other))
                names = [v for n, v in parts if n == 3]
                self.assertEqual(blocks.lone_segment(parts[-1][1], names), entry.other)
                kinds.add(entry.kind)
        self.assertLessEqual({2, 3, 4, 6, 7, 32, 33}, kinds)  # commands, acknowledgements, lives, models

    def compare_expected(self, history, expected):
        """Of each telemetry of a living twin the number of values and their sum."""
        living = {t.key.partition("#")[0]: t.key for t in history.twins.values() if not t.deleted}
        for name, told in expected["twins"].items():
            rows = [{"name": n.decode(), "value": reader.plain(k, v)}
                    for _, r in history.readings(living[name]) for n, k, v in r.values]
            self.assertEqual(corpus.total(rows), told["history"], name)
            self.assertEqual(len(history.readings(living[name])),
                             told["document"]["readings"]["applied"], name)

    def compare_when_written_on(self, folder, before):
        """The chain goes on behind blocks of version 1, and what they held is still there."""
        node = self.node([], corpus.INGRESS, name="from-" + folder.name, **corpus.SETTINGS)
        for part in folder.iterdir():
            if part.is_dir() and part.name != "models":
                shutil.copytree(part, node.data / part.name)
        for model in (folder / "models").iterdir():
            node.put_model({**json.loads(model.read_text()), "retention": FOR_EVER_HOT})
        _, left_out = self.compare_heads(node, before)
        node.start()
        with self.client("writer-" + folder.name, version=5) as client:
            write = corpus.Writer(node, client)
            write.sent["motor"] = node.applied("c:motor")
            write.motor(1600, 2500, batch=4)
        support.eventually(lambda: node.metric("pollux_sealed_readings_total") > 0, 30, "sealing")
        support.eventually(lambda: node.metric("pollux_journal_tail_readings") < 750, 30, "trimming")
        self.assertEqual(node.stop()[0], 0)
        after = reader.History(node.data)
        self.assertGreater(sum(i.version == 2 for i in after.indexes), 0)
        if folder.name == "1":
            behind = [(i.hash64, b.before) for t in after.twins.values()
                      for (i, _), (_, b) in zip(t.blocks, t.blocks[1:]) if i.version == 1]
            self.assertGreater(len(behind), 0)
            for digest, value in behind:
                self.assertEqual(value, struct.pack("<Q", digest) + bytes(24))
        heads, still_left_out = self.compare_heads(node, after)
        self.assertLess(still_left_out, max(left_out, 1))
        self.compare_written_on(before, after)
        # version 1 is written anew; the chain behind it is not
        node.cli("journal", "move", "--data", node.data, "--now", "2130-01-01T00:00:00Z")
        moved = reader.History(node.data)
        self.assertEqual({(i.version, i.tier) for t in moved.twins.values() if not t.deleted
                          for i, _ in t.blocks}, {(2, 2)})
        self.compare_written_on(before, moved)
        self.assertEqual(self.compare_heads(node, moved)[0]["c:motor"], heads["c:motor"])

    def compare_written_on(self, before, after):
        for twin in before.twins.values():
            old, new = before.readings(twin.key), after.readings(twin.key)
            self.assertEqual(new[:len(old)], old, twin.key)
            added = [corpus.motor_reading(n) for n in range(1600, 2500)] if twin.key == "c:motor" else []
            self.assertEqual([found_of(r) for _, r in new[len(old):]], [sent_of(d) for d in added])


if __name__ == "__main__":
    unittest.main()
