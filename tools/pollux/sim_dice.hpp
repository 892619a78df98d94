// SPDX-License-Identifier: Apache-2.0
// The simulator's chance: a small generator whose numbers are the same on every machine, release
// and compiler (the distributions of <random> are not), one stream for each simulated thing.
#pragma once
#include <cstdint>

namespace pollux::tools {

class sim_dice {
public:
  /// Streams with different (seed, stream) are unrelated.
  sim_dice(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed) ^ mix(stream + 1)) {}

  std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15ULL); }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * (1.0 / 9007199254740992.0); }
  /// Uniform in [low, high).
  double between(double low, double high) { return low + (high - low) * unit(); }
  /// Mean 0, standard deviation 1, never beyond 2.45 (two uniforms added): a healthy thing gives no
  /// rule of three standard deviations a cause.
  double noise() { return (unit() + unit() - 1.0) * 2.449489742783178; }

private:
  // the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom generators, 2014)
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
  }
  std::uint64_t state_;
};

} // namespace pollux::tools
