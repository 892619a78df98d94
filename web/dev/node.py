#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node to look at: mosquitto, `pollux serve` and a simulated fleet on free loopback ports, until
Ctrl-C. Prints one JSON line with the addresses as soon as the node is ready. SIGUSR1 kills the
node as a power cut would and starts it again after --away seconds. Nothing outlives it."""
import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait(what, condition, limit_s):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {limit_s} s in vain for {what}")
        time.sleep(0.2)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pollux", default=os.path.join(ROOT, "build", "release", "pollux"))
    options.add_argument("--http", type=int, default=0, help="port; 0: any free one")
    options.add_argument("--fault-every", default="20s")
    options.add_argument("--away", type=float, default=3, help="seconds between a kill and the new start")
    options.add_argument("--fleet", default="--motors 4 --buildings 2 --vehicles 3 --devices 6")
    asked = options.parse_args()
    place = tempfile.mkdtemp(prefix="pollux-web-")
    mqtt, http, remote = free_port(), asked.http or free_port(), free_port()
    env = dict(os.environ, POLLUX_CONFIG=os.path.join(ROOT, "config", "pollux.toml"),
               POLLUX_NODE_DATA=os.path.join(place, "data"), POLLUX_MQTT_URL=f"tcp://127.0.0.1:{mqtt}",
               POLLUX_HTTP_PORT=str(http), POLLUX_REMOTE_PORT=str(remote))
    with open(os.path.join(ROOT, "config", "mosquitto.conf")) as source:
        conf = re.sub(r"(?m)^listener\s+.*$", f"listener {mqtt} 127.0.0.1", source.read(), count=1)
    conf = re.sub(r"(?m)^(persistence|persistence_location|autosave_interval)\b.*$", "", conf)
    if os.geteuid() == 0:
        conf += "\nuser root\n"
    conf_file = os.path.join(place, "mosquitto.conf")
    with open(conf_file, "w") as out:
        out.write(conf)
    running = {}
    killed = []

    def start(name, *command):
        with open(os.path.join(place, name + ".log"), "ab") as log:
            running[name] = subprocess.Popen(command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, start_new_session=True, preexec_fn=die_with_parent)

    def stop(*_):
        for process in reversed(list(running.values())):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(place, ignore_errors=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGUSR1, lambda *_: killed.append(time.monotonic()))
    start("mosquitto", shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", conf_file)
    wait("mosquitto", lambda: listens(mqtt), 10)
    start("pollux", asked.pollux, "serve")
    wait("the node", lambda: ready(http), 60)
    start("fleet", asked.pollux, "sim", "fleet", "--url", f"tcp://127.0.0.1:{mqtt}", *asked.fleet.split(),
          "--fault-every", asked.fault_every)
    print(json.dumps({"http": f"http://127.0.0.1:{http}", "mqtt": mqtt, "remote": remote, "logs": place,
                      "pid": os.getpid()}), flush=True)
    while all(process.poll() is None for process in running.values()):
        time.sleep(0.2)
        if not killed:
            continue
        running["pollux"].kill()
        running["pollux"].wait()
        time.sleep(asked.away)
        start("pollux", asked.pollux, "serve")
        killed.clear()
    print("a process ended; see the logs in " + place, file=sys.stderr)
    signal.pause()


if __name__ == "__main__":
    main()
