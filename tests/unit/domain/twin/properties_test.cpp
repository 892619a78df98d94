// SPDX-License-Identifier: Apache-2.0
// What people say of a twin: kept whole, counted, and refused when another change was quicker.
#include "domain/twin/twin_state.hpp"
#include "twin_fixture.hpp"

namespace pollux::domain::testing {

namespace {

constexpr const char* plain =
    R"({"name":"plain","kind":"device","telemetry":{"x":{"type":"number"}}})";

const effects& say(hand& device, std::string_view text, std::uint64_t generation) {
  auto& in = device.begin(input_kind::properties_changed);
  in.detail = text;
  in.generation = generation;
  return device.apply();
}

} // namespace

TEST_CASE("properties are kept as they are said, and each change is counted") {
  library models;
  models.add("m", plain);
  hand device(models, "m");
  CHECK(describe(models, device.state, 0).properties_revision == 0);
  CHECK(say(device, R"({"floor":3})", 1).empty());
  CHECK(say(device, R"({"floor":4})", 0).empty());
  const auto now = describe(models, device.state, 0);
  CHECK(now.properties == R"({"floor":4})");
  CHECK(now.properties_revision == 2);
  auto again = load(models, "test:twin", saved(device.state));
  REQUIRE(again.ok());
  CHECK(saved(*again) == saved(device.state));
  CHECK(describe(models, *again, 0).properties == R"({"floor":4})");
}

TEST_CASE("a change made for other properties than the twin has is a fault and changes nothing") {
  library models;
  models.add("m", plain);
  hand device(models, "m");
  say(device, R"({"floor":3})", 1);
  const auto& late = say(device, R"({"floor":9})", 1);
  REQUIRE(late.size() == 1);
  CHECK(late[0].kind == effect_kind::fault);
  CHECK(describe(models, device.state, 0).properties == R"({"floor":3})");
  const std::string large(max_properties_bytes + 1, ' ');
  CHECK(say(device, large, 0).size() == 1);
  CHECK(describe(models, device.state, 0).properties_revision == 1);
}

TEST_CASE("a deleted twin forgets its properties and takes no more") {
  library models;
  models.add("m", plain);
  hand device(models, "m");
  say(device, R"({"floor":3})", 1);
  device.begin(input_kind::twin_deleted);
  device.apply();
  CHECK(describe(models, device.state, 0).properties.empty());
  CHECK(say(device, R"({"floor":3})", 0).size() == 1);
}

} // namespace pollux::domain::testing
