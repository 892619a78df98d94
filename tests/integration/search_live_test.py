# SPDX-License-Identifier: Apache-2.0
# A search that goes on, and event streams held to a filter: who enters, changes and leaves, what a
# slow reader gets, whom a namespace and a revoked token shut out.
import json
import pathlib
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import node as support  # noqa: E402
from api import Api  # noqa: E402
from streams_test import Events, Socket  # noqa: E402

MODEL = {"name": "device", "telemetry": {"temperature": {}},
         "operators": [{"name": "hot", "type": "threshold", "value": "temperature", "above": 80}]}
INGRESS = {"topic": "telemetry/{space}/{name}", "twin": "{space}:{name}", "model": "device"}
LIVE = "/api/v1/search/live"


class LiveSearch(support.NodeTest):
    def started(self, fleet=(), **settings):
        node = self.node([MODEL], [dict(INGRESS)], **settings)
        node.start()
        self.device = self.client("device")
        for twin, value in fleet:
            self.reading(twin, value)
        api = Api(node.http_port)
        support.eventually(lambda: len(api("GET", "/twins?limit=1000", status=200).json["items"]) == len(fleet), 20,
                           "all twins are there")
        return node

    def reading(self, twin, value):
        self.device.publish("telemetry/" + twin.replace(":", "/"), json.dumps({"temperature": value}), qos=1)
        self.device.drain()

    def live(self, node, token=None, small_window=False, **words):
        made = Events(node.http_port, "?" + urllib.parse.urlencode(words), token=token, path=LIVE,
                      small_window=small_window)
        self._stack.callback(made.close)
        return made

    def events(self, node, token=None, **words):
        made = Events(node.http_port, "?" + urllib.parse.urlencode(words), token=token)
        self._stack.callback(made.close)
        return made

    def beginning(self, stream):
        """Who is in at the start, by id, with their items."""
        inside = {}
        while True:
            name, _, data = stream.next()
            if name == "current":
                self.assertEqual(data, {"twins": len(inside)})
                return inside
            self.assertEqual(name, "enter")
            inside[data["twin"]] = data["item"]

    def test_twins_enter_are_updated_and_leave(self):
        node = self.started([("lab:a", 10), ("lab:b", 70), ("lab:c", 60)])
        stream = self.live(node, filter="gt(telemetry/temperature,50)", fields="id,telemetry/temperature/value")
        self.assertEqual((stream.status, stream.type), (200, True))
        self.assertEqual(self.beginning(stream), {"lab:b": {"id": "lab:b", "telemetry": {"temperature": {"value": 70}}},
                                                  "lab:c": {"id": "lab:c", "telemetry": {"temperature": {"value": 60}}}})
        self.reading("lab:a", 55)
        self.assertEqual(stream.next()[::2], ("enter", {"twin": "lab:a", "item": {"id": "lab:a", "telemetry": {
            "temperature": {"value": 55}}}}))
        self.reading("lab:a", 56)
        self.assertEqual(stream.next()[::2], ("update", {"twin": "lab:a", "item": {"id": "lab:a", "telemetry": {
            "temperature": {"value": 56}}}}))
        self.reading("lab:b", 1)
        self.assertEqual(stream.next()[::2], ("leave", {"twin": "lab:b"}))
        self.assertEqual(Api(node.http_port)("DELETE", "/twins/lab:c").status, 204)
        self.assertEqual(stream.next()[::2], ("leave", {"twin": "lab:c"}))

    def test_time_alone_makes_twins_leave(self):
        node = self.started([("lab:a", 10)])
        stream = self.live(node, filter="lt(age,4)", fields="id")
        self.assertEqual(self.beginning(stream), {"lab:a": {"id": "lab:a"}})
        self.assertEqual(stream.next()[::2], ("leave", {"twin": "lab:a"}))

    def test_twins_that_fall_asleep_stay_and_are_told_of_when_they_wake(self):
        node = self.started([("lab:a", 60)], twins={"passivate_after": "1s"})
        stream = self.live(node, filter="gt(telemetry/temperature,50)", fields="id,awake,telemetry/temperature/value")
        self.beginning(stream)
        self.reading("lab:a", 60.5)  # it may have been asleep already
        name, _, data = stream.until(lambda e: e[2]["item"]["awake"] is False)
        self.assertEqual((name, data["twin"]), ("update", "lab:a"))
        self.reading("lab:a", 61)
        name, _, data = stream.until(lambda e: e[2]["item"]["telemetry"]["temperature"]["value"] == 61)
        self.assertEqual(name, "update")
        self.reading("lab:a", 2)
        self.assertEqual(stream.until(lambda e: e[0] == "leave")[2], {"twin": "lab:a"})

    def test_a_slow_reader_gets_what_is_and_nothing_that_was_overtaken(self):
        node = self.started([("lab:t%03d" % i, 60) for i in range(300)])
        fields = "id,telemetry/temperature/value"
        slow = self.live(node, filter="gt(telemetry/temperature,50)", fields=fields, small_window=True)
        quick = self.live(node, filter="gt(telemetry/temperature,50)", fields=fields)
        self.assertEqual(len(self.beginning(quick)), 300)
        last = 0
        for last in range(100, 130):  # far more than the connection and the node keep of it
            for i in range(300):
                self.device.publish("telemetry/lab/t%03d" % i, json.dumps({"temperature": last}), qos=1)
            self.device.drain()
        done = set()
        while len(done) < 300:
            name, _, data = quick.next()
            if data["item"]["telemetry"]["temperature"]["value"] == last:
                done.add(data["twin"])
        told, count = {}, 0
        while len(told) < 300 or set(told.values()) != {last}:
            name, _, data = slow.next()
            if name == "current":
                continue
            self.assertEqual(name, "update" if data["twin"] in told else "enter")
            value = data["item"]["telemetry"]["temperature"]["value"]
            self.assertGreater(value, told.get(data["twin"], 0))  # never back in time
            told[data["twin"]] = value
            count += 1
        self.assertLess(count, 300 * 30)
        node.check_running()

    def test_a_stream_is_held_to_namespaces_and_ends_with_its_token(self):
        node = self.started([("lab:a", 60), ("plant:b", 60)])
        secret = node.cli("token", "create", "lab", "--role", "viewer", "--namespaces", "lab").strip().split()[-1]
        self.assertEqual(Events(node.http_port, "?filter=", path=LIVE).status, 401)
        stream = self.live(node, token=secret, filter="", fields="id")
        self.assertEqual(self.beginning(stream), {"lab:a": {"id": "lab:a"}})
        self.reading("plant:c", 70)
        self.reading("lab:d", 70)
        self.assertEqual(stream.next()[2]["twin"], "lab:d")
        api = Api(node.http_port)
        ticket = api.send("POST", "/api/v1/tickets", headers={"Authorization": "Bearer " + secret}).json["ticket"]
        by_ticket = self.live(node, ticket=ticket, filter="", glob="*:a", fields="id")
        self.assertEqual(self.beginning(by_ticket), {"lab:a": {"id": "lab:a"}})
        node.cli("token", "revoke", "lab")
        self.assertTrue(stream.ended() and by_ticket.ended())

    def test_what_cannot_be_asked_is_refused_before_the_stream(self):
        node = self.started()
        api = Api(node.http_port)
        for query in ("filter=gt(x,", "fields=nothing", "glob=", "limit=3", "filter=" + "x" * 5000):
            answer = api.send("GET", LIVE + "?" + query)
            self.assertEqual((answer.status, answer.header("Content-Type")), (400, "application/problem+json"), query)
        self.assertEqual(api.send("GET", "/api/v1/events?filter=gt(x,").status, 400)
        streams = [self.live(node, filter="eq(id,\"lab:t%d\")" % i) for i in range(64)]
        self.assertEqual([s.status for s in streams], [200] * 64)
        answer = api.send("GET", LIVE + "?filter=")
        self.assertEqual(answer.status, 503)
        streams[0].close()
        support.eventually(lambda: self.live(node, filter="").status == 200, 20, "room again")

    def test_events_are_held_to_a_filter(self):
        node = self.started([("lab:a", 10), ("lab:b", 90)])
        stream = self.events(node, filter="gt(telemetry/temperature,50)", kinds="state,alert")
        plain = self.events(node, kinds="state,alert")
        value = {"lab:b": 91}

        def seen():
            value["lab:b"] += 1
            self.reading("lab:a", 11)
            self.reading("lab:b", value["lab:b"])
            stream.socket.settimeout(1)
            return stream.next()
        name, _, data = support.eventually(seen, 30, "the first event")
        stream.socket.settimeout(20)
        self.assertEqual(data["twin"], "lab:b")
        self.reading("lab:a", 55)  # it enters with this one
        is_a = lambda e: e[2]["twin"] == "lab:a"  # noqa: E731
        name, _, data = stream.until(is_a)
        self.assertEqual(data["document"]["telemetry"]["temperature"]["value"], 55)
        self.reading("lab:a", 85)
        kinds = {stream.until(is_a)[0], stream.until(is_a)[0]}
        self.assertEqual(kinds, {"state", "alert"})
        self.reading("lab:a", 12)  # and leaves with this one, which ends the alert, too
        left = {}
        while len(left) < 2:
            name, _, data = stream.until(is_a)
            left[name] = data["document"]
        self.assertEqual(left["state"]["telemetry"]["temperature"]["value"], 12)
        # it is out some 0.2 s later: what it tells then nobody gets
        support.eventually(lambda: self.quiet(stream, plain, value), 30, "no events of who left")

    def quiet(self, stream, plain, value):
        """Whether a reading of lab:a passes the plain stream only; both pass lab:b."""
        value["lab:b"] += 1
        self.reading("lab:a", 13 + value["lab:b"] % 7)
        self.reading("lab:b", value["lab:b"])
        last = lambda e: (e[0] == "state" and e[2]["twin"] == "lab:b" and  # noqa: E731
                          e[2]["document"]["telemetry"]["temperature"]["value"] == value["lab:b"])
        seen = []
        stream.until(lambda e: seen.append(e[2]["twin"]) or last(e))
        plain.until(last)
        return "lab:a" not in seen

    def test_a_web_socket_takes_a_filter_and_another(self):
        node = self.started([("lab:a", 10), ("lab:b", 90)])
        talk = Socket(node.http_port)
        self._stack.callback(talk.close)
        talk.send(json.dumps({"type": "subscribe", "filter": "gt(x"}).encode())
        self.assertIn("column", talk.receive()["detail"])
        for filter_, inside, outside in (("gt(telemetry/temperature,50)", "lab:b", "lab:a"),
                                         ("lt(telemetry/temperature,50)", "lab:a", "lab:b")):
            talk.send(json.dumps({"type": "subscribe", "filter": filter_, "kinds": "state"}).encode())
            self.assertEqual(talk.until(lambda m: m["type"] == "subscribed")["filter"], filter_)
            talk.socket.settimeout(1)

            def seen():
                for twin, value in (("lab:a", 10), ("lab:b", 90)):
                    self.reading(twin, value)
                return talk.until(lambda m: m["type"] == "events")
            twins = {e["twin"] for e in support.eventually(seen, 30, "events")["events"]}
            talk.socket.settimeout(20)
            self.assertIn(inside, twins)
            self.assertNotIn(outside, twins)

    def test_many_readers_of_one_filter_cost_one_live_search(self):
        node = self.started([("lab:a", 90)])
        readers = [self.events(node, filter="gt(telemetry/temperature,50)") for _ in range(80)]
        self.assertEqual({r.status for r in readers}, {200})


if __name__ == "__main__":
    unittest.main()
