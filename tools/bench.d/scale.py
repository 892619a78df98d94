# SPDX-License-Identifier: Apache-2.0
"""Parts of tools/bench about fleets: memory of twins that sleep, and recovery after kill -9."""
import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import urllib.request

from harness import (ADAPTERS, WORK, Broker, cpu_of_tree, data_of, free_port, get_json, harness_ports, say, spread,
                     stop, table, tool, wait_stored, wait_until)

JOBJ_MAGIC = 0x314A424F4A
FIRST_TS = 1_700_000_000_000
SAMPLE = 200
HTTP_STEP = 10  # recovery: every tenth twin is also asked one by one over HTTP

SLEEPER = {"name": "sleeper", "kind": "sleeper", "telemetry": {"value": {"type": "number"}},
           "operators": [{"name": "value_1h", "type": "window", "of": "value", "span": "1h"}]}

PASSIVE_CONFIG = """\
[node]
data = "{folder}/data"
models = "{folder}/models"

[twins]
passivate_after = "{passivate_after}"

[mqtt]
url = "tcp://127.0.0.1:{broker}"
client_id = "pollux-passive"
will_topic = ""

[[mqtt.ingress]]
topic = "telemetry/{{name}}"
twin = "p:{{name}}"
model = "sleeper"
sequence_field = ""
qos = 1

[http]
port = {http}

[remote]
port = 0

[log]
level = "error"
"""


def metric(port, name):
    """The sum of a metric over its labels; None when the node does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
               if line.startswith((name + " ", name + "{")))


def resident(pid):
    """(all, anonymous, of files) in KiB."""
    fields = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
    return tuple(int(fields[key].split()[0]) for key in ("VmRSS", "RssAnon", "RssFile"))


def first_value(twin):
    return 20 + twin % 50


def write_messages(path, first, last):
    """One reading of each device from `first` to before `last`, in the file format of job J."""
    with open(path, "wb") as out:
        out.write(struct.pack("<5Q", JOBJ_MAGIC, last - first, 1, 10_000, 1))
        for twin in range(first, last):
            payload = b'{"ts":%d,"value":%d}' % (FIRST_TS, first_value(twin))
            out.write(bytes([len(payload)]) + payload)


# ---- memory of sleepers

def grow_fleet(options, pid, broker, http, folder, first, last):
    """Makes the twins first..last, waits until all sleep and the memory is at rest; RSS then."""
    messages = os.path.join(folder, "messages.bin")
    write_messages(messages, first, last)
    began = time.monotonic()
    subprocess.run([tool(options, "batch_publish"), str(broker.port), "1", messages, "1", str(first)], check=True,
                   stdout=subprocess.DEVNULL)
    os.remove(messages)
    wait_until(lambda: (metric(http, "pollux_twin_readings_total") or 0) >= last, 300, f"{last} readings applied")
    awake = resident(pid)[0]
    wait_until(lambda: metric(http, "pollux_twins_awake") == 0, 120, "every twin to sleep")
    asleep = time.monotonic() - began
    # At rest: three looks, further apart than the allocator keeps free pages, within 1 %.
    looks = []
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(6)
        looks.append(resident(pid))
        recent = [look[0] for look in looks[-3:]]
        if len(recent) == 3 and max(recent) - min(recent) < max(recent) / 100:
            break
    say(f"  passive {last} twins: asleep after {asleep:.0f} s, awake {awake // 1024} MB, then "
        + ", ".join(str(look[0] // 1024) for look in looks) + " MB")
    return looks[-1]


def wrong_in(twin, number, readings):
    """What a twin's document says that it should not, or nothing."""
    if twin is None:
        return "does not answer"
    first, second = first_value(number), first_value(number) + 100
    expected = (readings, second if readings == 2 else first, readings, (first + second) / 2 if readings == 2 else first)
    window = twin["windows"][0]
    got = (twin["readings"]["applied"], twin["telemetry"]["value"]["value"], window["count"], window["mean"])
    return "" if got == expected else f"says {got}, not {expected}"


