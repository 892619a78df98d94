# SPDX-License-Identifier: Apache-2.0
# A backup of a running node is whole, and a node started on what is restored from it stands where
# the first one stood: at the moment of the backup, or at any time before.
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus  # noqa: E402
import durability_test as durability  # noqa: E402
import node as support  # noqa: E402
import reference_job  # noqa: E402


class Backup(support.NodeTest):
    maxDiff = None

    def corpus_node(self):
        node = self.node(corpus.MODELS, corpus.INGRESS, **corpus.SETTINGS).start()
        with self.client("writer", version=5) as client:
            corpus.fill(node, client, self.folder)
        node.kill()  # then every twin has been told of what reaches all of them
        return node.start()

    def backup(self, node, to, *words):
        return node.ask("backup", "--to", to, *words)

    def restored(self, of, data, name, models=None):
        """A node on a restored folder, with a client id of its own."""
        settings = {k: dict(v) for k, v in corpus.SETTINGS.items()}
        settings["node"]["data"] = str(data)
        made = self.node([], of.ingress, name=name, mqtt={"client_id": name}, **settings)
        for model in pathlib.Path(models or of.models).iterdir():
            shutil.copyfile(model, made.models / model.name)
        return made

    def test_what_is_restored_says_the_same(self):
        node = self.corpus_node()
        expected = corpus.describe(node)
        made = self.backup(node, self.folder / "backups")
        self.assertEqual(made["damage"], [])
        self.assertGreater(made["rows"]["store/B"], 3)
        self.assertIn("sound", node.cli("backup", "check", self.folder / "backups"))
        # restored beside the running node, which goes on
        said = node.ask("restore", "--from", self.folder / "backups",
                        "--data", self.folder / "second")
        self.assertEqual(said["damage"], [])
        second = self.restored(node, self.folder / "second", "second").start()
        self.assertEqual(corpus.difference(expected, corpus.describe(second)), [])
        second.verify("--online")
        self.assertEqual(node.run("restore", "--from", self.folder / "backups",
                                  "--data", self.folder / "second").returncode, 5)
        # the same from a stopped node's folder
        self.assertEqual(node.stop()[0], 0)
        again = self.backup(node, self.folder / "backups", "--data", node.data)
        self.assertNotEqual(again["folder"], made["folder"])
        self.assertEqual(len(os.listdir(self.folder / "backups")), 2)

    def test_at_an_earlier_time_it_is_what_the_node_said_then(self):
        node = self.corpus_node()
        expected = corpus.describe(node)
        then = time.time_ns()
        shutil.copytree(node.models, self.folder / "models-then")
        # after it: readings, late ones that correct alerts, seals, an acknowledgement, a deletion,
        # a new twin, another model
        with self.client("later", version=5) as client:
            write = corpus.Writer(node, client)
            for name in ("motor", "amended", "machine", "pattern"):
                write.sent[name] = node.applied("c:" + name)
            sealed = node.metric("pollux_sealed_readings_total")
            for n in range(1600, 3200, 100):
                write.motor(n, n + 100)
            write.send(corpus.AMENDED, "amended",
                       *({"ts": corpus.START + 200_000 + n * 250, "x": 99} for n in range(40)))
            write.send(corpus.MACHINE, "machine", {"ts": corpus.START + 600_000, "pressure": 65},
                       {"ts": corpus.START + 601_000, "pressure": 64})
            write.send(corpus.PATTERN, "new", {"ts": corpus.START, "vibration": 1})
            support.eventually(
                lambda: node.metric("pollux_sealed_readings_total") > sealed, 30, "sealing")
        node.cli("twin", "delete", "c:pattern")
        active = node.alerts("c:machine") + node.alerts("c:building")
        if active:
            node.run("alert", "clear", active[0]["twin"], active[0]["incident"])
        candidate = self.folder / "back.json"
        candidate.write_text(json.dumps(corpus.MOTOR))
        node.ask("model", "apply", candidate)
        node.put_model(corpus.MOTOR)
        now = corpus.describe_some(node, ("c:motor", "c:amended"))
        self.assertNotEqual(corpus.difference(
            {t: expected["twins"][t] for t in now}, now), [], "something must have changed since")
        self.backup(node, self.folder / "backups")
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(then // 10**9)) + ".%09dZ" % (
            then % 10**9)
        said = node.ask("restore", "--from", self.folder / "backups", "--data",
                        self.folder / "then", "--to", stamp)
        self.assertEqual(said["damage"], [])
        self.assertGreater(said["taken_away"]["twins"], 0)
        second = self.restored(node, self.folder / "then", "then", self.folder / "models-then")
        second.start()
        self.assertEqual(corpus.difference(expected, corpus.describe(second)), [])
        second.verify("--online")
        # and it goes on from there
        with self.client("onward", version=5) as client:
            write = corpus.Writer(second, client)
            write.sent["motor"] = second.applied("c:motor")
            write.motor(1600, 1700)
        self.assertEqual(second.stop()[0], 0)
        second.verify("--offline")
        late = node.run("restore", "--from", self.folder / "backups", "--data",
                        self.folder / "x", "--to", "2100-01-01T00:00:00Z")
        self.assertEqual(late.returncode, 3)
        self.assertIn("does not know what came later", late.stderr)

    def test_under_load_nothing_acknowledged_before_it_is_missing(self):
        node = self.node([reference_job.model()],
                         [{"topic": "telemetry/{name}", "twin": "j:{name}", "model": "job_j"}],
                         journal={"tail_readings": 5000}).start()
        devices = [reference_job.Device(n) for n in range(30)]
        load = durability.Load(self.client("fleet", window=200), devices)
        load.start()
        support.eventually(lambda: node.metric("pollux_sealed_readings_total") > 5000, 60,
                           "sealing under load")
        # what is journaled in full when the backup begins: the acknowledged ones
        before = collections.Counter(name for name, _ in list(load.client.acknowledged))
        made = self.backup(node, self.folder / "backups")
        load.stopping.set()
        load.join(60)
        self.assertIsNone(load.error)
        self.assertEqual(made["damage"], [])
        node.cli("restore", "--from", self.folder / "backups", "--data", self.folder / "second",
                 seconds=120)
        second = self.node([reference_job.model()], [], name="second", mqtt={"client_id": "two"},
                           node={"data": str(self.folder / "second")}).start()
        table = collections.Counter((a["twin"], a["rule"]) for a in second.alerts("--all"))
        wanted = collections.Counter()
        for device in devices:
            twin = "j:" + device.name
            count = second.applied(twin)
            self.assertGreaterEqual(count, before[device.name])
            self.assertLessEqual(count, device.sent)
            rows = second.history(twin, "--telemetry", "temperature")
            self.assertEqual([support.instant(r["event_time"]) // 1_000_000 for r in rows],
                             device.times[:count])
            for rule, at in device.alerts:
                wanted[twin, rule] += at in device.times[:count]
        self.assertEqual(+wanted, table)
        second.verify("--online")
        node.verify("--online")

    def test_killed_while_it_is_made_or_restored(self):
        node = self.corpus_node()
        backups = self.folder / "backups"
        slow = subprocess.Popen([support.binary(), "--config", str(node.config), "backup", "--to",
                                 str(backups), "--share", "1"], cwd=node.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env=support.environment())
        support.eventually(lambda: backups.exists() and os.listdir(backups), 20, "it has begun",
                           every=0.001)
        node.kill()
        slow.wait(30)
        finished = [name for name in os.listdir(backups) if not name.startswith(".")]
        if not finished:
            self.assertEqual(node.run("backup", "check", backups).returncode, 3)
        node.start()
        node.verify("--online")
        self.backup(node, backups)
        self.assertEqual([n for n in os.listdir(backups) if n.startswith(".")], [])
        self.assertEqual(node.run("backup", "check", backups).returncode, 0)
        target = self.folder / "second"
        command = [support.binary(), "restore", "--from", str(backups), "--data", str(target)]
        for _ in range(5):
            running = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=support.environment())
            half = pathlib.Path(str(target) + ".restoring")
            support.eventually(lambda: half.exists() or running.poll() is not None, 20,
                               "it has begun", every=0.001)
            running.kill()
            running.wait(10)
            if target.exists():  # it was quicker: then it is whole
                break
        if not target.exists():
            node.cli("restore", "--from", backups, "--data", target)
        self.assertFalse(pathlib.Path(str(target) + ".restoring").exists())
        done = subprocess.run([support.binary(), "journal", "verify", "--offline", "--data",
                               str(target)], capture_output=True, text=True,
                              env=support.environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_full_disk_stops_it_and_leaves_nothing(self):
        node = self.corpus_node()
        small = self.folder / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "pollux-test",
                                  str(small)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("mounting a small file system is not permitted here: "
                          + mounted.stderr.strip())
        self._stack.callback(subprocess.run, ["umount", "-l", str(small)])
        full = node.run("backup", "--to", small / "backups")
        self.assertEqual(full.returncode, 1, full.stdout)
        self.assertIn("No space", full.stderr)
        self.assertEqual(os.listdir(small / "backups"), [])
        self.backup(node, self.folder / "backups")
        full = node.run("restore", "--from", self.folder / "backups", "--data", small / "data")
        self.assertEqual(full.returncode, 1, full.stdout)
        self.assertIn("No space", full.stderr)
        self.assertEqual(os.listdir(small), ["backups"])
        node.verify("--online")


if __name__ == "__main__":
    unittest.main(verbosity=2)
