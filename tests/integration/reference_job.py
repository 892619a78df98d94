# SPDX-License-Identifier: Apache-2.0
# The job of tests/bench/jobj/models/job_j.json told a second time, slowly and plainly: three-sigma
# over the readings of the last five minutes, and a spike after three rises of the vibration.
# It also draws the readings, so that no verdict hangs on the last bits of a sum.
import itertools
import json
import math
import pathlib
import random

WINDOW_MS, WITHIN_MS, STEP_MS = 300_000, 600_000, 10_000
FIELDS = ("temperature", "vibration", "current")
MODEL = pathlib.Path(__file__).resolve().parents[1] / "bench" / "jobj" / "models" / "job_j.json"


def model():
    return json.loads(MODEL.read_text())


class Device:
    """Draws its own readings; `alerts` is what a right node must find: (rule, event time in ms)."""

    def __init__(self, number, start_ms=1_700_000_000_000):
        self.name = "d%04d" % number
        self.number = number
        self.sent = 0
        self.alerts = []
        self.times = []
        self._random = random.Random(1000 + number)
        self._now = start_ms + self._random.randrange(STEP_MS)
        self._window = []
        self._rises = 0
        self._armed = None
        self._previous = None
        self._plan = []

    def next(self):
        """The next reading as its JSON document."""
        self._now += STEP_MS + self._random.randrange(1000)
        self._window = [r for r in self._window if r["ts"] > self._now - WINDOW_MS]
        if not self._plan and self._random.random() < 0.02:
            self._plan = self._random.choice((
                ["spike"], ["dip"], ["surge"], ["rise", "rise", "rise", "spike"],
                ["rise", "rise", "spike"], ["rise", "rise", "rise"], ["spike", "rise", "rise"]))
        kind = self._plan.pop(0) if self._plan else "idle"
        reading = self._draw(kind)
        self._judge(reading)
        self._window.append(reading)
        self._previous = reading
        self.sent += 1
        self.times.append(self._now)
        document = dict(reading)
        if self.number % 2:
            document["seq"] = self.sent
        return json.dumps(document)

    def _draw(self, kind):
        for attempt in itertools.count():
            if attempt == 20:  # this kind cannot be told clearly from the window there is
                kind = "idle"
            r = self._random
            reading = {"ts": self._now,
                       "temperature": round(45 + r.uniform(-1, 1) + self.number % 7, 3),
                       "vibration": round(2 + r.uniform(-0.3, 0.3), 3),
                       "current": round(10 + r.uniform(-0.5, 0.5), 3)}
            if kind == "spike":
                reading["temperature"] += 40 + r.uniform(0, 20)
            elif kind == "dip":
                reading["temperature"] -= 30
            elif kind == "surge":
                reading["current"] += 25
            elif kind == "rise":
                base = self._previous["vibration"] if self._previous else 2
                reading["vibration"] = round(max(base, 4.0) + r.uniform(0.3, 1.5), 3)
            if all(not 2.8 < abs(z) < 3.2 for z in self._scores(reading).values()):
                return reading

    def _scores(self, reading):
        out = {}
        for field in FIELDS:
            values = [w[field] for w in self._window]
            if len(values) < 10:
                continue
            mean = math.fsum(values) / len(values)
            sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
            if sd > 0:
                out[field] = (reading[field] - mean) / sd
        return out

    def _judge(self, reading):
        scores = self._scores(reading)
        for field, z in scores.items():
            if abs(z) > 3:
                self.alerts.append((field + "_anomaly", reading["ts"]))
        if scores.get("temperature", 0) > 3 and self._armed is not None \
                and reading["ts"] - self._armed <= WITHIN_MS:
            self.alerts.append(("wear_then_heat", reading["ts"]))
            self._armed = None
        before = self._previous["vibration"] if self._previous else None
        rises = before is not None and reading["vibration"] > before and reading["vibration"] > 4
        self._rises = self._rises + 1 if rises else 0
        if self._rises >= 3:
            self._armed = reading["ts"]
