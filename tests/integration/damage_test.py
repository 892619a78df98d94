# SPDX-License-Identifier: Apache-2.0
# What a disk or a person does to a data folder: named, isolated, nothing else lost, and mended
# where a backup or the node itself still has it.
import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus  # noqa: E402
import node as support  # noqa: E402


class Damage(support.NodeTest):
    maxDiff = None

    def stopped(self):
        """A stopped node on a sound folder with a backup, and what it said."""
        node = self.node(corpus.MODELS, corpus.INGRESS, **corpus.SETTINGS).start()
        with self.client("writer", version=5) as client:
            corpus.fill(node, client, self.folder)
        # into tables: a start writes what LevelDB's log holds
        self.assertEqual(node.stop()[0], 0)
        node.start()
        self.expected = corpus.describe(node)
        self.assertEqual(node.stop()[0], 0)
        self.backups = self.folder / "backups"
        node.cli("backup", "--to", self.backups, "--data", node.data)
        return node

    def largest(self, folder, ending=".ldb"):
        files = [f for f in folder.iterdir() if f.suffix == ending]
        self.assertTrue(files, "no table in %s" % folder)
        return max(files, key=lambda f: f.stat().st_size)

    def flip(self, file, at):
        data = bytearray(file.read_bytes())
        data[int(len(data) * at)] ^= 0x10
        file.write_bytes(data)

    def repair(self, node, *words):
        done = node.run("journal", "repair", "--data", node.data, "-o", "json", *words)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertTrue(done.stdout, "repair told nothing: " + done.stderr)
        return json.loads(done.stdout)

    def check_alive(self, node):
        """A node on it starts, takes readings, and verifies what is there."""
        node.start()
        with self.client("after-%d" % node.http_port, version=5) as client:
            write = corpus.Writer(node, client)
            write.sent["after"] = 0
            for n in range(0, 1500, 100):
                write.send(corpus.PATTERN, "after",
                           *({"ts": corpus.START + (n + i) * 1000, "vibration": 1,
                              "temperature": 20} for i in range(100)))
        support.eventually(lambda: node.metric("pollux_journal_tail_readings") < 1000, 30,
                           "sealing goes on")
        self.assertEqual(len(node.history("c:after", "--telemetry", "vibration")), 1500)

    def test_a_sound_folder_is_not_touched(self):
        node = self.stopped()
        self.assertEqual(self.repair(node, "--from", self.backups)["repairs"], [])
        node.start()
        self.assertEqual(corpus.difference(self.expected, corpus.describe(node)), [])

    def test_flipped_bits_anywhere_in_the_store(self):
        node = self.stopped()
        sound = self.folder / "sound"
        shutil.copytree(node.data, sound)
        for at in (0.1, 0.35, 0.6, 0.85):
            with self.subTest(at=at):
                shutil.rmtree(node.data)
                shutil.copytree(sound, node.data)
                self.flip(self.largest(node.data / "store"), at)
                dry = self.repair(node, "--from", self.backups, "--dry-run")
                done = self.repair(node, "--from", self.backups)
                self.assertGreater(len(dry["repairs"]), 0)
                self.assertGreaterEqual(len(done["repairs"]), len(dry["repairs"]))
                self.assertTrue(any(d.name.startswith("store.damaged")
                                    for d in node.data.iterdir()))
                self.assertEqual(self.repair(node, "--from", self.backups)["repairs"], [])
                self.check_alive(node)
                self.assertEqual(node.stop()[0], 0)

    def test_tables_that_are_cut_short_or_gone(self):
        node = self.stopped()
        sound = self.folder / "sound"
        shutil.copytree(node.data, sound)
        for part in ("store", "log"):
            for how in ("half", "empty", "gone"):
                with self.subTest(part=part, how=how):
                    shutil.rmtree(node.data)
                    shutil.copytree(sound, node.data)
                    table = self.largest(node.data / part)
                    if how == "gone":
                        table.unlink()
                    else:
                        size = table.stat().st_size // 2 if how == "half" else 0
                        with open(table, "ab") as file:
                            file.truncate(size)
                    found = node.run("journal", "verify", "--offline", "--data", node.data)
                    self.assertNotEqual(found.returncode, 0, found.stdout)
                    done = node.run("journal", "repair", "--data", node.data, "--from",
                                    self.backups)
                    if "nothing of it can be read" not in done.stderr:
                        self.assertIn("repaired", done.stdout, done.stderr)
                        continue
                    # all of it was in that one table: then there is the backup
                    self.assertEqual(done.returncode, 1)
                    shutil.rmtree(node.data)
                    node.cli("restore", "--from", self.backups, "--data", node.data)

    def test_a_folder_that_is_lost_comes_back_from_the_backup(self):
        node = self.stopped()
        shutil.rmtree(node.data)
        node.cli("restore", "--from", self.backups, "--data", node.data)
        node.start()
        self.assertEqual(corpus.difference(self.expected, corpus.describe(node)), [])
        node.verify("--online")

    def test_an_edited_backup_is_refused_and_what_is_sound_of_it_can_be_had(self):
        node = self.stopped()
        made = next(self.backups.iterdir())
        self.flip(self.largest(made / "store", ".log"), 0.5)  # small enough for no table
        checked = node.run("backup", "check", self.backups)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("its checksum differs", checked.stdout)
        target = self.folder / "second"
        refused = node.run("restore", "--from", self.backups, "--data", target)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("checksum differs", refused.stderr)
        self.assertFalse(target.exists())
        said = node.ask("restore", "--from", self.backups, "--data", target, "--accept-damage")
        self.assertGreater(len(said["damage"]), 0)

    def test_heads_that_were_kept_tell_an_edited_history(self):
        node = self.stopped()
        kept = self.folder / "heads.json"
        kept.write_text(node.cli("journal", "verify", "--heads", "--offline", "-o", "json"))
        heads = json.loads(kept.read_text())
        self.assertIn("c:motor", {h["twin"] for h in heads["heads"]})
        node.start()
        with self.client("more", version=5) as client:
            write = corpus.Writer(node, client)
            write.sent["motor"] = node.applied("c:motor")
            for n in range(1600, 2600, 100):
                write.motor(n, n + 100)
        support.eventually(lambda: node.metric("pollux_sealed_readings_total") > 0, 30, "sealing")
        # what came since changes nothing, nor does sealing
        said = node.ask("journal", "verify", "--expect", kept)
        self.assertEqual((said["compared"], said["findings"]), (len(heads["heads"]), []))
        for head in heads["heads"]:
            if head["twin"] == "c:machine":
                head["chain"] = head["chain"][:-1] + ("0" if head["chain"][-1] != "0" else "1")
        heads["heads"].append({"twin": "c:never", "last": "1-1-0", "chain": "00" * 32})
        kept.write_text(json.dumps(heads))
        for where in ("--online", "--offline"):
            if where == "--offline":
                self.assertEqual(node.stop()[0], 0)
            said = node.ask("journal", "verify", where, "--expect", kept, code=1)
            self.assertEqual(len(said["findings"]), 2, said)
            self.assertTrue(said["findings"][0].startswith("c:machine: its history up to input"))
            self.assertIn("c:never: no such twin", said["findings"][1])

    def test_stats_with_and_without_the_node(self):
        node = self.stopped()
        offline = node.ask("journal", "stats", "--twins")
        self.assertEqual((offline["twins"], offline["deleted_twins"]), (len(corpus.TWINS), 1))
        self.assertEqual(offline["history"]["readings"] + offline["tail"]["readings"],
                         int(node.cli("journal", "count")))
        self.assertGreater(offline["history"]["bytes_per_value"], 0)
        motor = [t for t in offline["by_twin"] if t["twin"] == "c:motor"][0]
        self.assertGreater(sum(t["readings"] for t in motor["tiers"].values()), 500)
        self.assertIn("BYTES PER VALUE", node.cli("journal", "stats"))
        node.start()
        online = node.ask("journal", "stats", "--twins")
        # meanwhile the node may seal, and move blocks from tier to tier: no reading comes or goes
        for what in (online, offline):
            what["all"] = what["history"]["readings"] + what["tail"]["readings"]
        self.assertEqual(online["all"], offline["all"])
        self.assertEqual(online["alerts"], offline["alerts"])
        self.assertEqual([t["twin"] for t in online["by_twin"]],
                         [t["twin"] for t in offline["by_twin"]])


if __name__ == "__main__":
    unittest.main(verbosity=2)
