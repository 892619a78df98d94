# SPDX-License-Identifier: Apache-2.0
# docs/openapi.json is sound OpenAPI 3.1: redocly, which npm brings from a lock file when the test
# runs, finds nothing to say. Without node, npm or a network the test says so and is skipped.
import json
import os
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
# an upgrade to a WebSocket succeeds with 101; an action that was invoked is never cancelled
NO_2XX = [("operation-2xx-response", "#/paths/~1api~1v1~1ws/get/responses"),
          ("operation-2xx-response", "#/paths/~1things~1{id}~1actions~1{name}~1{command}/delete/responses")]


def redocly():
    """The linter's program. Raises SkipTest."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise unittest.SkipTest("there is no %s on this machine (tools/setup installs it)" % program)
    folder = pathlib.Path(os.environ.get("POLLUX_NPM_FOLDER") or SOURCE / "build" / "redocly")
    lock = (HERE / "package-lock.json").read_bytes()
    done = folder / "installed.lock"
    if not done.exists() or done.read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / file, folder)
        try:
            npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress"], cwd=folder,
                                 capture_output=True, text=True, timeout=150)
            wrong = npm.returncode and npm.stderr
        except subprocess.TimeoutExpired:
            wrong = "it did not end within 150 s"
        if wrong:
            raise unittest.SkipTest("npm could not bring redocly (no network?): %s" % wrong[-400:])
        done.write_bytes(lock)
    return folder / "node_modules" / ".bin" / "redocly"


class OpenApi(unittest.TestCase):
    def lint(self, file):
        environment = dict(os.environ, REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true", CI="true")
        done = subprocess.run([redocly(), "lint", "--format", "json", str(file)], capture_output=True, text=True,
                              timeout=150, env=environment, cwd=HERE)
        found = json.loads(done.stdout[done.stdout.index("{"):])
        told = [(p["severity"], p["ruleId"], p["location"][0].get("pointer", "")) for p in found["problems"]]
        return [t for t in told if t[1:] not in NO_2XX]

    def test_the_linter_has_nothing_to_say(self):
        self.assertEqual(self.lint(SOURCE / "docs" / "openapi.json"), [])

    def test_the_linter_would_say_it(self):
        document = json.loads((SOURCE / "docs" / "openapi.json").read_text())
        del document["components"]["schemas"]["Twin"]
        folder = pathlib.Path(os.environ.get("POLLUX_NPM_FOLDER") or SOURCE / "build" / "redocly")
        redocly()
        broken = folder / "broken.json"
        broken.write_text(json.dumps(document))
        self.assertTrue([p for p in self.lint(broken) if p[0] == "error"])


if __name__ == "__main__":
    unittest.main()
