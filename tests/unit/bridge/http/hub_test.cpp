// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/stream/hub.hpp"
#include "bridge/http/stream/routes.hpp"
#include "domain/base/glob.hpp"
#include <doctest/doctest.h>
#include <map>
#include <random>
#include <set>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// Takes everything at once, or nothing while it is slow.
struct fake_outlet : outlet {
  std::string got;
  std::size_t held = 0, pushes = 0, largest = 0;
  bool slow = false;

  bool push(chunk bytes) override {
    if (held != 0 && held + bytes->size() > 64 << 10) return false;
    ++pushes;
    largest = std::max(largest, bytes->size());
    got += *bytes;
    if (slow) held += bytes->size();
    return true;
  }
  [[nodiscard]] std::size_t unsent() const override { return held; }
  void close() override {}

  [[nodiscard]] std::vector<std::string> lines(const std::string& start) const {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < got.size();) {
      const auto end = std::min(got.find('\n', at), got.size());
      const auto line = got.substr(at, end - at);
      if (line.starts_with(start)) out.push_back(line.substr(start.size()));
      at = end + 1;
    }
    return out;
  }
};

subscription to(const std::string& twins) {
  subscription s;
  s.twins = twins;
  return s;
}

std::string document(int n) { return "{\"n\":" + std::to_string(n) + "}"; }

struct one_hub {
  hub h;
  std::int64_t now = 0;
  explicit one_hub(hub_options o = {}) : h(o, "e") {}
  std::shared_ptr<fake_outlet> reader(const subscription& s, const std::string& last = {},
                                      framing how = framing::event_stream) {
    auto out = std::make_shared<fake_outlet>();
    numbers[out.get()] = h.join(s, out, how, last, now);
    return out;
  }
  void tick(std::int64_t after = 100 * ms) { h.flush(now += after); }
  std::map<fake_outlet*, std::uint64_t> numbers;
};

} // namespace

TEST_CASE("an event is a frame with id, kind and one line of data") {
  one_hub t;
  const auto r = t.reader(to("*"));
  t.h.publish("state", "p:a", "{\n \"n\": 1\r\n}");
  t.tick();
  CHECK(r->got ==
        "id: e-1\nevent: state\ndata: "
        "{\"id\":\"e-1\",\"kind\":\"state\",\"twin\":\"p:a\",\"document\":{  \"n\": 1  }}\n\n");
}

TEST_CASE("readers get what they asked for and may see, and nothing else") {
  one_hub t;
  auto wanted = to("p:a*");
  const auto glob = t.reader(wanted), exact = t.reader(to("q:b"));
  wanted = to("*");
  wanted.state = false;
  const auto alerts = t.reader(wanted);
  wanted = to("*");
  wanted.namespaces = {"q", "site-*"};
  const auto scoped = t.reader(wanted);
  auto other = to("p:a");
  other.namespaces = {"q"};
  const auto forbidden = t.reader(other);
  t.h.publish("state", "p:a1", "1");
  t.h.publish("alert", "q:b", "2");
  t.h.publish("command", "site-9:c", "3");
  t.h.publish("state", "p:a", "4");
  t.tick();
  using ids = std::vector<std::string>;
  CHECK(glob->lines("id: ") == ids{"e-1", "e-4"});
  CHECK(exact->lines("id: ") == ids{"e-2"});
  CHECK(alerts->lines("id: ") == ids{"e-2", "e-3"});
  CHECK(scoped->lines("id: ") == ids{"e-2", "e-3"});
  CHECK(forbidden->got.empty());
}

TEST_CASE("a reader gets ten batches a second, the newest state of each twin and every alert") {
  one_hub t;
  const auto r = t.reader(to("*"));
  int n = 0;
  for (int step = 0; step < 100; ++step) { // one second
    for (int twin = 0; twin < 3; ++twin)
      t.h.publish("state", "p:" + std::to_string(twin), document(n++));
    t.h.publish("alert", "p:0", document(n++));
    t.tick(10 * ms);
  }
  t.tick();
  CHECK(r->pushes >= 10);
  CHECK(r->pushes <= 11);
  CHECK(r->lines("event: alert").size() == 100);
  CHECK(r->lines("event: state").size() <= 33);
  CHECK(r->got.find(document(399)) != std::string::npos); // the last alert
  CHECK(r->got.find(document(398)) != std::string::npos); // the last state of the last twin
}

TEST_CASE("readers at the same place share one text") {
  one_hub t;
  const auto a = t.reader(to("*")), b = t.reader(to("*"));
  for (int i = 0; i < 50; ++i) t.h.publish("alert", "p:a", document(i));
  t.tick();
  CHECK(a->got == b->got);
  CHECK(a->pushes == 1);
  CHECK(a->lines("event: alert").size() == 50);
}

