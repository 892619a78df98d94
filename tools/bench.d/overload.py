# SPDX-License-Identifier: Apache-2.0
"""Part of tools/bench: ten times more readings than the node can take, for minutes. Is its memory
flat, and is every reading either stored or counted as dropped where it was dropped?

The node is made slow, not the load impossible: it runs 1 ms of every 100 (SIGSTOP, SIGCONT). The
broker may queue 10,000 messages for it and then drops, as brokers do at QoS 0, and counts what it
drops ($SYS). At the end: sent = stored + dropped by the broker + quarantined."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from harness import ADAPTERS, WORK, data_of, free_port, get_json, harness_ports, say, stop, table, wait_until
from scale import metric, resident

BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 10000
max_inflight_messages 1000
sys_interval 1
log_type error
log_type warning
"""
RUN_MS, PAUSE_MS = 1, 99


class SlowMachine(threading.Thread):
    """Lets a process run for a part of each tenth of a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.over = pid, threading.Event()

    def run(self):
        while not self.over.is_set():
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep(PAUSE_MS / 1000)
            os.kill(self.pid, signal.SIGCONT)
            time.sleep(RUN_MS / 1000)

    def end(self):
        self.over.set()
        self.join()


def child_of(pid):
    return int(open(f"/proc/{pid}/task/{pid}/children").read().split()[0])


def dropped_by_broker(port):
    """The broker's own count, after it has had time to publish it."""
    time.sleep(2.5)
    done = subprocess.run(["mosquitto_sub", "-p", str(port), "-C", "1", "-W", "10", "-t",
                           "$SYS/broker/publish/messages/dropped"], capture_output=True, text=True, check=True)
    return int(done.stdout)


def watch_memory(pid, until, every_s=5):
    looks = []
    while not until():
        looks.append(resident(pid)[0] // 1024)
        time.sleep(every_s)
    return looks


def part_overload(options, results):
    folder = tempfile.mkdtemp(prefix="overload-", dir=WORK)
    data = data_of(options.overload_size)
    port, (_, http) = free_port(), harness_ports()
    with open(os.path.join(folder, "mosquitto.conf"), "w") as out:
        out.write(BROKER.format(port=port))
    broker = subprocess.Popen(["mosquitto", "-c", os.path.join(folder, "mosquitto.conf")], stderr=subprocess.DEVNULL)
    env = dict(os.environ, JOBJ_MQTT_PORT=str(port), JOBJ_HTTP_PORT=str(http), JOBJ_DATA=folder, JOBJ_QOS="0",
               POLLUX_BUILD=options.build, POLLUX_LOG_LEVEL="error")
    node = subprocess.Popen([os.path.join(ADAPTERS, "jobj", "run")], env=env, start_new_session=True)
    stats = lambda: get_json(http, "/stats") or {}  # noqa: E731
    try:
        wait_until(lambda: stats().get("ready"), 60, "the node to be ready")
        pid = child_of(node.pid)
        slow = SlowMachine(pid)
        slow.start()
        began = time.monotonic()
        driver = subprocess.Popen([os.path.join(WORK, "jobj"), "drive", "--dir", data, "--port", str(port), "--rate",
                                   str(options.overload_rate), "--qos", "0", "--drain-s", "1"], stdout=subprocess.PIPE,
                                  text=True)
        looks = watch_memory(pid, lambda: driver.poll() is not None)
        sent, lasted = json.loads(driver.stdout.read())["sent"], time.monotonic() - began
        under_load = stats_while_slow(stats)
        slow.end()
        wait_until(lambda: at_rest(stats), 120, "the backlog to end")
        dropped = dropped_by_broker(port)
        stored = stats()["stored"]
        quarantined = int(metric(http + 12, "pollux_quarantined_total") or 0)
    finally:
        stop(node)
        stop(broker)
        shutil.rmtree(folder, ignore_errors=True)
    missing = sent - stored - dropped - quarantined
    overload = sent / max(under_load, 1)
    half = looks[len(looks) // 2:]
    row = {"sent": sent, "seconds": lasted, "stored": stored, "dropped": dropped, "quarantined": quarantined,
           "missing": missing, "overload": overload, "rss_mb": looks, "gate": "ok" if missing == 0 else "not all counted"}
    results.keep("overload", options.overload_size, row)
    table(f"Overload: {sent / lasted:,.0f} readings/s for {lasted:.0f} s, QoS 0, {overload:.1f} times what the node took",
          ["sent", "stored", "dropped by the broker", "quarantined", "not accounted for", "RSS MB, second half"],
          [[sent, stored, dropped, quarantined, missing, f"{min(half)} to {max(half)}"]])
    say("  RSS MB every 5 s: " + ", ".join(map(str, looks)))


def stats_while_slow(stats):
    """Readings stored so far, asked of a node that runs little."""
    for _ in range(20):
        if (now := stats()).get("stored") is not None:
            return now["stored"]
    return 0


def at_rest(stats):
    before = stats().get("stored")
    time.sleep(1)
    return before is not None and stats().get("stored") == before
