// SPDX-License-Identifier: Apache-2.0
// The functions that + - * / and sqrt do not give. Our own, because a C library's differ between
// machines and releases in the last bits, and a twin's bytes must not.
#pragma once

namespace pollux::math {

inline constexpr double pi = 3.14159265358979323846;

/// e^x and 2^x, to 2 units in the last place; 0 and +inf beyond the range of double, nan for nan.
[[nodiscard]] double exp(double x) noexcept;
[[nodiscard]] double exp2(double x) noexcept;

/// Natural and binary logarithm, to 4 units in the last place (near 1: of the result); -inf for 0,
/// nan below 0.
[[nodiscard]] double log(double x) noexcept;
[[nodiscard]] double log2(double x) noexcept;

/// Sine and cosine of radians, to 1e-15 absolute for |x| <= 1e6; nan for what is not finite.
[[nodiscard]] double sin(double radians) noexcept;
[[nodiscard]] double cos(double radians) noexcept;

struct sine_and_cosine {
  double sine;
  double cosine;
};
/// Of degrees, to 1e-15 absolute for |x| <= 1e12: whole turns fall out exactly, and so do
/// multiples of 90. Nan for what is not finite.
[[nodiscard]] sine_and_cosine of_degrees(double degrees) noexcept;

/// The angle of (x, y) in radians, in [-pi, pi], to 4 units in the last place; 0 for (0, 0).
[[nodiscard]] double atan2(double y, double x) noexcept;

} // namespace pollux::math
