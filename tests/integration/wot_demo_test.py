# SPDX-License-Identifier: Apache-2.0
# The Web of Things on the running demo: an untouched node-wot reads, observes, has the simulated
# building take a setpoint, and is told of an alert of the simulated fleet; two validators take the
# description of every twin and model there is.
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import node as support  # noqa: E402
import wot_test  # noqa: E402
from api import Api  # noqa: E402

BUILDING = "site1:building-1"  # the demo itself commands the other one, and there is a least pause


class Demo(support.NodeTest):
    with_broker = False

    def running_demo(self):
        """tools/demo as a person would leave it running, on free ports; gives its HTTP port."""
        environment = dict(os.environ, POLLUX_BUILD=str(pathlib.Path(support.binary()).parent),
                           POLLUX_DEMO=str(self.folder / "demo"), PYTHONUNBUFFERED="1")
        demo = subprocess.Popen([str(support.SOURCE / "tools" / "demo"), "--no-build"], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
        said = []

        def read():
            for line in demo.stdout:
                said.append(line)
        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def end():
            demo.send_signal(signal.SIGTERM)
            try:
                demo.wait(40)
            finally:
                demo.kill()
                demo.wait(10)
            reader.join(10)
            demo.stdout.close()
        self.addCleanup(end)

        def port():
            if demo.poll() is not None:
                raise SystemExit("the demo ended with %s:\n%s" % (demo.returncode, "".join(said)[-4000:]))
            return re.search(r"pollux serve +http://127.0.0.1:(\d+)", "".join(said))
        return int(support.eventually(port, 60, lambda: "the demo's node: " + "".join(said)[-2000:]).group(1))

    def test_node_wot_reads_observes_invokes_and_is_told_of_an_alert_on_the_demo(self):
        folder = wot_test.installed()
        api = Api(self.running_demo())
        base = "http://127.0.0.1:%d" % api.port
        listed = support.eventually(lambda: len(api.send("GET", "/things").json) >= 15 and api.send("GET", "/things").json,
                                    60, "the fleet's descriptions")
        wot, listener = wot_test.Client(folder), wot_test.Client(folder)
        self.addCleanup(wot.close)
        self.addCleanup(listener.close)
        self.assertEqual(sorted(wot("directory", base + "/.well-known/wot")), sorted(t["title"] for t in listed))
        self.assertGreater(listener("everything", base + "/.well-known/wot"), 30)

        wot("consume", base + "/things/" + BUILDING)
        support.eventually(lambda: self.reads(wot, "zone_temperature"), 30, "a temperature")
        wot("observe", "zone_temperature")
        wot("observe", "setpoint")
        support.eventually(lambda: len(set(wot.values("observed", "zone_temperature"))) > 1, 60, "values that move")
        before = support.eventually(lambda: self.reads(wot, "setpoint"), 30, "a setpoint")
        target = before + (1.5 if before < 22 else -1.5)  # the model's interlock allows steps of 3
        status = wot("invoke", ["set_setpoint", {"setpoint": target}])
        self.assertIn(status["status"], ("pending", "running", "completed"))
        support.eventually(lambda: api.send("GET", status["href"]).json["status"] == "completed", 30,
                           lambda: "the building's confirmation: " + api.send("GET", status["href"]).text)
        support.eventually(lambda: target in wot.values("observed", "setpoint"), 30, "the setpoint as the building reports it")
        self.assertEqual(self.reads(wot, "setpoint"), target)
        refused = wot("invoke", ["set_setpoint", {"setpoint": 45}])  # an interlock of the model
        support.eventually(lambda: api.send("GET", refused["href"]).json["status"] == "failed", 30, "the interlock")

        alert = support.eventually(lambda: [n for n in list(listener.news) if "event" in n], 120, "an alert of the fleet")[0]
        self.assertEqual(alert["event"], alert["value"]["rule"])
        incident = api.send("GET", "/api/v1/alerts/%s/%s" % (alert["value"]["twin"], alert["value"]["incident"]))
        self.assertEqual(incident.status, 200, incident.text)

        things = api.send("GET", "/things").json
        lines = [{"name": t["id"], "kind": "td", "text": json.dumps(t)} for t in things]
        lines.append({"name": "directory", "kind": "td", "text": api.send("GET", "/.well-known/wot").text})
        models = sorted(p.stem for p in (support.SOURCE / "config" / "models").glob("*.json") if "schema" not in p.name)
        self.assertGreater(len(models), 5)
        for model in models:
            lines.append({"name": "model " + model, "kind": "tm", "text": api.send("GET", "/models/" + model).text})
        self.assertEqual(wot_test.errors_of(lines), {})

    @staticmethod
    def reads(wot, name):
        try:
            return wot("read", name)
        except AssertionError:  # not reported yet
            return None


if __name__ == "__main__":
    unittest.main()