def check_sample(options, broker, http, folder, twins):
    """Asks a sample asleep, wakes it with a second reading, asks it again. Gives "ok" or what is wrong."""
    sample = [i * (twins - 1) // (SAMPLE - 1) for i in range(SAMPLE)]
    ask = lambda number: get_json(http, f"/api/v1/twins/p:d{number:06d}")  # noqa: E731
    wrong = [f"asleep, d{n:06d} {why}" for n in sample if (why := wrong_in(ask(n), n, 1))]
    woken = metric(http, "pollux_twin_wakeups_total")
    messages = os.path.join(folder, "messages.bin")
    for number in sample:
        payload = b'{"ts":%d,"value":%d}' % (FIRST_TS + 10_000, first_value(number) + 100)
        with open(messages, "wb") as out:
            out.write(struct.pack("<5Q", JOBJ_MAGIC, 1, 1, 10_000, 1) + bytes([len(payload)]) + payload)
        subprocess.run([tool(options, "batch_publish"), str(broker.port), "1", messages, "1", str(number)], check=True,
                       stdout=subprocess.DEVNULL)
    wait_until(lambda: (metric(http, "pollux_twin_readings_total") or 0) >= twins + SAMPLE, 60, "the sample to wake")
    wrong += [f"woken, d{n:06d} {why}" for n in sample if (why := wrong_in(ask(n), n, 2))]
    if (woken_now := metric(http, "pollux_twin_wakeups_total") - woken) < SAMPLE:
        wrong.append(f"{woken_now:.0f} of {SAMPLE} were woken from disk")
    return "ok" if not wrong else f"{len(wrong)} wrong: {wrong[0]}"


def part_passive(options, results):
    folder = tempfile.mkdtemp(prefix="passive-", dir=WORK)
    http = free_port()
    os.makedirs(os.path.join(folder, "models"))
    with open(os.path.join(folder, "models", "sleeper.json"), "w") as out:
        json.dump(SLEEPER, out)
    with Broker() as broker, contextlib.ExitStack() as at_end:
        config = os.path.join(folder, "pollux.toml")
        with open(config, "w") as out:
            out.write(PASSIVE_CONFIG.format(folder=folder, broker=broker.port, http=http,
                                            passivate_after=options.passivate_after))
        node = subprocess.Popen([tool(options, "pollux"), "serve", "--config", config])
        at_end.callback(shutil.rmtree, folder, ignore_errors=True)
        at_end.callback(stop, node)
        wait_until(lambda: (get_json(http, "/api/v1/stats") or {}).get("ready"), 60, "the node to be ready")
        sizes = [0] + options.passive_sizes
        rss = [resident(node.pid)]
        for first, last in zip(sizes, sizes[1:]):
            rss.append(grow_fleet(options, node.pid, broker, http, folder, first, last))
        verdict = check_sample(options, broker, http, folder, sizes[-1])
    slope = (rss[-1][0] - rss[1][0]) * 1024 / (sizes[-1] - sizes[1])
    results.keep("passive", "x".join(map(str, options.passive_sizes)),
                 {"rss_kib": rss, "bytes_per_twin": slope, "gate": verdict})
    table("Resident memory, every twin passivated and the node quiet", ["twins", "RSS MB", "of it anonymous", "files"],
          [[size] + [f"{part / 1024:.1f}" for part in look] for size, look in zip(sizes, rss)])
    print(f"slope between {sizes[1]} and {sizes[-1]} passivated twins: {slope:.0f} bytes a twin; sample of {SAMPLE} "
          f"asked asleep, woken and asked again: {verdict}")


# ---- recovery

def recovery_models(folder):
    """Job J's model and an absence rule of a day, so that each twin has a timer (job J has none)."""
    model = json.load(open(os.path.join(ADAPTERS, "jobj", "models", "job_j.json")))
    model["operators"].append({"name": "silent", "type": "absence", "of": "*", "for": "1d"})
    models = os.path.join(folder, "models")
    os.makedirs(models)
    with open(os.path.join(models, "job_j.json"), "w") as out:
        json.dump(model, out)
    return models


class JobJNode:
    """The adapter of job J on one folder; its node is killed and started again."""

    def __init__(self, options, broker, folder):
        _, self.http = harness_ports()
        self.node_http = self.http + 12
        self.config = os.path.join(folder, "pollux.toml")
        self.env = dict(os.environ, JOBJ_MQTT_PORT=str(broker.port), JOBJ_HTTP_PORT=str(self.http), JOBJ_DATA=folder,
                        JOBJ_QOS="1", POLLUX_BUILD=options.build, POLLUX_MODELS=recovery_models(folder),
                        POLLUX_TAIL_READINGS=str(options.tail_readings), POLLUX_LOG_LEVEL="error")
        self.process = None

    def start(self):
        """Gives the time of the start."""
        began = time.monotonic()
        self.process = subprocess.Popen([os.path.join(ADAPTERS, "jobj", "run")], env=self.env, start_new_session=True)
        return began

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.node_http}/readyz", timeout=20) as answer:
                return answer.status == 200
        except OSError:
            return False

    def wait_ready(self):
        wait_until(self.ready, 120, "the node to be ready")

    def cpu(self):
        """user+sys seconds of the node since its start."""
        return cpu_of_tree(self.process.pid)[0]

    def stats(self):
        return get_json(self.node_http, "/api/v1/stats")

    def kill(self):
        """kill -9; the shim ends when its node is gone."""
        pid = self.process.pid
        node = int(open(f"/proc/{pid}/task/{pid}/children").read().split()[0])
        os.kill(node, signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        if self.process is not None:
            stop(self.process)


def one_recovery(options, node, twins, readings):
    """kill -9, start, and the seconds since the start at which each thing is so."""
    tail = node.stats()["journal"]["tail_readings"]
    node.kill()
    began = node.start()
    node.wait_ready()
    row = {"tail": tail, "ready_s": time.monotonic() - began, "ready_cpu_s": node.cpu()}
    wait_until(lambda: metric(node.node_http, "pollux_timers_armed") == twins, 120, "every timer to be armed")
    row["armed_s"] = time.monotonic() - began
    listed = subprocess.run([tool(options, "pollux"), "--config", node.config, "twin", "ls", "--limit", "0", "-o", "json"],
                            capture_output=True, text=True)
    row["answered_s"], row["answered_cpu_s"] = time.monotonic() - began, node.cpu()
    # Each row is what the twin itself answered; one that did not answer has no readings.
    right = right_rows(listed.stdout, twins, readings)
    if right != twins:
        return {**row, "gate": f"{right} of {twins} right in twin ls {listed.stderr.strip()}"}
    asked = subprocess.run([tool(options, "ask_twins"), str(node.node_http), "j:d", str(twins), str(readings),
                            str(HTTP_STEP)], capture_output=True, text=True)
    try:
        answer = json.loads(asked.stdout)
    except ValueError:
        return {**row, "gate": asked.stderr.strip() or "ask_twins gave nothing"}
    row["http_s"] = answer["seconds"]
    row["gate"] = ("ok" if asked.returncode == 0 else
                   "by HTTP {right} right, {wrong} wrong, {refused} refused; {first_wrong}".format(**answer))
    return row


def right_rows(text, twins, readings):
    """How many twins of the listing applied what job J has sent them: readings dealt out in turn."""
    try:
        rows = json.loads(text)
    except ValueError:
        return 0
    expected = {f"j:d{i:06d}": readings // twins + (i < readings % twins) for i in range(twins)}
    return sum(expected.pop(row["id"], None) == row["readings"] for row in rows)


def load_history(options, node, broker, data, readings):
    """Sends the first `readings` of job J at a pace the node keeps up with, and waits for all of them."""
    sent = subprocess.run([os.path.join(WORK, "jobj"), "drive", "--dir", data, "--port", str(broker.port), "--rate",
                           str(options.rate or 20_000), "--qos", "1", "--to", str(readings), "--drain-s", "30"],
                          capture_output=True, text=True)
    verdict = json.loads(sent.stdout.splitlines()[-1])
    stored = wait_stored(node.http, readings)
    if stored != readings or verdict["missing"] or verdict["spurious"] or verdict["duplicate"]:
        raise SystemExit(f"bench: {stored} of {readings} stored before the kill; the driver says {sent.stdout}")


def part_recovery(options, results):
    size = options.recovery_size
    twins = int(size.split("x")[0])
    data, rows = data_of(size), []
    for readings in options.recovery_readings:
        folder = tempfile.mkdtemp(prefix="recovery-", dir=WORK)
        with Broker() as broker, contextlib.ExitStack() as at_end:
            node = JobJNode(options, broker, folder)
            at_end.callback(shutil.rmtree, folder, ignore_errors=True)
            at_end.callback(node.stop)
            node.start()
            node.wait_ready()
            say(f"recovery: {readings} readings of {twins} devices")
            load_history(options, node, broker, data, readings)
            runs = []
            for _ in range(options.rounds):
                runs.append(results.keep("recovery", f"{readings}", one_recovery(options, node, twins, readings)))
        wrong = sorted({run["gate"] for run in runs} - {"ok"})
        rows.append([readings, spread([run["tail"] for run in runs], 0)]
                    + [spread([run.get(key) for run in runs]) for key in ("ready_s", "armed_s", "answered_s", "ready_cpu_s", "answered_cpu_s", "http_s")]
                    + ["ok" if not wrong else "; ".join(wrong)])
    table(f"{twins} twins after kill -9, seconds since the start: median (range) of {options.rounds} kills",
          ["readings", "of them in the log", "ready", "and timers armed", "and each has answered",
           "CPU-s until ready", "until answered", "then a tenth by HTTP", "gate"],
          rows)
