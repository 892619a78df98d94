# SPDX-License-Identifier: Apache-2.0
# A node and a broker of a test's own: free loopback ports, a temporary folder, and nothing left
# behind however the test ends. Nothing here waits a fixed time: every wait has an event and a
# deadline, and says what it waited for when the deadline passes.
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import mqtt

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE.parent / "shared" / "data"

BROKER_CONFIG = """\
listener %d 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 100000000
max_inflight_messages 1000
set_tcp_nodelay true
log_type error
log_type warning
log_dest stderr
"""


def binary():
    path = os.environ.get("POLLUX_BIN", str(SOURCE / "build" / "release" / "pollux"))
    if not os.access(path, os.X_OK):
        raise SystemExit("no binary at %s: set POLLUX_BIN" % path)
    return path


def source():
    """The MQTT source the tests run with: POLLUX_SOURCE, or None for the node's default."""
    return os.environ.get("POLLUX_SOURCE") or None


def environment():
    """Ours without the test's own words, which must not look like overrides of the configuration."""
    return {k: v for k, v in os.environ.items() if not k.startswith("POLLUX_")}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eventually(condition, seconds=20, what=None, every=0.02):
    """Waits until condition() gives something true, and gives it back."""
    until = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, AssertionError) as error:
            last = error
        if time.monotonic() > until:
            label = what() if callable(what) else what or "condition"
            raise AssertionError("%s: not within %s s (last: %r)" % (label, seconds, last))
        time.sleep(every)


class Broker:
    """mosquitto on a free port; `config` is a mosquitto.conf with %d where the port belongs."""

    def __init__(self, folder, config=BROKER_CONFIG):
        self.port = free_port()
        self._config = pathlib.Path(folder) / "mosquitto.conf"
        self._config.write_text(config % self.port)
        self._log = pathlib.Path(folder) / "mosquitto.log"
        self._process = None

    def start(self):
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._config)],
                                             stdout=log, stderr=log)

        def up():
            if self._process.poll() is not None:
                raise SystemExit("mosquitto ended: " + self._log.read_text())
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        eventually(up, 10, "the broker's start")
        return self

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def client(self, name, **options):
        return mqtt.Client(self.port, name, **options)

    def persistent_session(self, client_id):
        """Whether the broker keeps a session under this id (and takes it over: node must be down)."""
        with self.client(client_id, clean=False, version=5) as c:
            return c.session_present


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, str) else str(value)


