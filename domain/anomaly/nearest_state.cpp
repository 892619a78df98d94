// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/nearest_state.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {

namespace {

constexpr double farthest = 1e300; // beyond it distances are alike: squares would overflow
constexpr double largest_score = 1e6;

// The smallest few squares, ascending.
class smallest_few {
public:
  void keep(std::size_t most) noexcept { most_ = most; }
  void offer(double v) noexcept {
    if (count_ == most_ && !(v < few_[count_ - 1])) return;
    std::size_t at = count_ < most_ ? count_++ : count_ - 1;
    for (; at > 0 && v < few_[at - 1]; --at) few_[at] = few_[at - 1];
    few_[at] = v;
  }
  /// What is not below it would not be kept.
  [[nodiscard]] double bar() const noexcept {
    return count_ < most_ ? std::numeric_limits<double>::infinity() : few_[count_ - 1];
  }
  [[nodiscard]] double mean_root() const noexcept {
    if (count_ < most_) return -1;
    double sum = 0;
    for (std::size_t i = 0; i < count_; ++i) sum += std::min(std::sqrt(few_[i]), farthest);
    return std::min(sum / static_cast<double>(count_), farthest);
  }

private:
  std::array<double, most_neighbours> few_;
  std::size_t count_ = 0, most_ = 1;
};

using smallest_by_length = std::array<smallest_few, most_lengths>;

// Compares the newest stretch with those that end at `other` and the `lanes` - 1 readings after it,
// for the first `lengths` lengths. Sums only grow, so when all lanes are beyond what any length
// still to come would keep, the rest need not be added: most are left after a few readings.
template <std::size_t lanes>
void compare(const nearest_rule& rule, std::size_t lengths, const double* newest,
             const double* other, smallest_by_length& few) noexcept {
  constexpr std::ptrdiff_t step = 4; // readings between two looks
  std::array<double, lanes> squares{};
  std::ptrdiff_t i = 0;
  for (std::size_t l = 0; l < lengths; ++l) {
    double bar = 0;
    for (std::size_t later = l; later < lengths; ++later) bar = std::max(bar, few[later].bar());
    for (const std::ptrdiff_t m = rule.lengths[l]; i < m;) {
      for (const auto end = std::min(i + step, m); i < end; ++i)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          const double e = newest[-i] - other[static_cast<std::ptrdiff_t>(lane) - i];
          squares[lane] += e * e;
        }
      bool beyond = true;
      for (const double square : squares) beyond = beyond && square >= bar;
      if (beyond) return;
    }
    for (const double square : squares) few[l].offer(square);
  }
}

} // namespace

std::array<double, most_lengths> nearest_distances(const nearest_rule& rule, const double* values,
                                                   std::size_t count) noexcept {
  constexpr std::size_t lanes = 8;
  smallest_by_length few;
  for (auto& f : few) f.keep(rule.neighbours);
  const double* newest = values + count - 1;
  const std::size_t shortest = rule.lengths[0], longest = rule.longest();
  // Stretches by the place of their last reading. One of length m fits from m - 1 on, and does not
  // overlap the tested one before count - m.
  const auto fits = [&](std::size_t m, std::size_t j) { return j + 1 >= m && j + m < count; };
  for (std::size_t j = shortest - 1; fits(shortest, j);) {
    if (fits(longest, j) && fits(longest, j + lanes - 1)) {
      compare<lanes>(rule, rule.length_count, newest, values + j, few);
      j += lanes;
      continue;
    }
    std::size_t lengths = 0;
    while (lengths < rule.length_count && fits(rule.lengths[lengths], j)) ++lengths;
    compare<1>(rule, lengths, newest, values + j, few);
    ++j;
  }
  std::array<double, most_lengths> out;
  out.fill(-1);
  for (std::size_t l = 0; l < rule.length_count; ++l) out[l] = few[l].mean_root();
  return out;
}

nearest_state::nearest_state(const nearest_rule& rule)
    : distances_(rule.length_count, ranked_history(rule.history)) {}

nearest_finding nearest_state::add(const nearest_rule& rule, double value) {
  nearest_finding finding;
  finding.known = size();
  remember(rule, value);
  score_.reset();
  distance_.reset();
  const auto found = nearest_distances(rule, values_.data() + first_, size());
  double sum = 0;
  bool ready = true;
  for (std::size_t l = 0; l < rule.length_count; ++l) {
    auto& past = distances_[l];
    if (found[l] < 0) {
      ready = false;
      continue;
    }
    // Where all the past is equally far (a flat line), rounding must not count as news.
    const double least = 1e-9 * std::fabs(value) + 1e-18;
    finding.distance = found[l];
    finding.median = past.quantile(0.5);
    finding.usual = past.quantile(rule.quantile);
    ready = ready && past.size() >= rule.min_samples;
    sum += std::min((found[l] - finding.median) / std::max(finding.usual - finding.median, least),
                    largest_score);
    past.add(found[l]);
  }
  if (found[rule.length_count - 1] >= 0) distance_ = found[rule.length_count - 1];
  if (ready) score_ = std::max(0.0, sum / static_cast<double>(rule.length_count));
  return finding;
}

void nearest_state::remember(const nearest_rule& rule, double value) {
  const std::size_t slack = rule.history / 4 + 1;
  if (size() == rule.history) ++first_;
  if (first_ == slack) {
    values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  if (values_.size() == values_.capacity()) // to the bound and not beyond
    values_.reserve(std::min<std::size_t>(2 * values_.size() + 64, rule.history + slack));
  values_.push_back(value);
}

std::size_t nearest_state::heap_bytes() const noexcept {
  std::size_t bytes = values_.capacity() * sizeof(double);
  for (const auto& d : distances_) bytes += sizeof(d) + d.heap_bytes();
  return bytes;
}

namespace {

void save_number(const std::optional<double>& v, byte_writer& out) {
  out.boolean(v.has_value());
  out.f64(v.value_or(0));
}

std::optional<double> load_number(byte_reader& in) {
  const bool there = in.boolean();
  const double v = in.f64();
  return there ? std::optional<double>(v) : std::nullopt;
}

} // namespace

void nearest_state::save(byte_writer& out) const {
  out.u32(static_cast<std::uint32_t>(size()));
  for (std::size_t i = first_; i < values_.size(); ++i) out.f64(values_[i]);
  for (const auto& d : distances_) d.save(out);
  save_number(score_, out);
  save_number(distance_, out);
  alert.save(out);
}

bool nearest_state::load(const nearest_rule& rule, byte_reader& in) {
  const std::size_t count = in.u32();
  if (count > rule.history || count > in.remaining() / sizeof(double)) return false;
  first_ = 0;
  values_.resize(count);
  for (auto& v : values_) {
    v = in.f64();
    if (!std::isfinite(v)) return false;
  }
  for (auto& d : distances_)
    if (!d.load(in)) return false;
  score_ = load_number(in);
  distance_ = load_number(in);
  alert.load(in);
  return in.ok();
}

} // namespace pollux::domain
