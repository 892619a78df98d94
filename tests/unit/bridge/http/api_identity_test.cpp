// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/route_table.hpp"
#include <doctest/doctest.h>

using namespace pollux::bridge::http;

namespace {
const identity mixed{"ada",
                     {{role::viewer, "*"}, {role::engineer, "plant1"}, {role::admin, "lab-*"}}};

unsigned asked(const route_entry& entry, const identity& who, const char* twin) {
  request r;
  r.who = who;
  r.parameters = {{"id", twin}};
  const auto refused = refusal(entry, r);
  return refused ? refused->status : 200;
}
} // namespace

TEST_CASE("a role holds in the namespaces it was granted for, and includes the lower ones") {
  CHECK(mixed.may(role::viewer, "other:x"));
  CHECK_FALSE(mixed.may(role::operator_, "other:x"));
  CHECK(mixed.may(role::operator_, "plant1:x"));
  CHECK_FALSE(mixed.may(role::admin, "plant1:x"));
  CHECK_FALSE(mixed.may(role::engineer, "plant12:x"));
  CHECK(mixed.may(role::admin, "lab-3:x"));
  CHECK(mixed.may_everywhere(role::viewer));
  CHECK_FALSE(mixed.may_everywhere(role::operator_));
  CHECK(mixed.may_somewhere(role::admin));
  CHECK(mixed.highest() == role::admin);
  CHECK_FALSE(identity{}.may(role::viewer, "a:b"));
  CHECK(identity::loopback().may(role::admin, "a:b"));
}

TEST_CASE("roles have names that are read back") {
  for (const auto r : {role::nobody, role::viewer, role::operator_, role::engineer, role::admin})
    CHECK(parse_role(to_string(r)) == r);
  CHECK(parse_role("root") == role::nobody);
}

TEST_CASE("who is unknown gets 401, who may not gets 403") {
  const route_entry open{"GET", "/x", role::nobody, reach::open, {}};
  const route_entry twin{"GET", "/twins/{id}", role::engineer, reach::twin, {}};
  const route_entry node{"POST", "/models", role::engineer, reach::everywhere, {}};
  const route_entry list{"GET", "/twins", role::engineer, reach::somewhere, {}};
  CHECK(asked(open, {}, "a:b") == 200);
  CHECK(asked(twin, {}, "a:b") == 401);
  CHECK(asked(twin, mixed, "plant1:b") == 200);
  CHECK(asked(twin, mixed, "other:b") == 403);
  CHECK(asked(node, mixed, "plant1:b") == 403);
  CHECK(asked(list, mixed, "") == 200);
  CHECK(asked(node, identity::loopback(), "") == 200);
}
