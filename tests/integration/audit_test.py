# SPDX-License-Identifier: Apache-2.0
# The audit log: who commanded, acknowledged or changed what, by whichever door; what survives
# kill -9; how large it may grow; and what happens when it cannot be written or was damaged.
import json
import os
import pathlib
import pwd
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402
from api import Api  # noqa: E402

MODEL = {"name": "device", "telemetry": {"temperature": {}, "setpoint": {}},
         "commands": {"set": {"argument": "setpoint", "min": 0, "max": 50, "ttl": "1m"}},
         "operators": [{"name": "hot", "type": "threshold", "value": "temperature", "above": 80}]}
INGRESS = {"topic": "telemetry/{space}/{name}", "twin": "{space}:{name}", "model": "device"}
USER = pwd.getpwuid(os.getuid()).pw_name
TWIN = "lab:a"


class Audit(support.NodeTest):
    def started(self, **http):
        node = self.node([MODEL], [dict(INGRESS)], http=http)
        node.start()
        device = self.client("device")
        device.publish("telemetry/lab/a", '{"temperature": 90}', qos=1)
        device.publish("telemetry/lab/a", "no JSON", qos=1)
        device.drain()
        support.eventually(lambda: node.applied(TWIN) == 1, 20, "a reading")
        support.eventually(lambda: node.alerts(), 20, "the alert")
        support.eventually(lambda: node.quarantine(), 20, "the quarantine")
        return node

    def lines(self, node, *words):
        return [json.loads(line) for line in node.cli("audit", "-o", "jsonl", *words).splitlines()]

    def files(self, node):
        return sorted((node.data / "audit").glob("*.jsonl"))

    def test_what_the_command_line_does_is_told_with_its_user(self):
        node = self.started()
        incident = node.alerts()[0]["incident"]
        record = node.quarantine()[0]["id"]
        (self.folder / "candidate.json").write_text(json.dumps({**MODEL, "description": "newer"}))
        done = [
            ("command_request", TWIN, "done", ("command", "send", TWIN, "set", "setpoint=20"), 0),
            ("command_request", "lab:nobody", "refused", ("command", "send", "lab:nobody", "set"), 3),
            ("alert_acknowledge", TWIN, "done", ("alert", "ack", TWIN, incident, "--comment", "seen"), 0),
            ("alert_action", TWIN, "done", ("alert", "comment", TWIN, incident, "look at it"), 0),
            ("alert_action", TWIN, "done", ("maintenance", "start", TWIN, "--for", "1h", "--reason", "oil"), 0),
            ("twin_create", "", "done", ("twin", "create", "lab:gone", "device"), 0),  # erased below
            ("twin_create", "lab:new", "done", ("twin", "create", "lab:new", "device"), 0),
            ("parent_set", "lab:new", "done", ("twin", "set-parent", "lab:new", TWIN), 0),
            ("twin_delete", "lab:new", "done", ("twin", "delete", "lab:new"), 0),
            ("quarantine_replay", "record %s" % record, "refused", ("quarantine", "replay", record), None),
            ("model_apply", "candidate.json", "done", ("model", "apply", str(self.folder / "candidate.json")), 0),
            ("model_rollback", "device", "done", ("model", "rollback", "device"), 0),
            ("log_level_set", "debug", "done", ("log", "level", "debug"), 0),
            ("job_start", "erase", "done", ("twin", "erase", "lab:gone", "--yes", "--delete", "--reason", "asked"), 0),
            ("token_create", "alice", "done", ("token", "create", "alice", "--role", "viewer"), 0),
            ("token_rotate", "alice", "done", ("token", "rotate", "alice"), 0),
            ("token_revoke", "alice", "done", ("token", "revoke", "alice"), 0),
            ("token_revoke", "alice", "refused", ("token", "revoke", "alice"), 3),
        ]
        secrets = []
        for method, target, outcome, words, code in done:
            ended = node.run(*words)
            if code is not None:
                self.assertEqual(ended.returncode, code, "%s: %s%s" % (words, ended.stdout, ended.stderr))
            if words[0] == "token":
                secrets.append(ended.stdout.strip())
        # what only asks is not told
        node.ask("twin", "ls", "*")
        node.ask("alert", "ls")
        node.kill()  # the answer of each was given: its line is there
        lines = self.lines(node)
        self.assertEqual([(line["method"], line["outcome"]) for line in lines],
                         [(method, outcome) for method, _, outcome, _, _ in done])
        for line, (method, target, outcome, words, _) in zip(lines, done):
            self.assertTrue(line["target"].endswith(target), line)
            self.assertEqual(line["who"], USER, line)
            self.assertEqual(line["door"], "files" if words[0] == "token" else "remote", line)
            self.assertRegex(line["from"], r"^pid \d+$")
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT")
            self.assertEqual("why" in line, outcome == "refused", line)
        erased = next(line for line in lines if line["target"].startswith("erased:"))
        self.assertEqual(erased["method"], "twin_create")
        self.assertNotIn("lab:gone", "".join(f.read_text() for f in self.files(node)))
        self.assertEqual(json.loads(lines[0]["body"])["name"], "set")
        self.assertIn("lab:nobody", lines[1]["why"])
        self.assertEqual(json.loads(lines[2]["body"])["comment"], "seen")
        whole = "".join(f.read_text() for f in self.files(node))
        for secret in filter(None, secrets):
            self.assertNotIn(secret, whole)
        self.assertEqual(self.lines(node, "--who", "nobody"), [])
        self.assertEqual(len(self.lines(node, "--who", USER)), len(lines))

    def test_who_says_to_be_someone_else_is_told_under_both_names(self):
        node = self.started()
        node.cli("command", "send", TWIN, "set", "setpoint=20", "--by", "bob")
        line = self.lines(node)[-1]
        self.assertEqual((line["who"], line["by"]), (USER, "bob"))
        self.assertEqual(self.lines(node, "--who", "bob"), [line])

    def test_requests_are_told_with_their_token_and_survive_kill(self):
        node = self.started()
        token = node.cli("token", "create", "alice", "--role", "engineer").strip()
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        api = Api(node.http_port)
        incident = node.alerts()[0]["incident"]
        for target, body in (("/twins/%s/commands" % TWIN, {"name": "set", "arguments": {"setpoint": 3}}),
                             ("/alerts/%s/%s/acknowledge" % (TWIN, incident), {"comment": "seen"}),
                             ("/twins", {"id": "lab:made", "model": "device"})):
            answer = api.send("POST", "/api/v1" + target, json.dumps(body), headers)
            self.assertLess(answer.status, 300, answer.text)
        node.kill()
        told = [line for line in self.lines(node) if line["door"] == "http"]
        self.assertEqual([(line["who"], line["method"], line["outcome"]) for line in told],
                         [("alice", "POST", "done")] * 3)
        self.assertTrue(told[0]["target"].endswith("/commands"))
        self.assertTrue(told[1]["target"].endswith("/acknowledge"))
        self.assertEqual([line["status"] for line in told], [202, 200, 201])

    def test_nobody_reads_or_writes_it_over_the_interface(self):
        node = self.started()
        api = Api(node.http_port)
        routes = api("GET", "").json["routes"]
        self.assertGreater(len(routes), 10)
        self.assertEqual([r for r in routes if "audit" in r["path"]], [])
        node.cli("command", "send", TWIN, "set", "setpoint=20")  # there is something to be read
        name = self.files(node)[0].name
        for path in ("/audit", "/api/v1/audit", "/audit/" + name, "/api/v1/../audit/" + name,
                     "/%2e%2e/audit/" + name):
            for method in ("PUT", "POST", "PATCH", "DELETE"):
                answer = api.send(method, path, "{}", {"Content-Type": "application/json"})
                self.assertIn(answer.status, (400, 404, 405), "%s %s" % (method, path))
            self.assertNotIn('"door"', api.send("GET", path).text)

    def test_it_stays_within_its_bound_and_keeps_the_newest(self):
        node = self.started(audit_bytes="64KiB")
        api = Api(node.http_port)
        for i in range(300):
            self.assertEqual(api.send("DELETE", "/api/v1/twins/lab:t%d?%s" % (i, "x=" + "y" * 300)).status, 404)
            if i % 50 == 49:
                self.assertLessEqual(sum(f.stat().st_size for f in self.files(node)), 64 << 10)
        self.assertGreater(len(self.files(node)), 2)
        targets = [line["target"].partition("?")[0] for line in self.lines(node)]
        self.assertGreater(len(targets), 50)
        self.assertLess(len(targets), 300)
        self.assertEqual(targets, ["/api/v1/twins/lab:t%d" % i for i in range(300 - len(targets), 300)])
        self.assertIn("its oldest file goes", node.log())

    def test_a_log_that_cannot_be_written_stops_nobody_and_is_reported(self):
        node = self.started()
        node.cli("command", "send", TWIN, "set", "setpoint=20")
        file, = self.files(node)
        kept = file.read_text()
        file.unlink()
        file.mkdir()  # no file to write to, whoever we are
        node.cli("command", "send", TWIN, "set", "setpoint=21", "--id", "told-in-the-log")
        self.assertEqual(node.metric("pollux_audit_lost_total"), 1)
        self.assertIn("told-in-the-log", node.log())
        self.assertIn("cannot write a line", node.log())
        file.rmdir()
        file.write_text(kept + '{"time":"half a li')
        file.chmod(0o600)
        node.cli("command", "send", TWIN, "set", "setpoint=22")
        self.assertEqual(node.metric("pollux_audit_lost_total"), 1)
        done = node.run("audit", "-o", "jsonl")
        self.assertEqual(done.returncode, 65, done.stderr)  # said, and the rest is shown
        self.assertIn("1 lines cannot be read", done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
