// SPDX-License-Identifier: Apache-2.0
#include "domain/window/sorted_values.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t longest_run = 512;
constexpr std::size_t most_spare = 2;

} // namespace

std::uint64_t rank_of(std::uint64_t count, unsigned permille) noexcept {
  const std::uint64_t rank = count / 1000 * permille + (count % 1000 * permille + 999) / 1000;
  return std::max<std::uint64_t>(1, rank);
}

void sorted_values::assign(std::vector<double>& values) {
  for (double& v : values) v += 0.0;
  std::sort(values.begin(), values.end());
  while (!runs_.empty()) drop_run(runs_.size() - 1);
  size_ = values.size();
  distinct_ = 0;
  for (std::size_t i = 0; i < size_; ++i) distinct_ += i == 0 || values[i] != values[i - 1] ? 1 : 0;
  // Half full, so that the next values find room.
  for (std::size_t i = 0; i < size_; i += longest_run / 2)
    runs_.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(i),
                       values.begin() +
                           static_cast<std::ptrdiff_t>(std::min(size_, i + longest_run / 2)));
}

/// The first run that ends at or above the value; runs_.size() when all lie below.
std::size_t sorted_values::run_of(double value) const noexcept {
  return static_cast<std::size_t>(
      std::partition_point(runs_.begin(), runs_.end(),
                           [&](const run& r) { return r.back() < value; }) -
      runs_.begin());
}

void sorted_values::add(double value) {
  value += 0.0; // -0 counts as 0
  ++size_;
  const std::size_t index = run_of(value);
  if (index == runs_.size()) {
    ++distinct_;
    if (runs_.empty()) runs_.emplace_back();
    runs_.back().push_back(value);
    if (runs_.back().size() > longest_run) split(runs_.size() - 1);
    return;
  }
  run& in = runs_[index];
  const auto place = std::lower_bound(in.begin(), in.end(), value);
  distinct_ += *place == value ? 0 : 1;
  in.insert(place, value);
  if (in.size() > longest_run) split(index);
}

bool sorted_values::remove(double value) {
  value += 0.0;
  const std::size_t index = run_of(value);
  if (index == runs_.size()) return false;
  run& in = runs_[index];
  const auto place = std::lower_bound(in.begin(), in.end(), value);
  if (*place != value) return false;
  const double* const next = place + 1 != in.end()      ? &*(place + 1)
                             : index + 1 < runs_.size() ? runs_[index + 1].data()
                                                        : nullptr;
  distinct_ -= next != nullptr && *next == value ? 0 : 1;
  in.erase(place);
  --size_;
  if (in.empty()) {
    drop_run(index);
  } else if (index + 1 < runs_.size() && in.size() + runs_[index + 1].size() <= longest_run / 2) {
    in.insert(in.end(), runs_[index + 1].begin(), runs_[index + 1].end());
    drop_run(index + 1);
  }
  return true;
}

void sorted_values::split(std::size_t index) {
  run upper;
  if (!spare_.empty()) {
    upper = std::move(spare_.back());
    spare_.pop_back();
  }
  run& lower = runs_[index];
  const auto half = lower.begin() + static_cast<std::ptrdiff_t>(lower.size() / 2);
  upper.assign(half, lower.end());
  lower.erase(half, lower.end());
  runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(index + 1), std::move(upper));
}

void sorted_values::drop_run(std::size_t index) {
  auto gone = runs_.begin() + static_cast<std::ptrdiff_t>(index);
  gone->clear();
  if (spare_.size() < most_spare) spare_.push_back(std::move(*gone));
  runs_.erase(gone);
}

double sorted_values::quantile(unsigned permille) const noexcept {
  auto left = static_cast<std::size_t>(rank_of(size_, permille)) - 1;
  for (const run& r : runs_) {
    if (left < r.size()) return r[left];
    left -= r.size();
  }
  return 0;
}

std::size_t sorted_values::heap_bytes() const noexcept {
  std::size_t bytes = (runs_.capacity() + spare_.capacity()) * sizeof(run);
  for (const run& r : runs_) bytes += r.capacity() * sizeof(double);
  for (const run& r : spare_) bytes += r.capacity() * sizeof(double);
  return bytes;
}

} // namespace pollux::domain
