// SPDX-License-Identifier: Apache-2.0
#include "config/size.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux::config;

TEST_CASE("sizes are read with binary and decimal units") {
  CHECK(*parse_size("64MiB") == 64u << 20);
  CHECK(*parse_size("64 MiB") == 64u << 20);
  CHECK(*parse_size("1GB") == 1'000'000'000);
  CHECK(*parse_size("5kB") == 5'000);
  CHECK(*parse_size("0") == 0);
  CHECK(*parse_size("4096B") == 4096);
}

TEST_CASE("what is no size is refused, also when it would not fit 64 bits") {
  for (const auto* text : {"", "MiB", "-1", "1.5MiB", "64Mib", "64mib", "1 2", "64  MiB", " 1",
                           "16777216TiB", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).ok());
  }
}

TEST_CASE("property: formatting undoes parsing") {
  std::mt19937_64 random{3};
  for (int i = 0; i < 2000; ++i) {
    const auto bytes = (random() >> (random() % 64)) << (random() % 3 * 10);
    CAPTURE(bytes);
    CHECK(*parse_size(format_size(bytes)) == bytes);
  }
  CHECK(format_size(64u << 20) == "64MiB");
  CHECK(format_size(1500) == "1500");
}
