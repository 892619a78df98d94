# SPDX-License-Identifier: Apache-2.0
"""What the parts of tools/bench share: ports, a broker, waiting, asking a node, tables."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JOBJ = os.environ.get("POLLUX_JOBJ", os.path.join(ROOT, "..", "shared", "tools", "jobj"))
WORK = os.path.join(ROOT, "build", "bench")
ADAPTERS = os.path.join(ROOT, "tests", "bench")  # holds jobj/run: the peer's name is "jobj"


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def harness_ports():
    """Ports for bench.py: the adapter also takes the twelfth and thirteenth after the HTTP port."""
    while True:
        http = free_port()
        if http > 65000:
            continue
        try:
            for port in (http + 12, http + 13):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return free_port(), http
        except OSError:
            continue


class Broker:
    """A mosquitto of our own on a free port, as the harness configures it."""

    def __init__(self, nodelay=False):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="mosquitto-", dir=WORK)
        template = open(os.path.join(JOBJ, "mosquitto.conf.in")).read()
        with open(os.path.join(self.folder, "mosquitto.conf"), "w") as conf:
            conf.write(template.replace("@PORT@", str(self.port)) + "set_tcp_nodelay true\n" * nodelay)
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(["mosquitto", "-c", os.path.join(self.folder, "mosquitto.conf")],
                                        stderr=self.log)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("bench: mosquitto did not start; see " + self.log.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def stop(process, limit=30):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tool(options, name):
    return os.path.join(options.build, name)


def data_of(size):
    """The folder with job J's messages for "DEVICESxROUNDS", generated when it is not there."""
    devices, rounds = size.split("x")
    folder = os.path.join(WORK, "data-" + size)
    if not os.path.exists(os.path.join(folder, "meta.json")):
        say(f"bench: generating {size}")
        os.makedirs(folder, exist_ok=True)
        subprocess.run([os.path.join(WORK, "jobj"), "gen", "--devices", devices, "--rounds", rounds,
                        "--out", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def get_json(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def cpu_of_tree(pid):
    """user+sys seconds of a process and its descendants, the first (the shim) apart."""
    def one(p):
        fields = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def children(p):
        found = []
        for thread in os.listdir(f"/proc/{p}/task"):
            found += [int(c) for c in open(f"/proc/{p}/task/{thread}/children").read().split()]
        return found + [g for c in found for g in children(c)]

    return sum(one(p) for p in children(pid)), one(pid)


def wait_until(condition, limit_s, what):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: waited {limit_s} s for {what}")
        time.sleep(0.02)


def wait_stored(http, readings):
    """Until all is stored and applied, or nothing has moved for 15 s."""
    last, moved = -1, time.monotonic()
    while True:
        stats = get_json(http, "/stats") or {}
        now = min(stats.get("stored", 0), stats.get("received", 0))
        if now >= readings:
            return now
        if now != last:
            last, moved = now, time.monotonic()
        elif time.monotonic() - moved > 15:
            return now
        time.sleep(0.05)


def spread(values, digits=2):
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def table(title, header, rows):
    widths = [max(len(str(row[i])) for row in [header] + rows) for i in range(len(header))]
    print("\n" + title)
    for row in [header, ["-" * w for w in widths]] + rows:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()


def gates(rows):
    wrong = sorted({row["gate"] for row in rows} - {"ok"})
    return "ok" if not wrong else "; ".join(wrong)