TEST_CASE("a slow reader holds one batch, holds up nobody, and is told exactly what it missed") {
  hub_options o;
  o.recent_bytes = 256 << 10;
  one_hub t(o);
  const auto slow = t.reader(to("*")), quick = t.reader(to("*"));
  slow->slow = true;
  const std::string filling(1000, 'x');
  constexpr int all = 2000; // about 2 MB
  for (int i = 0; i < all; ++i) {
    t.h.publish("alert", "p:a", "\"" + filling + "\"");
    if (i % 20 == 0) t.tick();
  }
  t.tick();
  CHECK(quick->lines("event: alert").size() == all);
  CHECK(quick->lines("event: missed").empty());
  CHECK(slow->held <= 64 << 10);
  slow->slow = false;
  slow->held = 0;
  for (int i = 0; i < 10; ++i) t.tick();
  std::size_t told = 0;
  CHECK(slow->lines("event: missed").size() == 1);
  for (const auto& line : slow->lines("data: {\"events\":")) told += std::stoul(line);
  CHECK(told > 1000);
  CHECK(told + slow->lines("event: alert").size() == all);
  CHECK(slow->largest <= 64 << 10);
}

TEST_CASE("a busy moment costs the reader of a quiet twin nothing") {
  hub_options o;
  o.recent_bytes = 4 << 10;
  one_hub t(o);
  const auto all = t.reader(to("*")), one = t.reader(to("p:quiet"));
  t.h.publish("state", "p:quiet", document(1));
  t.tick(); // from here on a pause: nothing is due for 100 ms
  t.h.publish("state", "p:quiet", document(2));
  for (int i = 0; i < 5000; ++i) t.h.publish("state", "p:" + std::to_string(i), document(i));
  for (int i = 0; i < 10; ++i) t.tick();
  CHECK(one->lines("event: missed").empty());
  CHECK(one->lines("id: ") == std::vector<std::string>{"e-1", "e-2"});
  CHECK(all->lines("event: missed").size() == 1); // more than a batch: that is bounded
  std::size_t told = 0;
  for (const auto& line : all->lines("data: {\"events\":")) told += std::stoul(line);
  CHECK(told + all->lines("id: ").size() == 5002);
}

TEST_CASE("states that a newer one replaced are not missed") {
  hub_options o;
  o.recent_bytes = 4 << 10;
  one_hub t(o);
  const auto slow = t.reader(to("*"));
  slow->held = 1;
  for (int i = 0; i < 5000; ++i) t.h.publish("state", "p:" + std::to_string(i % 5), document(i));
  slow->held = 0;
  t.tick();
  CHECK(slow->lines("event: missed").empty());
  CHECK(slow->lines("id: ").size() == 5);
}

TEST_CASE("who comes back with the last id gets what came since, and in order") {
  one_hub t;
  auto r = t.reader(to("*"));
  for (int i = 1; i <= 5; ++i) t.h.publish("alert", "p:a", document(i));
  t.tick();
  t.h.leave(t.numbers[r.get()]);
  for (int i = 6; i <= 9; ++i) t.h.publish("alert", "p:a", document(i));
  r = t.reader(to("*"), "e-5");
  t.h.publish("alert", "p:a", document(10));
  t.tick();
  CHECK(r->lines("id: ") == std::vector<std::string>{"e-6", "e-7", "e-8", "e-9", "e-10"});
}

TEST_CASE("an id too old tells at most how much is gone; one of another run, that nobody knows") {
  hub_options o;
  o.recent_events = 10;
  one_hub t(o);
  for (int i = 1; i <= 100; ++i) t.h.publish("alert", "p:a", document(i));
  const auto r = t.reader(to("*"), "e-50");
  t.tick();
  CHECK(r->lines("data: {\"events\":") == std::vector<std::string>{"40}"});
  CHECK(r->lines("event: alert").size() == 10);
  for (const char* foreign : {"f-50", "e-101", "e-", "nonsense", "e-1x", "-1"}) {
    const auto other = t.reader(to("*"), foreign);
    t.tick();
    CHECK_MESSAGE(other->lines("data: {\"events\":") == std::vector<std::string>{"null}"}, foreign);
    CHECK(other->lines("event: alert").empty());
  }
}

TEST_CASE("what the node lost before us is told to all") {
  one_hub t;
  const auto r = t.reader(to("p:a")), socket = t.reader(to("*"), "", framing::web_socket);
  t.h.lost(7);
  t.tick();
  CHECK(r->got == "event: missed\ndata: {\"events\":7}\n\n");
  CHECK(socket->got == "{\"type\":\"missed\",\"events\":7}");
}

