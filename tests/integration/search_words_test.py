# SPDX-License-Identifier: Apache-2.0
# Every word of docs/search.md over HTTP against a fleet whose answers are known, pages that go on
# while twins change, and reading one's own writes.
import json
import pathlib
import random
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402
from api import Api  # noqa: E402

MODEL = {"name": "press", "kind": "machine",
         "telemetry": {"temperature": {}, "lat": {}, "lon": {}, "state": {"type": "text"}, "on": {"type": "boolean"}},
         "commands": {"set": {"argument": "temperature", "ttl": "30s"}},
         "operators": [{"name": "recent", "type": "window", "of": "temperature", "span": "5m"},
                       {"name": "hot", "type": "threshold", "value": "temperature", "above": 80, "severity": "critical"}]}
VAN = {"name": "van", "kind": "vehicle", "telemetry": {"temperature": {}}}
INGRESS = [{"topic": "press/{name}", "twin": "lab:{name}", "model": "press"},
           {"topic": "van/{name}", "twin": "road:{name}", "model": "van"}]
# name: temperature, latitude, longitude, state, on
PRESSES = {"a": (10, 52.5, 13.4, "idle", False), "b": (60, 48.1, 11.6, "Running", True),
           "c": (85, -17.8, 178.0, "running", True), "d": (90, -17.8, -179.5, "broken", False)}
ORDER = "a b c d".split()

WORDS = {  # filter: which presses
    'eq(telemetry/temperature,60)': "b", 'ne(telemetry/temperature,60)': "acd", "gt(telemetry/temperature,60)": "cd",
    "ge(telemetry/temperature,60)": "bcd", "lt(telemetry/temperature,60)": "a", "le(telemetry.temperature,60)": "ab",
    'in(telemetry/state,"idle","broken")': "ad", 'like(telemetry/state,"?unning")': "bc", 'like(telemetry/state,"r*")': "c",
    'ilike(telemetry/state,"r*")': "bc", "exists(properties/line)": "ab", "empty(properties/line)": "cd",
    "and(gt(telemetry/temperature,20),lt(telemetry/temperature,88))": "bc",
    'or(eq(name,"a"),eq(telemetry/on,true))': "abc", 'not(like(telemetry/state,"*unning"))': "ad",
    'eq(properties/line,"L1")': "a", "gt(properties/place/floor,1)": "b", 'eq(properties/tags/1,"new")': "b",
    "gt(windows/recent/mean,50)": "bcd", "eq(windows/recent/count,1)": "abcd",
    'eq(alerts/hot/state,"active")': "c", 'eq(alerts/hot/state,"acknowledged")': "d", 'eq(alerts/hot/state,"ok")': "ab",
    'ge(alerts/severity,"warning")': "cd", "gt(alerts/count,0)": "cd", "lt(age,60)": "",
    "gt(telemetry/temperature/age,60)": "abcd", "within_box(45,10,55,14)": "ab", "within_box(-20,170,-10,-170)": "cd",
    "within_box(telemetry/lat,telemetry/lon,50,0,60,20)": "a",
    "within_radius(52.5,13.4,1000)": "a", "within_radius(-17.8,179.9,250000)": "cd",
    "within_polygon(45,10,45,15,55,15,55,10)": "ab", "within_polygon(-20,177,-20,-178,-15,-178,-15,177)": "cd",
    'eq(kind,"machine")': "abcd", 'eq(namespace,"lab")': "abcd", "eq(parent,null)": "abcd", "eq(readings,1)": "abcd",
    "gt(last_event_time,\"2023-11-14T22:13:21Z\")": "cd"}
START_MS = 1_700_000_000_000


