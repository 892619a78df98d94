// SPDX-License-Identifier: Apache-2.0
#include "domain/base/calendar.hpp"
#include "messages/model_codec.hpp"
#include "messages/time_zones.hpp"
#include <doctest/doctest.h>
#include <filesystem>

using namespace pollux;
using namespace pollux::messages;

namespace {

bool has_database() {
  if (posix_time_zone("Europe/Berlin")) return true;
  MESSAGE("this machine has no time-zone database: not looked at");
  return false;
}

std::string model_with(const std::string& zone) {
  return R"({"name": "m", "telemetry": {"zone": {}}, "operators": [
    {"name": "a", "type": "threshold", "value": "zone", "above": 1,
     "active": {"from": "08:00", "to": "18:00", "zone": ")" +
         zone + R"("}}]})";
}

} // namespace

TEST_CASE("a name stands for the rule of the machine's database") {
  if (!has_database()) return;
  CHECK(*posix_time_zone("Europe/Berlin") == "CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(*posix_time_zone("America/New_York") == "EST5EDT,M3.2.0,M11.1.0");
  CHECK(*posix_time_zone("Asia/Kolkata") == "IST-5:30");
}

TEST_CASE("every zone of the machine's database has a rule that we can read") {
  if (!has_database()) return;
  const std::filesystem::path root(zone_folders[0]);
  int zones = 0;
  for (const char* region : {"Africa", "America", "Asia", "Australia", "Europe", "Pacific"}) {
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator it(root / region, error), end; it != end;
         it.increment(error)) {
      if (!it->is_regular_file()) continue;
      const auto name = std::filesystem::relative(it->path(), root).string();
      CAPTURE(name);
      CHECK(posix_time_zone(name).ok());
      ++zones;
    }
  }
  CHECK(zones > 300);
}

TEST_CASE("no name leads out of the database's folder") {
  for (const char* name : {"", "/etc/passwd", "../../../etc/passwd", "Europe/../../passwd",
                           "Europe/", "Europe", "Mars/Olympus", "a b"}) {
    CAPTURE(name);
    const auto found = posix_time_zone(name);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == errc::not_found);
  }
  CHECK_FALSE(posix_time_zone(std::string(100'000, 'a')).ok());
}

TEST_CASE("what is stored of a model holds rules, not names, and means the same version") {
  const auto rules = model_with("CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(self_contained(rules) == rules);
  CHECK(self_contained("not JSON") == "not JSON");
  if (!has_database()) return;
  const auto named = model_with("Europe/Berlin");
  const auto stored = self_contained(named);
  CHECK(stored.find("Europe/Berlin") == std::string::npos);
  CHECK(stored.find("CET-1CEST,M3.5.0,M10.5.0/3") != std::string::npos);
  const auto a = parse_model(named, "a.json"), b = parse_model(stored, "stored"),
             c = parse_model(rules, "c.json");
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  REQUIRE(c.ok());
  CHECK((*a)->hash == (*b)->hash);
  CHECK((*a)->hash == (*c)->hash);
}

TEST_CASE("an unknown zone is refused at its place") {
  const auto refused = parse_model(model_with("Europe/Berlim"), "m.json");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().what.starts_with("m.json:3:"));
  CHECK(refused.error().what.find("time zone \"Europe/Berlim\"") != std::string::npos);
}