class Node:
    """`pollux serve` on a folder of its own. `settings`: table -> key -> value over the defaults."""

    def __init__(self, folder, broker_port, models, ingress, egress=(), settings=None):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.models = self.folder / "models"
        self.config = self.folder / "pollux.toml"
        self.log_file = self.folder / "node.log"
        self.http_port = free_port()
        self.process = None
        self.environment = {}  # what the process has besides ours
        self.models.mkdir(parents=True, exist_ok=True)
        for model in models:
            self.put_model(model)
        self.settings = {
            "node": {"data": str(self.data), "models": str(self.models), "shards": 8},
            "journal": {"min_free_bytes": "1MiB"},
            "twins": {},
            "mqtt": {"url": "tcp://127.0.0.1:%d" % broker_port, "client_id": "pollux"},
            "http": {"port": self.http_port},
            "remote": {"port": 0},
            "log": {"level": "info"},
        }
        if source():
            self.settings["mqtt"]["source"] = source()
        for table, keys in (settings or {}).items():
            self.settings[table].update(keys)
        self.ingress, self.egress = list(ingress), list(egress)
        self.write_config()

    def put_model(self, model):
        """A model as a document, or the name of one of the repository's."""
        if isinstance(model, str):
            model = json.loads((SOURCE / "config" / "models" / (model + ".json")).read_text())
        (self.models / (model["name"] + ".json")).write_text(json.dumps(model))

    def write_config(self):
        lines = []
        for table, keys in self.settings.items():
            lines += ["[%s]" % table] + ["%s = %s" % (k, toml(v)) for k, v in keys.items()] + [""]
        for name, entries in (("ingress", self.ingress), ("egress", self.egress)):
            for entry in entries:
                lines += ["[[mqtt.%s]]" % name]
                lines += ["%s = %s" % (k, toml(v)) for k, v in entry.items()] + [""]
        self.config.write_text("\n".join(lines))

    # --- life

    def start(self, ready=True, seconds=30):
        assert self.process is None or self.process.poll() is not None, "the node runs already"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([binary(), "serve", "--config", str(self.config)],
                                            stdout=log, stderr=log, cwd=self.folder,
                                            env=environment() | self.environment)
        if ready:
            self.wait_ready(seconds)
        return self

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def check_running(self):
        assert self.running(), "the node ended with %s:\n%s" % (
            self.process and self.process.returncode, self.log()[-4000:])

    def wait_ready(self, seconds=30):
        def ready():
            if not self.running():
                raise SystemExit("the node ended with %s:\n%s" % (self.process.returncode,
                                                                  self.log()[-4000:]))
            return self.ready()
        eventually(ready, seconds, lambda: "ready; /readyz says %r" % (self.readyz_or_error(),))

    def kill(self):
        """kill -9"""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=20):
        """SIGTERM; gives (exit code, seconds it took)."""
        began = time.monotonic()
        self.process.terminate()
        code = self.process.wait(seconds)
        return code, time.monotonic() - began

    def end(self):
        if self.running():
            self.process.kill()
            self.process.wait(10)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # --- HTTP

    def http(self, path, seconds=5):
        """(status, text)"""
        url = "http://127.0.0.1:%d%s" % (self.http_port, path)
        try:
            with urllib.request.urlopen(url, timeout=seconds) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def ready(self):
        try:
            return self.http("/readyz")[0] == 200
        except OSError:
            return False

    def readyz_or_error(self):
        try:
            return self.http("/readyz?verbose")
        except OSError as error:
            return error

    def metrics(self):
        """Name with labels -> value, as in 'x_total{reason="y"}'."""
        out = {}
        for line in self.http("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    def metric(self, name, **labels):
        """The sum over all label values that are not named."""
        total = 0.0
        for key, value in self.metrics().items():
            bare, _, rest = key.partition("{")
            given = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', rest))
            if bare == name and all(given.get(k) == v for k, v in labels.items()):
                total += value
        return total

    # --- command line

    def run(self, *words, seconds=60):
        """The finished process of `pollux <words>`."""
        command = [binary(), "--config", str(self.config), *map(str, words)]
        return subprocess.run(command, capture_output=True, timeout=seconds, cwd=self.folder,
                              text=True, errors="replace", env=environment())

    def cli(self, *words, code=0, seconds=60):
        """stdout of `pollux <words>`, which must end with `code`."""
        done = self.run(*words, seconds=seconds)
        assert done.returncode == code, "pollux %s ended with %s\n%s%s" % (
            " ".join(map(str, words)), done.returncode, done.stdout, done.stderr)
        return done.stdout

    def ask(self, *words, code=0, seconds=60):
        """The same as a JSON document."""
        return json.loads(self.cli(*words, "-o", "json", code=code, seconds=seconds))

    def twin(self, twin):
        return self.ask("twin", "get", twin)

    def twin_or_none(self, twin):
        """By HTTP, which is cheap enough to be asked again and again."""
        status, text = self.http("/api/v1/twins/" + twin)
        return json.loads(text) if status == 200 else None

    def applied(self, twin):
        found = self.twin_or_none(twin)
        return found["readings"]["applied"] if found else 0

    def alerts(self, *words):
        return self.ask("alert", "ls", "--limit", "0", *words)

    def quarantine(self):
        return self.ask("quarantine", "ls", "--limit", "1000")

    def history(self, twin, *words):
        text = self.cli("twin", "history", twin, "-o", "jsonl", *words)
        return [json.loads(line) for line in text.splitlines()]

    def verify(self, *words, seconds=100):
        """journal verify must find nothing; gives its report."""
        done = self.run("journal", "verify", *words, "-o", "json", seconds=seconds)
        assert done.returncode == 0, "journal verify:\n" + done.stdout + done.stderr
        return json.loads(done.stdout)


class NodeTest(unittest.TestCase):
    """A folder and a broker for each test; whatever was started is ended with it."""

    with_broker = True

    def setUp(self):
        self._stack = contextlib.ExitStack()
        self.addCleanup(self._stack.close)
        keep = os.environ.get("POLLUX_TEST_KEEP")
        if keep:
            self.folder = pathlib.Path(tempfile.mkdtemp(dir=keep))
        else:
            self.folder = pathlib.Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pollux-test-",
                                                                      ignore_cleanup_errors=True)))
        self.broker = Broker(self.folder)
        self._stack.callback(self.broker.stop)
        self.nodes = []
        if self.with_broker:
            self.broker.start()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result is not None else 0
        super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > before:
            for text in getattr(self, "_logs", []):
                print("--- node log of the failed test, its end:\n" + text, file=sys.stderr)

    def node(self, models, ingress, egress=(), name="node", **settings):
        made = Node(self.folder / name, self.broker.port, models, ingress, egress, settings)

        def end():
            made.end()
            self._logs = getattr(self, "_logs", []) + [made.log()[-4000:]]
        self._stack.callback(end)
        return made

    def client(self, name, **options):
        made = self.broker.client(name, **options)
        self._stack.callback(made.close)
        return made


def instant(text):
    """RFC 3339 with Z -> nanoseconds since 1970."""
    import calendar
    whole, _, part = text.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 1_000_000_000 + int((part + "000000000")[:9])