class SearchWords(support.NodeTest):
    def started(self):
        node = self.node([MODEL, VAN], [dict(i) for i in INGRESS])
        node.start()
        self.api = Api(node.http_port)
        self.device = self.client("device")
        for i, (name, (t, lat, lon, state, on)) in enumerate(PRESSES.items()):
            self.publish("press/" + name, ts=START_MS + i * 1000, temperature=t, lat=lat, lon=lon, state=state, on=on)
        self.publish("van/v", ts=START_MS, temperature=10)
        support.eventually(lambda: len(self.ids("ge(readings,1)", "*")) == 5, 20, "the fleet is there")
        return node

    def publish(self, topic, **values):
        self.device.publish(topic, json.dumps(values), qos=1)
        self.device.drain()

    def get(self, path, status=200, **words):
        return self.api("GET", path + "?" + urllib.parse.urlencode(words), status=status).json

    def ids(self, filter_, glob="lab:*", **words):
        return [row["id"].partition(":")[2] for row in self.get("/twins", filter=filter_, glob=glob, **words)["items"]]

    def patch(self, twin, **properties):
        return self.api("PATCH", "/twins/lab:" + twin, {"properties": properties}, 200, kind="application/merge-patch+json")

    def test_every_word(self):
        self.started()
        self.patch("a", line="L1")
        self.patch("b", line="L2", place={"floor": 2}, tags=["old", "new"])
        alerts = self.api("GET", "/alerts?twin=lab:d").json["items"]
        self.api("POST", "/alerts/lab:d/%s/acknowledge" % alerts[0]["incident"], status=200)
        for filter_, presses in WORDS.items():
            self.assertEqual("".join(sorted(self.ids(filter_))), presses, filter_)
            counted = self.get("/twins", filter=filter_, glob="lab:*", count="true", limit=1)
            self.assertEqual((counted["count"], len(counted["items"])), (len(presses), min(1, len(presses))), filter_)
        self.assertEqual(self.ids("", sort="-telemetry/temperature"), ["d", "c", "b", "a"])
        self.assertEqual(self.ids("", sort="telemetry/on,-id"), ["d", "a", "c", "b"])
        self.assertEqual(self.ids("", sort="nearest(-17.8,-179.9)"), ["d", "c", "a", "b"])
        self.assertEqual(self.ids("", glob="*", sort="nearest(48,11)")[-1], "v")  # nobody knows where it is
        groups = self.get("/search/aggregate", group_by="model", values="count,mean(telemetry/temperature),"
                          "min(telemetry/temperature),max(telemetry/temperature),sum(telemetry/temperature)")
        self.assertEqual(groups["groups"], [
            {"by": {"model": "press"}, "count": 4, "max(telemetry/temperature)": 90, "mean(telemetry/temperature)": 61.25,
             "min(telemetry/temperature)": 10, "sum(telemetry/temperature)": 245},
            {"by": {"model": "van"}, "count": 1, "max(telemetry/temperature)": 10, "mean(telemetry/temperature)": 10,
             "min(telemetry/temperature)": 10, "sum(telemetry/temperature)": 10}])
        two = self.get("/search/aggregate", filter="gt(telemetry/temperature,1)", group_by="kind,telemetry/on", values="count")
        self.assertEqual(sorted(g["count"] for g in two["groups"]), [1, 2, 2])
        item = self.get("/twins", filter='eq(name,"b")', fields="id,telemetry/state/value,properties/place,alerts/count")["items"]
        self.assertEqual(item, [{"id": "lab:b", "telemetry": {"state": {"value": "Running"}},
                                 "properties": {"place": {"floor": 2}}, "alerts": {"count": 0}}])

    def test_pages_go_on_where_they_were_while_twins_change(self):
        self.started()
        dice = random.Random(5)
        names = ["t%03d" % i for i in range(60)]
        value = {name: i * 10 for i, name in enumerate(names)}
        for name, t in value.items():
            self.publish("van/" + name, temperature=t)
        support.eventually(lambda: len(self.ids("ge(readings,1)", "road:t*")) == 60, 20, "all vans")
        still = set(names[::2])
        seen, cursor = [], None
        while True:
            words = {"filter": "", "glob": "road:t*", "sort": "telemetry/temperature", "limit": 7}
            page = self.get("/twins", **words, **({"cursor": cursor} if cursor else {}))
            seen += [row["id"].partition(":")[2] for row in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
            for name in dice.sample(names[1::2], 5):  # moves about
                self.publish("van/" + name, temperature=dice.randrange(600))
            ended = dice.choice(names[1::2])
            if self.api("DELETE", "/twins/road:" + ended).status == 204:
                self.publish("van/new" + ended, temperature=dice.randrange(600))
        # those that stood still are there once each and in their order
        self.assertEqual([name for name in seen if name in still], sorted(still, key=value.get))

    def test_a_write_is_found_with_its_token_and_most_writes_need_none(self):
        self.started()
        for i in range(30):
            tag = self.patch("a", round=i).header("ETag").strip('"')
            self.assertEqual(self.ids("eq(properties/round,%d)" % i, at_least="lab:a " + tag), ["a"])
        made = self.api("POST", "/twins", {"id": "lab:new", "model": "press", "properties": {"x": 1}}, 201)
        self.assertEqual(self.ids("eq(properties/x,1)", at_least="lab:new " + made.header("ETag").strip('"')), ["new"])
        self.api("POST", "/twins/lab:c/rules/hot/shelve", {"for": "1h"}, 200)
        self.assertEqual(self.ids('eq(alerts/hot/state,"shelved")'), ["c"])
        # a reading: the token is the twin's, as whoever waits for it reads it
        self.publish("press/b", temperature=33)
        tag = support.eventually(lambda: self.told("b", 33), 20, "the twin has it")
        self.assertEqual(self.ids("eq(telemetry/temperature,33)", at_least="lab:b " + tag), ["b"])
        # a revision that is yet to come is waited for
        soon = "lab:b rev:%d" % (int(tag.partition(":")[2]) + 10**6)
        began = time.monotonic()
        self.get("/twins", 504, filter="", at_least=soon)
        self.assertGreater(time.monotonic() - began, 1)
        self.get("/twins", 400, filter="", at_least="lab:b 7")

    def told(self, name, temperature):
        answer = self.api("GET", "/twins/lab:" + name)
        now = answer.json["telemetry"]["temperature"]["value"]
        return answer.header("ETag").strip('"') if now == temperature else None


if __name__ == "__main__":
    unittest.main()
