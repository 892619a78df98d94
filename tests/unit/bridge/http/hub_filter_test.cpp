// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/stream/hub.hpp"
#include <algorithm>
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {

constexpr std::int64_t ms = 1'000'000;

struct kept_outlet : outlet {
  std::string got;
  bool ended = false;
  bool push(chunk bytes) override {
    got += *bytes;
    return true;
  }
  [[nodiscard]] std::size_t unsent() const override { return 0; }
  void close() override { ended = true; }
  /// The numbers of the events so far: "1,2,".
  [[nodiscard]] std::string ids() const {
    std::string out;
    for (auto at = got.find("id: e-"); at != got.npos; at = got.find("id: e-", at + 1))
      out += got.substr(at + 6, got.find('\n', at) - at - 6) + ",";
    return out;
  }
};

struct filtered {
  hub h;
  std::int64_t now = 0;
  subscription wants;
  std::shared_ptr<kept_outlet> reader = std::make_shared<kept_outlet>();
  std::uint64_t number = 0, list = 0;

  explicit filtered(hub_options o = {}) : h(o, "e") {
    wants.filter = "gt(telemetry/t,50)";
    number = h.join(wants, reader, framing::event_stream, {}, now);
    list = h.claim_filter(number).value();
  }
  void told(const char* twin) { h.publish("alert", twin, "{}"); }
  bool settle(std::vector<std::string> entered, std::vector<std::string> left) {
    return h.settle(list, entered, left, h.last_number());
  }
  std::string seen() {
    h.flush(now += 100 * ms);
    return reader->ids();
  }
};

} // namespace

TEST_CASE("events of a filtered stream wait until it is known whom the filter holds for") {
  filtered t;
  t.told("p:a"); // 1
  t.told("p:b"); // 2
  CHECK(t.seen().empty());
  t.settle({"p:a"}, {});
  CHECK(t.seen() == "1,");
  t.told("p:a"); // 3
  t.told("p:b"); // 4
  CHECK(t.seen() == "1,");
  t.settle({"p:b"}, {}); // it enters with event 4
  CHECK(t.seen() == "1,3,4,");
}

TEST_CASE("a page of changes that is not the last settles nothing") {
  filtered t;
  t.told("p:a");
  t.h.settle(t.list, {"p:b"}, {}, 0);
  CHECK(t.seen().empty());
  t.settle({"p:a"}, {});
  CHECK(t.seen() == "1,");
}

TEST_CASE("the events with which a twin leaves are told, and a moment later none") {
  filtered t;
  t.settle({"p:a"}, {});
  t.told("p:a"); // 1: this one made it leave
  t.settle({}, {"p:a"});
  t.told("p:a"); // 2: and this came with it, a little later
  t.settle({}, {});
  t.told("p:a"); // 3
  t.settle({}, {});
  CHECK(t.seen() == "1,2,");
  t.settle({"p:a"}, {});
  t.told("p:a"); // 4
  t.settle({}, {"p:a"});
  t.settle({"p:a"}, {}); // back before it was out
  t.settle({}, {});
  t.told("p:a"); // 5
  t.settle({}, {});
  CHECK(t.seen() == "1,2,4,5,");
}

TEST_CASE("one follower serves all who read with the same filter, and ends with them") {
  filtered t;
  CHECK(t.h.is_followed(t.wants));
  auto other = t.wants;
  other.filter = "lt(age,1)";
  CHECK(!t.h.is_followed(other));
  const auto second =
      t.h.join(t.wants, std::make_shared<kept_outlet>(), framing::event_stream, {}, 0);
  CHECK(!t.h.claim_filter(second));
  CHECK(
      !t.h.claim_filter(t.h.join({}, std::make_shared<kept_outlet>(), framing::web_socket, {}, 0)));
  t.h.leave(second);
  CHECK(t.settle({"p:a"}, {}));
  t.h.leave(t.number);
  CHECK(!t.settle({"p:a"}, {}));
  CHECK(!t.h.is_followed(t.wants));
  // who comes then has a list of their own, which knows nobody yet
  t.number = t.h.join(t.wants, t.reader, framing::event_stream, {}, 0);
  const auto list = t.h.claim_filter(t.number);
  REQUIRE(list);
  CHECK(*list != t.list);
}

TEST_CASE("readers of a filter that cannot be followed are sent away") {
  filtered t;
  t.h.give_up_filter(t.list);
  CHECK(t.reader->ended);
  CHECK(!t.h.is_followed(t.wants));
}

TEST_CASE("waiting events are bounded: what had to give way counts as missed") {
  hub_options o;
  o.recent_events = 10;
  o.batch_bytes = 2000;
  filtered t(o);
  for (int i = 0; i < 1000; ++i) t.told(i % 2 == 0 ? "p:a" : "p:b");
  t.settle({"p:a"}, {});
  t.seen();
  t.settle({}, {});
  const auto ids = t.seen();
  const auto count = std::count(ids.begin(), ids.end(), ',');
  CHECK(count > 0);
  CHECK(count < 50);
  CHECK(t.reader->got.find("event: missed\ndata: {\"events\":9") != std::string::npos);
  for (int i = 0; i < 6; ++i) t.told("p:a");
  t.settle({}, {});
  CHECK(std::ranges::count(t.seen(), ',') == count + 6); // all is in order again
}
