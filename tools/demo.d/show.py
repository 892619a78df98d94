#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo once everything is built; started by tools/demo. Runs mosquitto, `pollux serve` and
`pollux sim fleet`, shows what a visitor should see, and stops them in order. No child outlives it."""
import ctypes
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("POLLUX_BUILD", os.path.join(ROOT, "build", "release"))
POLLUX = os.path.join(BUILD, "pollux")
PLACE = os.path.abspath(os.environ.get("POLLUX_DEMO", os.path.join(ROOT, "build", "demo")))
BUILDING = "site1:building-2"
SETPOINT = 22.5
FLEET = ["--motors", "4", "--buildings", "2", "--vehicles", "3", "--devices", "6"]
TWINS = 15


class Failed(Exception):
    """Something the demo promised did not happen."""


class Interrupted(Exception):
    """Ctrl-C, or SIGTERM."""


def say(text=""):
    print(text, flush=True)


def headline(text):
    bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say(f"\n{bold[0]}== {text}{bold[1]}")


def port(preferred):
    """The usual port, or any free one when somebody has it (or when nobody looks on)."""
    for candidate in (0,) if preferred is None else (preferred, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", candidate))
                return s.getsockname()[1]
            except OSError:
                continue
    raise Failed("no free port")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing is left behind


class Processes:
    """The children in the order they were started; stopped in the reverse order."""

    def __init__(self):
        self.running = []

    def start(self, name, command, env):
        log = open(os.path.join(PLACE, name + ".log"), "ab")
        # a session of its own: Ctrl-C reaches us only, and we stop the children in order
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True, preexec_fn=die_with_parent)
        self.running.append((name, process, log.name))
        return process

    def check(self):
        for name, process, log in self.running:
            if process.poll() is not None:
                tail = open(log, errors="replace").read()[-1500:]
                raise Failed(f"{name} ended with status {process.returncode}; its log, {log}:\n{tail}")

    def stop(self):
        for name, process, _ in reversed(self.running):
            if process.poll() is not None:
                continue
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
                say(f"stopped {name} in {time.monotonic() - began:.1f} s, status {process.returncode}")
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                say(f"killed {name}: it did not stop within 15 s")
        self.running = []


class Demo:
    def __init__(self, check):
        self.check = check
        self.processes = Processes()
        self.mqtt, self.http, self.remote = (port(None if check else p) for p in (1883, 8080, 4343))
        self.env = dict(os.environ, POLLUX_CONFIG=os.path.join(ROOT, "config", "pollux.toml"),
                        POLLUX_NODE_DATA=os.path.join(PLACE, "data"),
                        POLLUX_MQTT_URL=f"tcp://127.0.0.1:{self.mqtt}",
                        POLLUX_HTTP_PORT=str(self.http), POLLUX_REMOTE_PORT=str(self.remote))

    # ---- small tools

    def wait(self, what, condition, limit_s):
        """The first true value of `condition`, asked four times a second."""
        deadline = time.monotonic() + limit_s
        while True:
            self.processes.check()
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise Failed(f"waited {limit_s} s in vain for {what}")
            time.sleep(0.25)

    def pollux(self, *arguments, show=True):
        """Runs a verb as a person would; shows the command line and what it said."""
        done = subprocess.run([POLLUX, *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True,
                              timeout=60)
        if show:
            say("$ pollux " + shlex.join(arguments))
            say((done.stdout + done.stderr).rstrip())
        return done

    def document(self, *arguments):
        """What a verb says with -o json; None when it failed."""
        done = self.pollux(*arguments, "-o", "json", show=False)
        try:
            return json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            return None

    def listed(self, *arguments):
        """The rows of a list verb, whatever the member is called that holds them."""
        document = self.document(*arguments)
        if isinstance(document, dict):
            document = next((v for v in document.values() if isinstance(v, list)), [])
        return document or []

    # ---- the pieces

    def start_broker(self):
        with open(os.path.join(ROOT, "config", "mosquitto.conf")) as source:
            conf = source.read()
        conf = re.sub(r"(?m)^listener\s+.*$", f"listener {self.mqtt} 127.0.0.1", conf, count=1)
        conf = re.sub(r"(?m)^(persistence_location|log_dest file|pid_file)\b.*$", "", conf)
        folder = os.path.join(PLACE, "mosquitto")
        os.makedirs(folder)
        conf += f"\npersistence_location {folder}/\n"
        if os.geteuid() == 0:
            conf += "user root\n"  # else it becomes user mosquitto, who may not write here
        path = os.path.join(PLACE, "mosquitto.conf")
        with open(path, "w") as out:
            out.write(conf)
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.processes.start("mosquitto", [binary, "-c", path], self.env)
        self.wait("mosquitto to listen", lambda: self.listens(self.mqtt), 10)

    @staticmethod
    def listens(number):
        try:
            socket.create_connection(("127.0.0.1", number), 1).close()
            return True
        except OSError:
            return False

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def start(self):
        headline("starting a broker, a node and a simulated fleet")
        self.start_broker()
        say(f"mosquitto      mqtt://127.0.0.1:{self.mqtt}")
        self.processes.start("pollux", [POLLUX, "serve", "--config", self.env["POLLUX_CONFIG"]], self.env)
        self.wait("the node to be ready", self.ready, 30)
        say(f"pollux serve   http://127.0.0.1:{self.http}/ is the dashboard, data in {os.path.relpath(PLACE, ROOT)}/data")
        self.processes.start("fleet", [POLLUX, "sim", "fleet", "--url", f"tcp://127.0.0.1:{self.mqtt}", *FLEET,
                                       "--fault-every", "40s", "--truth", os.path.join(PLACE, "truth.jsonl")], self.env)
        say("pollux sim     4 motors, 2 buildings, 3 vehicles, 6 sensors, a reading a second each, with a minute of history")

    def show_twins(self):
        self.wait(f"{TWINS} twins", lambda: len(self.listed("twin", "ls", "*")) >= TWINS, 30)
        headline("live twins: one actor for each physical thing")
        self.expect(self.pollux("twin", "ls", "*"))
        headline("one of them: its values, its windows, and why there is or is no alert")
        self.expect(self.pollux("twin", "get", "plant1:motor-1"))

    @staticmethod
    def expect(done):
        if done.returncode != 0:
            raise Failed("that should have worked; it ended with status " + str(done.returncode))

    def setpoint(self):
        twin = self.document("twin", "get", BUILDING) or {}
        return twin.get("telemetry", {}).get("setpoint", {}).get("value")

    def show_command(self):
        headline("a command reaches an actuator: request, device's answer, new state")
        before = self.setpoint()
        self.expect(self.pollux("command", "send", BUILDING, "set_setpoint", f"setpoint={SETPOINT}", "--wait", "10s"))
        self.wait(f"the twin to show a setpoint of {SETPOINT}", lambda: self.setpoint() == SETPOINT, 15)
        say(f"{BUILDING}: setpoint was {before}, is {self.setpoint()}, as the device itself now reports")

    def show_alert(self):
        headline("an alert: the simulator has let a motor's bearing wear")
        rows = self.wait("an alert", lambda: self.listed("alert", "ls", "--all"), 60)
        # the pattern is worth some more seconds; any alert will do when it does not come
        deadline = time.monotonic() + 15
        worn = []
        while not worn and time.monotonic() < deadline:
            rows = self.listed("alert", "ls", "--all") or rows
            worn = [r for r in rows if r.get("rule") == "wear_then_spike"]
            time.sleep(0.5)
        self.expect(self.pollux("alert", "ls", "--all"))
        chosen = (worn or rows)[0]
        if chosen.get("twin") and chosen.get("incident"):
            self.expect(self.pollux("alert", "show", chosen["twin"], chosen["incident"]))

    def goodbye(self):
        headline("look around")
        say(f"Dashboard, in a browser: http://127.0.0.1:{self.http}/")
        say("In another terminal:")
        prefix = " ".join(f"{key}={self.env[key]}" for key in ("POLLUX_NODE_DATA", "POLLUX_REMOTE_PORT"))
        data = os.path.relpath(PLACE, ROOT)
        binary = os.path.relpath(POLLUX, os.getcwd())
        say(f"  export {prefix}")
        say(f"  {binary} twin watch 'plant1:*'            what changes, as it changes")
        say(f"  {binary} twin history plant1:motor-1      readings of the past")
        say(f"  {binary} command send {BUILDING} set_setpoint setpoint=45 --wait 5s    an interlock refuses")
        say(f"  {binary} stats                            what the node has done so far")
        say(f"  curl http://127.0.0.1:{self.http}/api/v1/twins/plant1:motor-1")
        say(f"  curl http://127.0.0.1:{self.http}/metrics")
        say(f"  mosquitto_sub -p {self.mqtt} -t 'twins/#' -v        alerts and commands as CloudEvents")
        say(f"  {data}/truth.jsonl                        the faults injected so far; logs beside it")
        say("\nCtrl-C stops everything.")

    def run(self):
        began = time.monotonic()
        self.start()
        self.show_twins()
        self.show_command()
        self.show_alert()
        say(f"\nall of it {time.monotonic() - began:.0f} s after the start")
        if self.check:
            return
        self.goodbye()
        while True:
            self.processes.check()
            time.sleep(0.5)


def main():
    check = "--check" in sys.argv[1:]
    if not os.access(POLLUX, os.X_OK):
        say(f"demo: no {POLLUX}; run tools/demo without --no-build")
        return 1
    os.makedirs(os.path.dirname(PLACE), exist_ok=True)
    lock = open(PLACE + ".lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say(f"demo: another one runs in {PLACE}; stop it, or set POLLUX_DEMO to another folder")
        return 1
    shutil.rmtree(PLACE, ignore_errors=True)
    os.makedirs(PLACE)

    def interrupt(*_):
        raise Interrupted()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    demo = Demo(check)
    status = 0
    try:
        demo.run()
    except Interrupted:
        say()
    except Failed as why:
        say(f"\ndemo: FAILED: {why}")
        say(f"logs: {PLACE}/*.log")
        status = 1
    except subprocess.TimeoutExpired as why:
        say(f"\ndemo: FAILED: {' '.join(why.cmd)} did not end within {why.timeout:.0f} s")
        status = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave orphans
        demo.processes.stop()
    if check:
        say("demo: " + ("passed" if status == 0 else "failed"))
    return status


if __name__ == "__main__":
    sys.exit(main())
