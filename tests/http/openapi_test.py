# SPDX-License-Identifier: Apache-2.0
# docs/openapi.json is sound OpenAPI 3.1: redocly, which npm brings from a lock file when the test
# runs, finds nothing to say.
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import npm  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
# an upgrade to a WebSocket succeeds with 101; an action that was invoked is never cancelled
NO_2XX = [("operation-2xx-response", "#/paths/~1api~1v1~1ws/get/responses"),
          ("operation-2xx-response", "#/paths/~1things~1{id}~1actions~1{name}~1{command}/delete/responses")]


def redocly():
    """The linter's program."""
    folder = pathlib.Path(os.environ.get("POLLUX_NPM_FOLDER") or SOURCE / "build" / "redocly")
    return npm.packages(HERE, folder) / "node_modules" / ".bin" / "redocly"


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
