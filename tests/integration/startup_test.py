# SPDX-License-Identifier: Apache-2.0
# What can be wrong before a node runs: it ends soon, with an exit code and a sentence that says
# what and where, and leaves its data as it was.
import json
import os
import pathlib
import signal
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

GOOD = {"name": "device", "telemetry": {"temperature": {}},
        "operators": [{"name": "w", "type": "window", "of": "temperature", "span": "5m"}]}


class Startup(support.NodeTest):
    def make_node(self, name="node", **settings):
        return self.node(
            [GOOD], [{"topic": "telemetry/{name}", "twin": "lab:{name}", "model": "device"}],
            name=name, **settings)

    def refused(self, node, *parts, code=None, seconds=20):
        """`serve` ends by itself, not well, and says all of `parts`. Gives what it said."""
        before = len(node.log())
        node.start(ready=False)
        ended = node.process.wait(seconds)
        said = node.log()[before:]
        self.assertNotEqual(ended, 0, said)
        self.assertGreater(ended, 0, "ended by a signal: " + said)
        if code is not None:
            self.assertEqual(ended, code, said)
        for part in parts:
            self.assertIn(part, said)
        return said

    def test_a_broken_model_file_is_named_with_line_and_column(self):
        node = self.make_node()
        file = node.models / "device.json"
        file.write_text('{\n  "name": "device",\n  "telemetry": {"temperature": {},}\n}\n')
        self.refused(node, "device.json:3:")
        file.write_text('{\n  "name": "device",\n  "telemetri": {"temperature": {}}\n}\n')
        said = self.refused(node, "device.json:3:", "telemetri")
        self.assertIn("telemetry", said.replace("telemetri", ""), "the nearest key")
        file.write_text(json.dumps({**GOOD, "operators": [
            {"name": "w", "type": "window", "of": "temprature", "span": "5m"}]}, indent=1))
        self.refused(node, "device.json:", "temprature", "did you mean", "temperature")
        file.write_text(json.dumps({**GOOD, "operators": [
            {"name": "w", "type": "windw", "of": "temperature", "span": "5m"}]}, indent=1))
        self.refused(node, "device.json:", "windw", "window")
        file.write_text(json.dumps(GOOD))
        node.start()
        self.assertEqual(node.stop()[0], 0)

    def test_a_mapping_to_a_model_that_is_not_there(self):
        node = self.make_node()
        node.ingress[0]["model"] = "devise"
        node.write_config()
        self.refused(node, "devise")

    def test_an_unknown_key_of_the_configuration(self):
        node = self.make_node(journal={"durabillity": "D1"})
        said = self.refused(node, "durabillity", "pollux.toml:", code=78)
        self.assertIn("durability", said.replace("durabillity", ""), "the nearest key")
        check = node.run("config", "check")
        self.assertEqual(check.returncode, 78)
        self.assertIn("durabillity", check.stdout + check.stderr)

    def test_a_value_out_of_range_and_text_that_is_no_toml(self):
        node = self.make_node(http={"port": 70000})
        self.refused(node, "port", "70000", code=78)
        node.config.write_text("[node\n")
        self.refused(node, "pollux.toml:1", code=78)
        node.config.unlink()
        self.refused(node, "pollux.toml", code=78)

    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            node = self.make_node(http={"port": port})
            self.refused(node, str(port), "in use")
            other = self.make_node("other", remote={"port": port})
            self.refused(other, str(port))

    def test_a_second_process_on_the_same_folder(self):
        node = self.make_node().start()
        second = self.make_node("second", node={"data": str(node.data)},
                                mqtt={"client_id": "second"})
        self.refused(second, str(node.pid), "in use")
        node.check_running()
        self.assertTrue(node.ready())
        node.kill()
        second.start()  # a lock dies with its process

    def test_another_number_of_shards_is_refused(self):
        node = self.make_node().start()
        self.assertEqual(node.stop()[0], 0)
        node.settings["node"]["shards"] = 16
        node.write_config()
        self.refused(node, "8 shards", "16")
        node.settings["node"]["shards"] = 8
        node.write_config()
        node.start()

    def test_a_data_folder_that_cannot_be(self):
        node = self.make_node()
        (node.folder / "file").write_text("not a folder")
        node.settings["node"]["data"] = str(node.folder / "file")
        node.write_config()
        self.refused(node, "file")

    @unittest.skipIf(os.geteuid() == 0, "root may read and write every folder")
    def test_a_data_folder_without_permission(self):
        node = self.make_node()
        node.data.mkdir()
        node.data.chmod(0o500)
        self.addCleanup(node.data.chmod, 0o700)
        self.refused(node, "data")

    def test_a_stop_during_the_start_is_a_stop(self):
        node = self.make_node()
        node.start(ready=False)
        support.eventually(lambda: "started" in node.log() or node.data.exists(), 20, "a start")
        node.process.send_signal(signal.SIGTERM)
        self.assertIn(node.process.wait(20), (0, -signal.SIGTERM))
        node.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
