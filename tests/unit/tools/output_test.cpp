// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/output.hpp"
#include <cmath>
#include <cstdlib>
#include <doctest/doctest.h>
#include <limits>
#include <random>
#include <string>

using namespace pollux::cli;

TEST_CASE(
    "a number is shown in the fewest digits that give it back, without an exponent if usual") {
  CHECK(plain(json(20.600000000000001)) == "20.6");
  CHECK(plain(json(0.1 + 0.2)) == "0.30000000000000004");
  CHECK(plain(json(-40.0)) == "-40");
  CHECK(plain(json(100000.0)) == "100000");
  CHECK(plain(json(0.00001)) == "0.00001");
  CHECK(plain(json(0.0)) == "0");
  CHECK(plain(json(1e300)) == "1e+300");
  CHECK(plain(json(5e-324)) == "5e-324");
  CHECK(plain(json(std::numeric_limits<double>::quiet_NaN())) == "nan");
}

TEST_CASE("property: a shown number reads back as the same number, in at most 17 digits") {
  std::mt19937_64 random{1};
  std::uniform_real_distribution<double> exponent{-300, 300};
  for (int i = 0; i < 20'000; ++i) {
    const double value =
        std::ldexp(static_cast<double>(random()), static_cast<int>(exponent(random)));
    CAPTURE(value);
    const auto text = plain(json(value));
    CHECK(std::strtod(text.c_str(), nullptr) == value);
    const double hundredths = static_cast<double>(random() % 1'000'000) / 100.0;
    CHECK(plain(json(hundredths)).size() <= 7);
  }
}

TEST_CASE("whole numbers, texts and nothing are shown as they are") {
  CHECK(plain(json(18446744073709551615ull)) == "18446744073709551615");
  CHECK(plain(json("a\tb")) == "a\\x09b");
  CHECK(plain(json(nullptr)) == "-");
  CHECK(plain(json(true)) == "true");
}
