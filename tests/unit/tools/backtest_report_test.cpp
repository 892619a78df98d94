// SPDX-License-Identifier: Apache-2.0
// The HTML of a back-test holds what the document says and nothing a device could have put there as
// markup.
#include "tools/pollux/backtest_report.hpp"
#include <doctest/doctest.h>

using namespace pollux::cli;
using json = nlohmann::ordered_json;

namespace {

constexpr const char* hostile = "<script>alert('x')</script> & \"q\" \x01";

json counts(int ruling, int candidate) {
  return {{"ruling", ruling}, {"candidate", candidate},
          {"same", 0},        {"moved", 1},
          {"gained", 2},      {"lost", 3},
          {"changed", 0}};
}

json report() {
  json alert = {{"event_time", "2026-10-01T00:00:00Z"},
                {"severity", "warning"},
                {"published", false},
                {"message", hostile},
                {"show", hostile},
                {"evidence", {{"explanation", hostile}}}};
  json rule = counts(4, 3);
  rule["rule"] = hostile;
  json twin = counts(4, 3);
  twin["twin"] = hostile;
  json day = counts(4, 3);
  day["day"] = "2026-10-01";
  return {{"state", "complete"},
          {"model", {{"name", hostile}, {"candidate", "abc"}, {"ruling", {"def"}}}},
          {"interval", {{"from", nullptr}, {"to", nullptr}}},
          {"warm_up", {{"kind", "all"}, {"longest_memory", "7d"}}},
          {"twins", {{"asked", 2}, {"done", 1}, {"compared", 1}, {"failed", 1}}},
          {"alerts", counts(4, 3)},
          {"lead_s",
           {{"count", 1},
            {"earlier", 1},
            {"median", 60.0},
            {"histogram",
             {{{"from_s", nullptr}, {"to_s", -3600}, {"count", 0}},
              {{"from_s", 60}, {"to_s", nullptr}, {"count", 1}}}}}},
          {"rules", {rule}},
          {"per_twin", {twin}},
          {"days", {day}},
          {"differences_total", 1},
          {"differences",
           {{{"twin", hostile},
             {"rule", hostile},
             {"kind", "moved"},
             {"lead_s", 60},
             {"ruling", alert},
             {"candidate", alert}}}},
          {"failures", {{{"twin", hostile}, {"what", hostile}}}}};
}

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

} // namespace

TEST_CASE("what came from a device or a model is text in the HTML report, never markup") {
  const auto text = backtest_html(report());
  CHECK(times(text, "<script") == 0);
  CHECK(times(text, "alert('x')") == 0);
  CHECK(times(text, "\x01") == 0);
  CHECK(times(text, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;q&quot;") > 8);
  CHECK(times(text, "://") == 0);
  CHECK(times(text, "<svg") == 3);
}

TEST_CASE("every element of the HTML report is closed") {
  const auto text = backtest_html(report());
  for (const char* tag : {"table", "tr", "td", "th", "p", "svg", "details", "pre", "h2", "body"})
    CHECK_MESSAGE(times(text, std::string("<") + tag + ">") +
                          times(text, std::string("<") + tag + " ") ==
                      times(text, std::string("</") + tag + ">"),
                  tag);
}

TEST_CASE("a cancelled run is marked, a whole one is not") {
  auto partial = report();
  CHECK(times(backtest_html(partial), "Cancelled") == 0);
  partial["state"] = "cancelled";
  CHECK(times(backtest_html(partial), "Cancelled: 1 of 2 twins") == 1);
}

TEST_CASE("a report that lacks parts, or is none, is told without them") {
  CHECK(times(backtest_html(json::object()), "Back-test") > 0);
  CHECK(times(backtest_html(json::array({1, 2})), "</html>") == 1);
}
