// SPDX-License-Identifier: Apache-2.0
// Each function brings its argument near zero by steps that are exact or nearly so, and sums a
// Taylor series there until the next term is below half a unit in the last place.
#include "domain/base/math.hpp"
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace pollux::math {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// ln 2 in two parts: the first has 21 zero bits at its end, so that k times it is exact.
constexpr double ln2_high = 6.93147180369123816490e-01;
constexpr double ln2_low = 1.90821492927058770002e-10;
constexpr double ln2 = 0.69314718055994530942;

bool finite(double x) { return x - x == 0; }

/// 2^k for -1022 <= k <= 1023.
double power_of_two(int k) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

double scaled(double x, int k) {
  if (k > 1023) return x * power_of_two(1023) * power_of_two(k - 1023);
  if (k < -1022) return x * power_of_two(k + 60) * power_of_two(-60); // into the subnormals, once
  return x * power_of_two(k);
}

/// e^r for |r| <= 0.35. Even and odd terms apart, so that one need not wait for the other.
double exp_near_zero(double r) {
  constexpr double terms[][2] = {{1.0 / 479001600, 1.0 / 6227020800}, // 1/12!, 1/13!
                                 {1.0 / 3628800, 1.0 / 39916800},
                                 {1.0 / 40320, 1.0 / 362880},
                                 {1.0 / 720, 1.0 / 5040},
                                 {1.0 / 24, 1.0 / 120},
                                 {0.5, 1.0 / 6}};
  const double s = r * r;
  double even = 0, odd = 0;
  for (const auto& [in_even, in_odd] : terms) {
    even = even * s + in_even;
    odd = odd * s + in_odd;
  }
  return 1 + (r + s * (even + r * odd));
}

/// log(m) for m in [sqrt(1/2), sqrt(2)]: 2 atanh((m - 1) / (m + 1)).
double log_near_one(double m) {
  const double f = (m - 1) / (m + 1);
  const double s = f * f;
  double sum = 0;
  for (int k = 11; k >= 1; --k) sum = (sum + 1.0 / (2 * k + 1)) * s;
  return 2 * f + 2 * f * sum;
}

struct split {
  double mantissa; ///< in [sqrt(1/2), sqrt(2))
  int exponent;
};

split split_of(double x) {
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) { // subnormal
    x *= power_of_two(60);
    exponent = -60;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffU) | std::uint64_t{1023} << 52);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++exponent;
  }
  return {m, exponent};
}

// Taylor series, from the last term. Multiplied, not divided: that takes a fifth of the time.
constexpr double sine_terms[] = {
    1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800,
    1.0 / 362880,          -1.0 / 5040,          1.0 / 120,        -1.0 / 6};
constexpr double cosine_terms[] = {
    -1.0 / 6402373705728000, 1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600,
    -1.0 / 3628800,          1.0 / 40320,          -1.0 / 720,         1.0 / 24};

/// For |y| <= pi/4 and a little more.
double sine_near_zero(double y) {
  const double s = y * y;
  double sum = 0;
  for (const double term : sine_terms) sum = sum * s + term;
  return y + y * s * sum;
}

double cosine_near_zero(double y) {
  const double s = y * y;
  double sum = 0;
  for (const double term : cosine_terms) sum = sum * s + term;
  return 1 - (s / 2 - s * s * sum);
}

sine_and_cosine turned(double y, std::int64_t quarters) {
  const double s = sine_near_zero(y), c = cosine_near_zero(y);
  switch (quarters & 3) {
  case 0: return {s, c};
  case 1: return {c, -s};
  case 2: return {-s, -c};
  default: return {-c, s};
  }
}

sine_and_cosine of_radians(double x) {
  if (!finite(x)) return {nan, nan};
  // pi/2 in three parts; the first two have 33 bits, so their multiples below 2^20 are exact.
  constexpr double first = 1.57079632673412561417e+00;
  constexpr double second = 6.07710050630396597660e-11;
  constexpr double third = 2.02226624879595063154e-21;
  const double k = std::floor(x * (2 / pi) + 0.5);
  const double y = ((x - k * first) - k * second) - k * third;
  return turned(y, static_cast<std::int64_t>(k - 4 * std::floor(k / 4)));
}

constexpr double odd_inverses[] = {1.0 / 43, 1.0 / 41, 1.0 / 39, 1.0 / 37, 1.0 / 35, 1.0 / 33,
                                   1.0 / 31, 1.0 / 29, 1.0 / 27, 1.0 / 25, 1.0 / 23, 1.0 / 21,
                                   1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9,
                                   1.0 / 7,  1.0 / 5,  1.0 / 3};

/// For z in [0, 1].
double arctangent(double z) {
  double base = 0;
  if (z > 0.41421356237309504880) {
    z = (z - 1) / (z + 1);
    base = pi / 4;
  }
  const double s = z * z;
  double sum = 0;
  for (const double term : odd_inverses) sum = (sum + term) * -s;
  return base + (z + z * sum);
}

} // namespace

double exp(double x) noexcept {
  if (!(x > -746)) return x != x ? x : 0;
  if (x > 710) return infinity;
  const double k = std::floor(x / ln2 + 0.5);
  const double r = (x - k * ln2_high) - k * ln2_low;
  return scaled(exp_near_zero(r), static_cast<int>(k));
}

double exp2(double x) noexcept {
  if (!(x > -1076)) return x != x ? x : 0;
  if (x >= 1024) return infinity;
  const double k = std::floor(x + 0.5);
  return scaled(exp_near_zero((x - k) * ln2), static_cast<int>(k));
}

double log(double x) noexcept {
  if (x != x || x < 0) return nan;
  if (x == 0) return -infinity;
  if (x == infinity) return infinity;
  const auto [m, e] = split_of(x);
  return e * ln2_high + (log_near_one(m) + e * ln2_low);
}

double log2(double x) noexcept {
  if (x != x || x < 0) return nan;
  if (x == 0) return -infinity;
  if (x == infinity) return infinity;
  const auto [m, e] = split_of(x);
  return e + log_near_one(m) / ln2;
}

double sin(double radians) noexcept { return of_radians(radians).sine; }
double cos(double radians) noexcept { return of_radians(radians).cosine; }

sine_and_cosine of_degrees(double degrees) noexcept {
  if (!finite(degrees)) return {nan, nan};
  const double turn = degrees - 360 * std::floor(degrees / 360);
  const double quarters = std::floor(turn / 90 + 0.5);
  return turned((turn - 90 * quarters) * (pi / 180), static_cast<std::int64_t>(quarters));
}

double atan2(double y, double x) noexcept {
  if (x != x || y != y) return nan;
  const double ax = std::fabs(x), ay = std::fabs(y);
  double angle = 0;
  if (ax == ay)
    angle = ax == 0 ? 0 : pi / 4;
  else
    angle = ax > ay ? arctangent(ay / ax) : pi / 2 - arctangent(ax / ay);
  if (x < 0) angle = pi - angle;
  return y < 0 ? -angle : angle;
}

} // namespace pollux::math
