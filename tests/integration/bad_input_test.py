# SPDX-License-Identifier: Apache-2.0
# Whatever arrives: the node lives, the good part of a message is kept, the bad part is counted and
# laid aside with its reason and its place, and can be taken up again later.
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

NOW = int(time.time() * 1000)
DAY = 86_400_000

# payload, reason, a part of the detail
REFUSED_WHOLE = [
    (b"", "malformed", ""),
    (b"{", "malformed", "not JSON"),
    (b"[1, 2]", "malformed", "not an object"),
    (b'{"temperature": 21,}', "malformed", "not JSON"),
    (b'"21"', "malformed", ""),
    (b"21", "malformed", ""),
    (b'{"temperature": 21', "malformed", "not JSON"),
    (b'{"temperature": "\xff\xfe"}', "malformed", ""),
    (b'\xff\xfe{"temperature": 21}', "malformed", ""),
    (b"\x00" * 100, "malformed", ""),
    (b"[]", "malformed", "empty"),
    (b"{}", "malformed", "no values"),
    (b'{"temperature": "warm"}', "invalid_value", "temperature"),
    (b'{"temperature": true}', "invalid_value", "temperature"),
    (b'{"temperature": NaN}', "invalid_value", "temperature"),
    (b'{"temperature": -Infinity}', "invalid_value", "temperature"),
    (b'{"temperature": 1e999}', "invalid_value", "temperature"),
    (b'{"temperature": 1000}', "invalid_value", "outside"),
    (b'{"a":' * 40 + b"1" + b"}" * 40, "unsupported", "nested"),
    (json.dumps({"temperature": 21, "ts": NOW + 400 * DAY}).encode(), "bad_time", "later"),
    (b'{"temperature": 21, "ts": "yesterday"}', "bad_time", "ts"),
    (b'{"temperature": 21, "ts": 1e300}', "bad_time", "ts"),
    (json.dumps({"note": "x" * 2000}).encode(), "oversized", "1024"),
]


