// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/device_sequence.hpp"
#include <doctest/doctest.h>
#include <random>
#include <set>

using pollux::domain::device_clock;
using pollux::domain::seen_before;

TEST_CASE("property: shuffled and repeated within 64, each number is new exactly once") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::uint64_t top = 0, seen = 0, next = 100;
    std::set<std::uint64_t> known;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t back = random() % 60;
      const std::uint64_t n = random() % 2 == 0 || next - back < 100 ? next++ : next - back;
      // a number is handed on in order first here, or comes again from at most 60 before
      CHECK(seen_before({top, seen}, n, device_clock::not_newer) == !known.insert(n).second);
    }
  }
}

TEST_CASE("a gap leaves room for those that come out of order") {
  std::uint64_t top = 0, seen = 0;
  CHECK_FALSE(seen_before({top, seen}, 10, device_clock::none));
  CHECK_FALSE(seen_before({top, seen}, 73, device_clock::none));
  CHECK_FALSE(seen_before({top, seen}, 11, device_clock::none));
  CHECK(seen_before({top, seen}, 11, device_clock::none));
  CHECK(seen_before({top, seen}, 10, device_clock::none));
}

TEST_CASE(
    "a device that begins to count anew is believed when its clock, or the distance, says so") {
  std::uint64_t top = 0, seen = 0;
  for (std::uint64_t n = 1; n <= 500; ++n)
    CHECK_FALSE(seen_before({top, seen}, n, device_clock::none));
  SUBCASE("far back without a clock: anew, and what follows is checked from there") {
    CHECK_FALSE(seen_before({top, seen}, 1, device_clock::none));
    CHECK(top == 1);
    CHECK(seen_before({top, seen}, 1, device_clock::none));
    CHECK_FALSE(seen_before({top, seen}, 2, device_clock::none));
  }
  SUBCASE("near, but the device's clock went on") {
    CHECK(seen_before({top, seen}, 490, device_clock::not_newer));
    CHECK_FALSE(seen_before({top, seen}, 490, device_clock::newer));
    CHECK(top == 490);
  }
  SUBCASE("far back and old by its clock: left to (time, value), the count goes on") {
    CHECK_FALSE(seen_before({top, seen}, 1, device_clock::not_newer));
    CHECK(top == 500);
  }
}
