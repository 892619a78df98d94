# SPDX-License-Identifier: Apache-2.0
# A disk that fills up: the node says so, takes no new reading (so the broker keeps them), goes on
# answering, and takes all of them when there is space again. Needs root, for a small file system.
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

START = 1_700_000_000_000


class Disk(support.NodeTest):
    def setUp(self):
        super().setUp()
        self.mount = self.folder / "node" / "data"
        self.mount.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "pollux-test",
                               str(self.mount)], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("mounting a small file system is not permitted here: "
                          + done.stderr.strip())
        self._stack.callback(subprocess.run, ["umount", "-l", str(self.mount)])

    def fill(self, leave):
        """Takes all space but `leave` bytes."""
        with open(self.mount / "filler", "ab") as filler:
            while True:
                stat = os.statvfs(self.mount)
                free = stat.f_bavail * stat.f_frsize - leave
                if free <= 0:
                    return
                try:
                    filler.write(b"\0" * min(free, 1 << 20))
                    filler.flush()
                except OSError:
                    return

    def start_node(self):
        return self.node(["device"],
                         [{"topic": "t/{name}", "twin": "a:{name}", "model": "device"}],
                         journal={"min_free_bytes": "4MiB", "tail_readings": 5000}).start()

    def send(self, sender, first, count):
        for i in range(first, first + count):
            sender.publish("t/s%d" % (i % 5),
                           json.dumps({"ts": START + i * 1000, "temperature": 20 + i % 7 / 10}),
                           qos=1)

    def applied(self, node):
        return sum(node.applied("a:s%d" % i) for i in range(5))

    def wait_applied(self, node, count):
        def there():
            node.check_running()
            return self.applied(node) == count
        support.eventually(there, 40, lambda: "%d readings, there are %d; %s" % (
            count, self.applied(node), node.readyz_or_error()))

    def run_full_disk(self, leave):
        node = self.start_node()
        sender = self.client("sender", window=500)
        self.send(sender, 0, 1000)
        sender.drain()
        self.wait_applied(node, 1000)
        sent = 1000

        def refuses():  # again and again: the node gives up its ballast first, and goes on
            nonlocal sent
            self.fill(leave)
            self.send(sender, sent, 1)
            sent += 1
            status, text = node.http("/readyz")
            return (status, text) if "[-]journal" in text else None
        status, text = support.eventually(
            refuses, 20, lambda: "the journal as the reason: %s" % (node.http("/readyz"),),
            every=0.2)
        self.assertEqual(status, 503)
        self.send(sender, sent, 4000 - sent)
        sender.drain()  # the broker took them; the node must not have to
        self.assertRegex(text, r"\[-\]journal failed: \S+")
        support.eventually(lambda: "the journal refuses new readings" in node.log(), 10, "the log")
        # reads go on, by each door
        seen = self.applied(node)
        self.assertGreaterEqual(seen, 1000)
        self.assertLess(seen, 4000)
        self.assertEqual(len(node.ask("twin", "ls")), 5)
        self.assertEqual(node.twin("a:s0")["id"], "a:s0")
        self.assertGreater(len(node.history("a:s0")), 0)
        self.assertFalse(node.ask("stats")["journal"]["writable"])
        self.assertNotEqual(node.run("twin", "create", "a:new", "device").returncode, 0)
        self.assertEqual(node.http("/healthz")[0], 200)
        (self.mount / "filler").unlink()
        node.wait_ready(40)
        self.wait_applied(node, 4000)
        self.send(sender, 4000, 100)
        self.wait_applied(node, 4100)
        node.verify("--online")
        node.kill()
        node.start()
        self.wait_applied(node, 4100)
        for i in range(5):
            rows = node.history("a:s%d" % i)
            self.assertEqual(len({r["event_time"] for r in rows}), 820)
        self.assertEqual(node.stop()[0], 0)
        node.verify("--offline")

    def test_little_space_left(self):
        self.run_full_disk(leave=3 << 20)

    def test_no_space_left_at_all(self):
        self.run_full_disk(leave=0)

    def test_a_node_started_on_a_full_disk_serves_reads(self):
        node = self.start_node()
        with self.client("sender") as sender:
            self.send(sender, 0, 100)
            sender.drain()
            self.wait_applied(node, 100)
            node.kill()
            self.fill(3 << 20)
            node.start(ready=False)
            support.eventually(lambda: node.http("/readyz")[0] == 503
                               and "[-]journal" in node.http("/readyz")[1], 20, "says so")
            self.assertEqual(self.applied(node), 100)
            self.send(sender, 100, 100)
            sender.drain()
        self.assertEqual(self.applied(node), 100)
        (self.mount / "filler").unlink()
        node.wait_ready(40)
        self.wait_applied(node, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
