// SPDX-License-Identifier: Apache-2.0
// The benchmarks of domain_bench, and the clock they share.
#pragma once
#include <ctime>

namespace pollux::bench {

/// CPU time of this thread in seconds: what other processes do does not count.
inline double cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// A pattern's share of a reading on a warm twin.
void pattern();

/// Windows of every kind with a rule over them, and what they take in memory.
void windows();

/// Thresholds and rules with limits of their own making.
void rules();

/// Event time: in order, and storms of late readings.
void event_time();

} // namespace pollux::bench
