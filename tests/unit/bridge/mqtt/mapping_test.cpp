// SPDX-License-Identifier: Apache-2.0
// Topics to twin ids, and the words for a mapping that cannot work.
#include "bridge/mqtt/mapping.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::bridge;

namespace {

ingress_mapping mapping(std::string topic, std::string twin, std::string model = "m") {
  ingress_mapping out;
  out.topic = std::move(topic);
  out.twin = std::move(twin);
  out.model = std::move(model);
  return out;
}

std::string error_of(std::string topic, std::string twin) {
  const auto built = topic_map::build({mapping(std::move(topic), std::move(twin))});
  REQUIRE_FALSE(built.ok());
  CHECK(built.error().code == errc::invalid_argument);
  return built.error().what;
}

bool mentions(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("placeholders bind levels and make the twin's id") {
  auto map =
      topic_map::build({mapping("telemetry/motor/{name}", "plant1:{name}"),
                        mapping("t/{tenant}/+/{line}/{cell}/#", "{tenant}:{line}-{cell}.x")});
  REQUIRE(map);
  std::string id = "left over";
  const auto* found = map->match("telemetry/motor/press-7", id);
  REQUIRE(found == &map->mappings()[0]);
  CHECK(id == "plant1:press-7");
  found = map->match("t/acme/any/l1/c2/and/more", id);
  REQUIRE(found == &map->mappings()[1]);
  CHECK(id == "acme:l1-c2.x");
  CHECK(map->match("t/acme/any/l1/c2", id) != nullptr); // # takes nothing as well
  CHECK(map->match("telemetry/motor", id) == nullptr);
  CHECK(map->match("telemetry/motor/a/b", id) == nullptr);
  CHECK(map->match("", id) == nullptr);
}

TEST_CASE("the first mapping that fits wins") {
  auto map = topic_map::build({mapping("a/{x}", "n:{x}", "first"),
                               mapping("a/b", "n:lit", "second"), mapping("#", "n:rest", "third")});
  REQUIRE(map);
  std::string id;
  CHECK(map->match("a/b", id)->model == "first");
  CHECK(map->match("c", id)->model == "third");
  CHECK(map->match("$SYS/broker/uptime", id) == nullptr); // the broker's own
}

TEST_CASE("a topic whose parts make no id is no match, and it is said why") {
  auto map = topic_map::build({mapping("d/{x}", "n:{x}")});
  REQUIRE(map);
  std::string id;
  CHECK(map->match("d/with space", id) == nullptr);
  const ingress_mapping* at = nullptr;
  const auto why = map->why_not("d/with space", &at);
  CHECK(at == &map->mappings()[0]);
  CHECK(mentions(why, "\" \""));
  CHECK(map->match("d/", id) == nullptr);
  CHECK(map->match("d/" + std::string(129, 'x'), id) == nullptr);
  CHECK(map->match("d/" + std::string(128, 'x'), id) != nullptr);
  CHECK(map->match("d/\xc3\xa9", id) == nullptr);
  CHECK(map->match("d/a:b", id) == nullptr);
  CHECK(mentions(map->why_not("other", &at), "no ingress mapping"));
  CHECK(at == nullptr);
}

TEST_CASE("the subscription has a + for every placeholder") {
  CHECK(filter_of(mapping("telemetry/motor/{name}", "")) == "telemetry/motor/+");
  CHECK(filter_of(mapping("/{a}//{b}/#", "")) == "/+//+/#");
  CHECK(filter_of(mapping("{a}", "")) == "+");
  CHECK(filter_of(mapping("a/", "")) == "a/");
}

TEST_CASE("a mapping that cannot work is refused with the place and the nearest name") {
  const auto near = error_of("t/{name}", "plant1:{nam}");
  CHECK(mentions(near, "ingress mapping 1 (t/{name})"));
  CHECK(mentions(near, "did you mean {name}?"));
  CHECK(mentions(error_of("t/x", "plant1:{name}"), "the topic has none"));
  CHECK(mentions(error_of("t/dev-{name}", "p:{name}"), "whole level"));
  CHECK(mentions(error_of("t/{Name}", "p:x"), "whole level"));
  CHECK(mentions(error_of("t/{a}/{a}", "p:{a}"), "second time"));
  CHECK(mentions(error_of("t/#/x", "p:x"), "last"));
  CHECK(mentions(error_of("t/a+", "p:x"), "whole level"));
  CHECK(mentions(error_of("t/{a}", "{a}"), "namespace:name"));
  CHECK(mentions(error_of("t/{a}", "p p:{a}"), "namespace:name"));
  CHECK(mentions(error_of("", "p:x"), "empty"));
}

TEST_CASE("property: a match agrees with a slow split-and-compare") {
  const char* parts[] = {"a", "b", "", "c"};
  const char* pattern_parts[] = {"a", "b", "+", "{x}", "", "c"};
  unsigned matches = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::vector<std::string> pattern, topic;
    bool bound = false;
    for (unsigned i = 0; i <= random() % 4; ++i) {
      std::string next = pattern_parts[random() % 6];
      if (next == "{x}" && bound) next = "+";
      bound |= next == "{x}";
      pattern.push_back(next);
    }
    const bool rest = random() % 4 == 0;
    for (unsigned i = 0; i <= random() % 4; ++i) topic.push_back(parts[random() % 4]);
    const auto joined = [](const std::vector<std::string>& levels) {
      std::string out;
      for (std::size_t i = 0; i < levels.size(); ++i) out += (i ? "/" : "") + levels[i];
      return out;
    };
    bool want = rest ? topic.size() >= pattern.size() : topic.size() == pattern.size();
    std::string x;
    for (std::size_t i = 0; want && i < pattern.size(); ++i) {
      if (pattern[i] == "{x}") x = topic[i];
      want = pattern[i] == "+" || pattern[i] == "{x}" || pattern[i] == topic[i];
    }
    if (joined(pattern).empty()) continue;
    auto map =
        topic_map::build({mapping(joined(pattern) + (rest ? "/#" : ""), bound ? "n:v{x}" : "n:v")});
    REQUIRE(map);
    std::string id;
    const bool got = map->match(joined(topic), id) != nullptr;
    CHECK(got == want);
    if (got) CHECK(id == "n:v" + x);
    matches += got ? 1 : 0;
  }
  CHECK(matches > 500);
}