class BadInput(support.NodeTest):
    def make_node(self, **settings):
        return self.node(
            ["device"],
            [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"},
             {"topic": "recent/{name}", "twin": "recent:{name}", "model": "device",
              "max_age": "1d"},
             {"topic": "known/{name}", "twin": "known:{name}"}],
            **settings).start()

    def send(self, *messages):
        """(topic, payload) pairs at QoS 1, all acknowledged by the broker."""
        with self.client("sender-%d" % time.monotonic_ns()) as sender:
            for topic, payload in messages:
                sender.publish(topic, payload, qos=1)
            sender.drain()

    def settle(self, node):
        """Waits until everything sent before has been judged: a good reading comes behind it."""
        self.marks = getattr(self, "marks", 0) + 1
        self.send(("telemetry/mark", json.dumps({"temperature": 20, "ts": NOW + self.marks})))
        support.eventually(lambda: node.applied("lab:mark") == self.marks, 20, "the mark applied")

    def records(self, node, count):
        def there():
            node.check_running()
            rows = node.quarantine()
            return rows if len(rows) >= count else None
        return support.eventually(there, 20, "%d quarantined" % count, every=0.1)

    def test_each_kind_of_rubbish_is_laid_aside_with_its_reason(self):
        node = self.make_node()
        self.send(*[("telemetry/bad-%d" % i, case[0]) for i, case in enumerate(REFUSED_WHOLE)])
        self.settle(node)
        rows = {r["topic"]: r for r in self.records(node, len(REFUSED_WHOLE))}
        for i, (payload, reason, detail) in enumerate(REFUSED_WHOLE):
            with self.subTest(payload=payload[:60]):
                row = rows["telemetry/bad-%d" % i]
                self.assertEqual(row["reason"], reason, row["detail"])
                self.assertIn(detail, row["detail"])
                self.assertEqual(row["mapping"], "telemetry/{name}")
        counted = node.metric("pollux_quarantined_total")
        self.assertEqual(counted, len(REFUSED_WHOLE))
        for reason in {case[1] for case in REFUSED_WHOLE}:
            expected = sum(1 for case in REFUSED_WHOLE if case[1] == reason)
            self.assertEqual(node.metric("pollux_quarantined_total", reason=reason), expected)
        self.assertEqual([t["id"] for t in node.ask("twin", "ls")], ["lab:mark"])
        node.verify("--online")

    def test_the_good_part_of_a_message_is_kept(self):
        node = self.make_node()
        batch = [{"ts": NOW + i * 1000, "temperature": 20 + i} for i in range(10)]
        batch[3]["temperature"] = "NaN"
        batch[5] = 7
        batch[7]["ts"] = NOW + 1000 * DAY
        self.send(("telemetry/fields", b'{"temperature": NaN, "humidity": 40, "door": "open"}'),
                  ("telemetry/rows", json.dumps(batch)),
                  ("telemetry/range", b'{"temperature": 21, "humidity": 140}'))
        self.settle(node)
        rows = {r["topic"]: r for r in self.records(node, 3)}
        self.assertEqual(node.applied("lab:rows"), 7)
        twin = node.twin("lab:fields")
        self.assertEqual(twin["telemetry"]["humidity"]["value"], 40)
        self.assertEqual(twin["telemetry"]["door"]["value"], "open")
        self.assertIsNone(twin["telemetry"]["temperature"]["value"])
        self.assertEqual(node.twin("lab:range")["telemetry"]["temperature"]["value"], 21)
        detail = rows["telemetry/rows"]["detail"]
        for part in ("row 6", "row 8"):
            self.assertIn(part, detail)
        self.assertIn("temperature", detail)
        self.assertIn("temperature", rows["telemetry/fields"]["detail"])
        self.assertIn("140", rows["telemetry/range"]["detail"])
        self.assertEqual(node.metric("pollux_mqtt_refused_values_total"), 5)

    def test_ten_megabytes_are_refused_and_their_beginning_kept(self):
        node = self.make_node()
        big = b'{"temperature": 21, "note": "' + b"x" * 10_000_000 + b'"}'
        self.send(("telemetry/big", big), ("telemetry/big", b"y" * 10_000_000))
        self.settle(node)
        for row in self.records(node, 2):
            self.assertEqual(row["reason"], "oversized")
            self.assertLessEqual(len(row["payload"]), 65_600)
        self.assertIsNone(node.twin_or_none("lab:big"))

    def test_topics_and_twins_nobody_declared(self):
        node = self.make_node()
        self.send(("telemetry/two words", b'{"temperature": 21}'),
                  ("telemetry/" + "n" * 200, b'{"temperature": 21}'),
                  ("telemetry/\N{SNOWMAN}", b'{"temperature": 21}'),
                  ("known/stranger", b'{"temperature": 21}'),
                  ("elsewhere/x", b'{"temperature": 21}'))
        self.settle(node)
        rows = self.records(node, 4)
        reasons = sorted(r["reason"] for r in rows)
        self.assertEqual(reasons, ["unknown_topic"] * 3 + ["unknown_twin"])
        self.assertEqual(len(node.ask("twin", "ls")), 1)

    def test_a_quarantined_message_goes_through_once_its_twin_is_known(self):
        node = self.make_node()
        self.send(("known/stranger", json.dumps({"temperature": 21.5, "ts": NOW - 5000})))
        row = self.records(node, 1)[0]
        self.assertEqual(row["reason"], "unknown_twin")
        self.assertNotEqual(node.run("quarantine", "replay", row["id"]).returncode, 0)
        self.assertEqual(len(node.quarantine()), 1)
        node.cli("twin", "create", "known:stranger", "device")
        node.cli("quarantine", "replay", row["id"])
        self.assertEqual(node.quarantine(), [])
        support.eventually(lambda: node.applied("known:stranger") == 1, 10, "the replayed reading")
        twin = node.twin("known:stranger")
        self.assertEqual(twin["telemetry"]["temperature"]["value"], 21.5)
        self.assertEqual(support.instant(twin["last_event_time"]), (NOW - 5000) * 1_000_000)
        self.assertEqual(node.run("quarantine", "replay", row["id"]).returncode, 3)

    def test_the_quarantine_outlives_a_kill(self):
        node = self.make_node()
        self.send(("telemetry/a", b"{"))
        before = self.records(node, 1)
        node.kill()
        node.start()
        self.assertEqual(node.quarantine(), before)
        self.assertIn("telemetry/a", node.cli("quarantine", "show", before[0]["id"]))

    def test_clocks_years_off(self):
        node = self.make_node()
        self.send(("telemetry/old", json.dumps({"temperature": 20, "ts": NOW - 3650 * DAY})),
                  ("recent/old", json.dumps({"temperature": 20, "ts": NOW - 3650 * DAY})),
                  ("telemetry/new", json.dumps({"temperature": 20, "ts": NOW + 3650 * DAY})),
                  ("telemetry/epoch", b'{"temperature": 20, "ts": 0}'),
                  ("telemetry/before", b'{"temperature": 20, "ts": "1931-05-01T00:00:00Z"}'),
                  ("telemetry/none", b'{"temperature": 20}'))
        self.settle(node)
        rows = self.records(node, 2)
        self.assertEqual({r["topic"]: r["reason"] for r in rows},
                         {"recent/old": "bad_time", "telemetry/new": "bad_time"})
        for name in ("old", "epoch", "before", "none"):  # recorded data is old: legal
            self.assertEqual(node.applied("lab:" + name), 1, name)
        self.assertEqual(node.twin("lab:before")["last_event_time"][:10], "1931-05-01")
        self.assertGreaterEqual(support.instant(node.twin("lab:none")["last_event_time"]),
                                NOW * 1_000_000)
        node.verify("--online")

    def test_duplicates_and_readings_out_of_order(self):
        node = self.make_node()

        def reading(at, value, **more):
            return json.dumps({"ts": NOW - 60_000 + at * 1000, "temperature": value, **more})
        order = [0, 1, 2, 5, 3, 4, 6, 6, 3, 7, 0]  # 3 repeated, 4 late, 6, 3 and 0 sent again
        self.send(*[("telemetry/order", reading(at, 20 + at)) for at in order],
                  ("telemetry/order", reading(7, 99)))  # the same instant, another value
        # a device that numbers: 2 comes twice with another time stamp, 4 before 3
        self.send(*[("telemetry/numbered", reading(at, value, seq=seq)) for seq, at, value in
                    ((1, 1, 20), (2, 2, 21), (2, 2, 21), (4, 4, 23), (3, 3, 22), (4, 4, 23))],
                  # one whose numbers 2 and 4 to 16 had not come when 80 did
                  *[("telemetry/gaps", reading(at, 20, seq=seq)) for seq, at in
                    ((1, 1), (3, 2), (80, 3))])
        self.settle(node)
        twin = node.twin("lab:order")
        self.assertEqual(twin["readings"],
                         {"applied": 9, "late": 2, "duplicates": 3, "corrections": 1, "missing": 0})
        window = {w["name"]: w for w in twin["windows"]}["temperature_5m"]
        self.assertEqual(window["count"], 8)
        self.assertEqual((window["min"], window["max"]), (20, 99))
        self.assertEqual(twin["telemetry"]["temperature"]["value"], 99)
        numbered = node.twin("lab:numbered")
        self.assertEqual(numbered["readings"],
                         {"applied": 4, "late": 1, "duplicates": 2, "corrections": 0, "missing": 0})
        self.assertNotIn("missing", node.cli("twin", "get", "lab:numbered"))
        self.assertEqual(node.twin("lab:gaps")["readings"]["missing"], 14)
        self.assertIn("corrections 0, missing 14)", node.cli("twin", "get", "lab:gaps"))
        self.assertEqual(node.quarantine(), [])
        node.kill()
        node.start()
        self.assertEqual(node.twin("lab:order")["readings"], twin["readings"])
        node.verify("--online")

    def test_a_flood_of_rubbish_drops_nothing_uncounted(self):
        node = self.make_node()
        count = 3000
        with self.client("flood", window=500) as sender:
            for i in range(count):
                sender.publish("telemetry/f%d" % (i % 7), b"{" if i % 2 else
                               json.dumps({"temperature": 20, "ts": NOW - DAY + i}), qos=1)
            sender.drain()
        self.settle(node)
        support.eventually(
            lambda: node.metric("pollux_quarantined_total", reason="malformed") == count / 2, 20,
            lambda: "counted: %s" % node.metric("pollux_quarantined_total"))
        applied = sum(node.applied("lab:f%d" % i) for i in range(7))
        self.assertEqual(applied, count / 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