TEST_CASE("a socket gets one message for each batch") {
  one_hub t;
  const auto r = t.reader(to("*"), "", framing::web_socket);
  t.h.publish("alert", "p:\"a\\", "1");
  t.h.publish("alert", "p:b", "2");
  t.tick();
  CHECK(r->got ==
        R"({"type":"events","events":[{"id":"e-1","kind":"alert","twin":"p:\"a\\","document":1},)"
        R"({"id":"e-2","kind":"alert","twin":"p:b","document":2}]})");
}

TEST_CASE("silence is broken by a comment every fifteen seconds") {
  one_hub t;
  const auto r = t.reader(to("*"));
  for (int i = 0; i < 449; ++i) t.tick(100 * ms);
  CHECK(r->lines(":").size() == 2);
}

TEST_CASE("the pump is one, and given up a while after the last reader") {
  one_hub t;
  const auto r = t.reader(to("*"));
  CHECK(t.h.claim_pump());
  CHECK_FALSE(t.h.claim_pump());
  t.h.publish("alert", "p:a", "1");
  t.tick();
  CHECK_FALSE(t.h.give_up_pump(t.now));
  t.h.leave(t.numbers[r.get()]);
  CHECK_FALSE(t.h.give_up_pump(t.now - 1));
  CHECK(t.h.give_up_pump(t.now + 1));
  CHECK(t.h.claim_pump());
  const auto back = t.reader(to("*"), "e-1"); // what happened meanwhile nobody knows
  t.tick();
  CHECK(back->lines("event: missed").size() == 1);
}

TEST_CASE("against a plain list: every reader has all alerts, and the last state of each twin") {
  std::mt19937 dice(7);
  for (int round = 0; round < 20; ++round) {
    one_hub t;
    std::vector<std::pair<std::string, std::shared_ptr<fake_outlet>>> readers;
    for (const char* glob : {"*", "p:*", "p:1", "q:?", "q:2", "none:*"})
      readers.emplace_back(glob, t.reader(to(glob)));
    std::vector<std::pair<std::string, std::string>> alerts;
    std::map<std::string, std::string> states;
    for (int i = 0; i < 500; ++i) {
      const auto twin = (dice() % 2 ? "p:" : "q:") + std::to_string(dice() % 4);
      const auto id = "e-" + std::to_string(i + 1);
      const bool alert = dice() % 3 == 0;
      t.h.publish(alert ? "alert" : "state", twin, document(i));
      if (alert)
        alerts.emplace_back(twin, id);
      else
        states[twin] = id;
      for (auto& [glob, r] : readers) r->held = dice() % 4 == 0 ? 1 : 0;
      if (dice() % 5 == 0) t.tick(static_cast<std::int64_t>(dice() % 200) * ms);
    }
    for (auto& [glob, r] : readers) r->held = 0;
    t.tick();
    t.tick();
    for (const auto& [glob, r] : readers) {
      const auto got = r->lines("id: ");
      const std::set<std::string> ids(got.begin(), got.end());
      CHECK(ids.size() == got.size()); // nothing twice
      CHECK(std::is_sorted(got.begin(), got.end(), [](const auto& a, const auto& b) {
        return std::stoi(a.substr(2)) < std::stoi(b.substr(2));
      }));
      for (const auto& [twin, id] : alerts) CHECK(ids.contains(id) == matches_glob(glob, twin));
      for (const auto& [twin, id] : states) CHECK(ids.contains(id) == matches_glob(glob, twin));
    }
  }
}

TEST_CASE("words of a subscription are read, and wrong ones refused") {
  request r;
  r.who = {"alice", {{role::viewer, "p"}, {role::admin, "q-*"}}};
  r.query = {{"twins", "p:*"}, {"kinds", "alert,command"}, {"last_event_id", "e-1"}};
  r.headers = {{"last-event-id", "e-2"}};
  const auto w = wanted_by(r);
  REQUIRE(w.ok());
  CHECK(w->what.twins == "p:*");
  CHECK_FALSE(w->what.state);
  CHECK(w->what.alert);
  CHECK(w->last_id == "e-2");
  CHECK(w->what.namespaces == std::vector<std::string>{"p", "q-*"});
  for (const auto& [name, value] : pairs{{"kind", "alert"},
                                         {"kinds", "alerts"},
                                         {"kinds", ","},
                                         {"twins", ""},
                                         {"twins", std::string(600, '*')}}) {
    r.query = {{name, value}};
    CHECK_FALSE(wanted_by(r).ok());
  }
  const auto m =
      wanted_by(r.who, R"({"type":"subscribe","twins":"q-1:*","kinds":["state","alert"]})");
  REQUIRE(m.ok());
  CHECK(m->what.state);
  CHECK_FALSE(m->what.command);
  for (const char* bad :
       {"", "[]", "{}", R"({"type":"publish"})", R"({"type":"subscribe","x":"y"})",
        R"({"type":"subscribe","twins":1})", R"({"type":1})"})
    CHECK_FALSE(wanted_by(r.who, bad).ok());
}
