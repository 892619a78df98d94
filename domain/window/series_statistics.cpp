// SPDX-License-Identifier: Apache-2.0
// Statistics of an interval. The order of every addition is fixed by the content alone: up to 512
// readings, reading i of the interval goes to sum i mod 4, and the four sums are added at the end.
// Four sums because one would wait for each addition to end before the next can start.
#include "domain/window/series.hpp"
#include "domain/window/window_cache.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace pollux::domain {

namespace {

constexpr std::size_t max_anew = 512;
constexpr std::size_t lanes = 4;

/// Two doubles that the compiler adds at once: the same IEEE operations as one after the other,
/// written out because -O2 does not find them by itself (66 instead of 126 ns for 30 readings).
using two = double __attribute__((vector_size(16)));

two load(const double* from) {
  two out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

/// The first pass: four sums, least and greatest values.
struct spread {
  two sum[2] = {};
  two least[2];
  two greatest[2];

  explicit spread(double first) {
    for (two* const all : {least, greatest}) all[0] = all[1] = two{first, first};
  }
  void fours(const double* values, std::size_t groups) {
    spread local = *this; // so that it stays in registers
    for (const double* const end = values + groups * lanes; values != end; values += lanes)
      for (int half = 0; half < 2; ++half) {
        const two v = load(values + 2 * half);
        local.sum[half] += v;
        local.least[half] = v < local.least[half] ? v : local.least[half];
        local.greatest[half] = v > local.greatest[half] ? v : local.greatest[half];
      }
    *this = local;
  }
  void one(double v, std::size_t lane) {
    const auto half = lane / 2, at = lane % 2;
    sum[half][at] += v;
    if (v < least[half][at]) least[half][at] = v;
    if (v > greatest[half][at]) greatest[half][at] = v;
  }
};

/// The second pass: squares of the deviations from the mean, again four sums.
struct deviations {
  two mean;
  two sum[2] = {};

  explicit deviations(double m) : mean{m, m} {}
  void fours(const double* values, std::size_t groups) {
    deviations local = *this;
    for (const double* const end = values + groups * lanes; values != end; values += lanes)
      for (int half = 0; half < 2; ++half) {
        const two d = load(values + 2 * half) - local.mean;
        local.sum[half] += d * d;
      }
    *this = local;
  }
  void one(double v, std::size_t lane) {
    const double d = v - mean[0];
    sum[lane / 2][lane % 2] += d * d;
  }
};

double total(const two (&sum)[2]) { return (sum[0][0] + sum[0][1]) + (sum[1][0] + sum[1][1]); }

double least_of(const two (&v)[2]) { return std::min({v[0][0], v[0][1], v[1][0], v[1][1]}); }
double greatest_of(const two (&v)[2]) { return std::max({v[0][0], v[0][1], v[1][0], v[1][1]}); }

/// The widest power of two of nanoseconds that (from, last] holds: bit number.
unsigned shift_of(std::int64_t from_ns, std::int64_t last_ns) noexcept {
  const auto interval = static_cast<std::uint64_t>(last_ns) - static_cast<std::uint64_t>(from_ns);
  return static_cast<unsigned>(std::bit_width(interval)) - 1;
}

/// So few readings are folded anew each time: it costs less, and no memory.
std::size_t few(const fold_parts& parts) noexcept { return parts.ewma || parts.circular ? 2 : 8; }
constexpr std::size_t max_sorted_anew = 8;

fold fold_anew(const fold_parts& parts, const series& of, std::size_t from, std::size_t to) {
  fold out;
  for (std::size_t i = from; i < to; ++i) {
    const auto reading = of.at(i);
    out.add(parts, reading.event_time_ns, reading.value);
  }
  return out;
}

void sort_few(const series& of, std::size_t from, std::size_t count, double* values) {
  for (std::size_t i = 0; i < count; ++i) {
    const double v = of.at(from + i).value + 0.0; // -0 counts as 0
    std::size_t at = i;
    for (; at > 0 && values[at - 1] > v; --at) values[at] = values[at - 1];
    values[at] = v;
  }
}

} // namespace

/// Statistics of a run of neighbouring readings.
struct slice_summary {
  double mean = 0;
  double m2 = 0;
  double min = 0;
  double max = 0;
};

double window_statistics::sample_stddev() const noexcept {
  return count < 2 ? 0 : std::sqrt(m2 / static_cast<double>(count - 1));
}

double window_statistics::population_stddev() const noexcept {
  return count == 0 ? 0 : std::sqrt(m2 / static_cast<double>(count));
}

/// Hands the values of readings [from, to) to groups(pointer, number of fours), the last 0 to 3
/// to rest(value, lane). Where the ring wraps, the four that straddle the end are copied together.
template <class Groups, class Rest>
void series::runs(std::size_t from, std::size_t to, Groups&& groups, Rest&& rest) const {
  std::size_t left = to - from;
  std::size_t at = place(from);
  const double* const ring = values();
  const std::size_t until_wrap = capacity_ - at;
  if (left > until_wrap) {
    groups(ring + at, until_wrap / lanes);
    const std::size_t before = until_wrap % lanes;
    at += until_wrap - before;
    left -= until_wrap - before;
    if (before == 0) {
      at = 0;
    } else if (left >= lanes) {
      double straddling[lanes];
      for (std::size_t i = 0; i < lanes; ++i)
        straddling[i] = i < before ? ring[at + i] : ring[i - before];
      groups(straddling, 1);
      at = lanes - before;
      left -= lanes;
    } else {
      for (std::size_t i = 0; i < left; ++i) rest(i < before ? ring[at + i] : ring[i - before], i);
      return;
    }
  }
  groups(ring + at, left / lanes);
  at += left / lanes * lanes;
  for (std::size_t i = 0; i < left % lanes; ++i) rest(ring[at + i], i);
}

slice_summary series::summarise(std::size_t from, std::size_t to) const noexcept {
  slice_summary out;
  const auto pass = [&](auto& over_values) {
    runs(
        from, to, [&](const double* v, std::size_t groups) { over_values.fours(v, groups); },
        [&](double v, std::size_t lane) { over_values.one(v, lane); });
  };
  spread first(values()[place(from)]);
  pass(first);
  out.mean = total(first.sum) / static_cast<double>(to - from);
  out.min = least_of(first.least);
  out.max = greatest_of(first.greatest);
  deviations second(out.mean);
  pass(second);
  out.m2 = total(second.sum);
  return out;
}

window_statistics series::over(std::int64_t from_ns, std::int64_t to_ns, bool open_end) const {
  window_statistics out;
  if (from_ns >= to_ns) return out;
  const std::int64_t last_ns = open_end ? to_ns - 1 : to_ns; // from < to, so this cannot overflow
  const std::size_t from = first_after(from_ns);
  const std::size_t to = first_after(last_ns);
  if (from >= to) return out;
  out.count = to - from;
  out.from_ns = time(from);
  out.to_ns = time(to - 1);
  if (out.count > max_anew) {
    const fold_parts moments{.sum = true, .extremes = true, .moments = true};
    const fold all = cache()
                         .scans(moments, shift_of(from_ns, last_ns), 0)
                         .over(*this, from, to, from_ns, last_ns);
    out.mean = all.total() / static_cast<double>(out.count);
    out.m2 = all.m2;
    out.min = all.min;
    out.max = all.max;
    return out;
  }
  const slice_summary all = summarise(from, to);
  out.mean = all.mean;
  out.m2 = all.m2;
  out.min = all.min;
  out.max = all.max;
  return out;
}

fold series::folded(const fold_parts& parts, std::int64_t from_ns, std::int64_t to_ns) const {
  if (from_ns >= to_ns) return {};
  const std::size_t from = first_after(from_ns), to = first_after(to_ns);
  if (to <= from) return {};
  if (to - from <= few(parts)) return fold_anew(parts, *this, from, to);
  return cache().scans(parts, shift_of(from_ns, to_ns), 0).over(*this, from, to, from_ns, to_ns);
}

fold series::folded(const fold_parts& parts) const {
  if (size_ <= few(parts)) return fold_anew(parts, *this, 0, size_);
  return cache().scans(parts, 0, max_entries_).all(*this, truncated_);
}

std::optional<double> series::quantile(unsigned permille, std::int64_t span_ns,
                                       std::int64_t from_ns, std::int64_t to_ns) const {
  const std::size_t n = count(from_ns, to_ns);
  if (n == 0) return std::nullopt;
  if (n > max_sorted_anew)
    return cache().sorted(span_ns).look(*this, from_ns, to_ns).quantile(permille);
  double values[max_sorted_anew];
  sort_few(*this, first_after(from_ns), n, values);
  return values[rank_of(n, permille) - 1];
}

std::optional<double> series::distinct(std::int64_t span_ns, std::int64_t from_ns,
                                       std::int64_t to_ns) const {
  const std::size_t n = count(from_ns, to_ns);
  if (n == 0) return std::nullopt;
  if (n > max_sorted_anew)
    return static_cast<double>(cache().sorted(span_ns).look(*this, from_ns, to_ns).distinct());
  double values[max_sorted_anew];
  sort_few(*this, first_after(from_ns), n, values);
  return static_cast<double>(std::unique(values, values + n) - values);
}

} // namespace pollux::domain
