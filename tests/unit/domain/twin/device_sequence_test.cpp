// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/device_sequence.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <random>
#include <set>

using pollux::domain::device_clock;

namespace {

struct numbers {
  std::uint64_t top = 0, seen = 0, missing = 0;
  std::uint8_t expected = 0;
  bool seen_before(std::uint64_t n, device_clock clock) {
    return pollux::domain::seen_before({top, seen, expected, missing}, n, clock);
  }
};

} // namespace

TEST_CASE("property: shuffled and repeated within 64, each number is new exactly once") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    numbers device;
    std::uint64_t next = 100;
    std::set<std::uint64_t> known;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t back = random() % 60;
      const std::uint64_t n = random() % 2 == 0 || next - back < 100 ? next++ : next - back;
      // a number is handed on in order first here, or comes again from at most 60 before
      CHECK(device.seen_before(n, device_clock::not_newer) == !known.insert(n).second);
    }
  }
}

TEST_CASE("a gap leaves room for those that come out of order") {
  numbers device;
  CHECK_FALSE(device.seen_before(10, device_clock::none));
  CHECK_FALSE(device.seen_before(73, device_clock::none));
  CHECK_FALSE(device.seen_before(11, device_clock::none));
  CHECK(device.seen_before(11, device_clock::none));
  CHECK(device.seen_before(10, device_clock::none));
}

TEST_CASE(
    "a device that begins to count anew is believed when its clock, or the distance, says so") {
  numbers device;
  for (std::uint64_t n = 1; n <= 500; ++n) CHECK_FALSE(device.seen_before(n, device_clock::none));
  SUBCASE("far back without a clock: anew, and what follows is checked from there") {
    CHECK_FALSE(device.seen_before(1, device_clock::none));
    CHECK(device.top == 1);
    CHECK(device.seen_before(1, device_clock::none));
    CHECK_FALSE(device.seen_before(2, device_clock::none));
  }
  SUBCASE("near, but the device's clock went on") {
    CHECK(device.seen_before(490, device_clock::not_newer));
    CHECK_FALSE(device.seen_before(490, device_clock::newer));
    CHECK(device.top == 490);
  }
  SUBCASE("far back and old by its clock: left to (time, value), the count goes on") {
    CHECK_FALSE(device.seen_before(1, device_clock::not_newer));
    CHECK(device.top == 500);
  }
}

TEST_CASE("property: missing are the numbers that never came, but for the newest 64") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    numbers device;
    const std::uint64_t first = 1 + random() % 1000;
    std::set<std::uint64_t> came{first};
    CHECK_FALSE(device.seen_before(first, device_clock::not_newer));
    std::uint64_t top = first;
    for (int i = 0; i < 500; ++i) {
      auto n = top + 1 + (random() % 9 == 0 ? random() % 200 : 0);
      if (random() % 3 == 0) n = top - std::min<std::uint64_t>(top - 1, random() % 63);
      came.insert(n);
      (void)device.seen_before(n, device_clock::not_newer);
      top = std::max(top, n);
      std::uint64_t never = 0;
      for (auto old = first; old + 64 <= top; ++old) never += came.count(old) == 0 ? 1 : 0;
      REQUIRE(device.missing == never);
    }
  }
}

TEST_CASE("what is missing is settled when the device begins to count anew, and a leap is no gap") {
  numbers device;
  for (const std::uint64_t n : {5, 6, 9}) CHECK_FALSE(device.seen_before(n, device_clock::newer));
  CHECK(device.missing == 0); // 7 and 8 may still come
  CHECK_FALSE(device.seen_before(5, device_clock::newer));
  CHECK(device.missing == 2);
  CHECK_FALSE(device.seen_before(std::uint64_t{1} << 40, device_clock::newer));
  CHECK(device.missing == 2);
  CHECK_FALSE(device.seen_before((std::uint64_t{1} << 40) + 1065, device_clock::newer));
  CHECK(device.missing == 2 + 1001); // the 63 before it may still come
}
