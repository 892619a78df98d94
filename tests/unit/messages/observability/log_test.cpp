// SPDX-License-Identifier: Apache-2.0
#include "messages/health.hpp"
#include "messages/observability/log.hpp"
#include "messages/observability/rate_limit.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace pollux::messages;
namespace logging = pollux::messages::log;

namespace {
/// Lines written while it lives; afterwards all is as before.
struct captured {
  std::vector<std::string> lines;
  captured(logging::format f, logging::level l) {
    logging::configure(f, l);
    logging::redirect([this](std::string_view line) { lines.emplace_back(line); });
  }
  ~captured() {
    logging::redirect({});
    logging::configure(logging::format::text, logging::level::info);
  }
};
} // namespace

TEST_CASE("a text line has time, level, component, message and fields") {
  captured c(logging::format::text, logging::level::info);
  logging::info("log_test_a", "something happened",
                {{"twin", "plant1:press-7"},
                 {"count", 3},
                 {"ratio", 0.5},
                 {"ok", true},
                 {"why", "a \"b\"\n"}});
  REQUIRE(c.lines.size() == 1);
  CHECK(c.lines[0].size() > 25);
  CHECK(c.lines[0][10] == 'T');
  CHECK(c.lines[0][23] == 'Z'); // three decimals, always
  CHECK(c.lines[0].substr(25) ==
        "info    log_test_a: something happened  twin=plant1:press-7  count=3  ratio=0.5  ok=true  "
        "why=\"a \\\"b\\\"\\n\"");
}

TEST_CASE("a JSON line is one JSON object, whatever bytes a field holds") {
  captured c(logging::format::json, logging::level::info);
  logging::error("log_test_b", "bad payload",
                 {{"payload", std::string("\xff\x01\n")}, {"size", 3}, {"nan", 0.0 / 0.0}});
  REQUIRE(c.lines.size() == 1);
  const auto line = nlohmann::json::parse(c.lines[0]);
  CHECK(line["level"] == "error");
  CHECK(line["component"] == "log_test_b");
  CHECK(line["msg"] == "bad payload");
  CHECK(line["size"] == 3);
  CHECK(line["nan"].is_null());
  CHECK(line["payload"] == "\xEF\xBF\xBD\x01\n");
}

TEST_CASE("a message that holds line breaks stays one line") {
  captured c(logging::format::text, logging::level::info);
  logging::info("log_test_c", "first\nsecond");
  REQUIRE(c.lines.size() == 1);
  CHECK(c.lines[0].find('\n') == std::string::npos);
}

TEST_CASE("the level changes while running") {
  captured c(logging::format::text, logging::level::warning);
  logging::info("log_test_d", "unheard");
  CHECK(c.lines.empty());
  logging::set_level(logging::level::debug);
  logging::debug("log_test_d", "heard");
  CHECK(c.lines.size() == 1);
  logging::set_level(logging::level::off);
  logging::error("log_test_d", "unheard, too");
  CHECK(c.lines.size() == 1);
  logging::level l{};
  CHECK(logging::parse_level("warning", l));
  CHECK(l == logging::level::warning);
  CHECK_FALSE(logging::parse_level("loud", l));
}

TEST_CASE("a place that repeats itself is held back; other places are not") {
  captured c(logging::format::text, logging::level::info);
  for (int i = 0; i < 100; ++i) logging::info("log_test_e", "again", {{"i", i}});
  CHECK(c.lines.size() == logging::rate_limiter::burst);
  logging::info("log_test_e", "something else");
  CHECK(c.lines.size() == logging::rate_limiter::burst + 1);
}

TEST_CASE("what was held back is told once the window is over, once") {
  logging::rate_limiter r;
  int passed = 0;
  for (int i = 0; i < 50; ++i) passed += r.admit(logging::level::info, "a", "m", 1'000) ? 1 : 0;
  CHECK(passed == 20);
  CHECK(r.due(1'000 + logging::rate_limiter::window_ns - 1).empty());
  const auto held = r.due(1'000 + logging::rate_limiter::window_ns);
  REQUIRE(held.size() == 1);
  CHECK(held[0].component == "a");
  CHECK(held[0].count == 30);
  CHECK(r.due(1'000 + logging::rate_limiter::window_ns).empty());
  CHECK(r.admit(logging::level::info, "a", "m", 1'001 + logging::rate_limiter::window_ns));
}

TEST_CASE("very many places share one budget instead of growing the table") {
  logging::rate_limiter r;
  std::size_t passed = 0;
  for (std::size_t i = 0; i < 5'000; ++i)
    passed += r.admit(logging::level::info, "a", std::to_string(i), 5) ? 1 : 0;
  CHECK(passed == logging::rate_limiter::most_places + logging::rate_limiter::burst);
}

TEST_CASE("threads may log at the same time, each line stays whole") {
  captured c(logging::format::json, logging::level::info);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 15; ++i)
        logging::info("log_test_f" + std::to_string(t), "line", {{"i", i}});
    });
  for (auto& t : threads) t.join();
  CHECK(c.lines.size() == 120);
  for (const auto& line : c.lines) CHECK(nlohmann::json::accept(line));
}

TEST_CASE("a node is ready when every condition it declared is met") {
  captured c(logging::format::text, logging::level::info);
  health h;
  CHECK_FALSE(h.ready()); // nothing declared yet: not known to be ready
  h.set("store", true);
  CHECK(h.ready());
  h.set("broker", false, "connection refused");
  h.set("broker", false, "still refused");
  CHECK_FALSE(h.ready());
  REQUIRE(h.conditions().size() == 2);
  CHECK(h.conditions()[0].name == "broker");
  CHECK(h.conditions()[0].why == "still refused");
  CHECK(c.lines.size() == 2); // changes are logged, repetitions are not
  h.forget("broker");
  CHECK(h.ready());
}
