// SPDX-License-Identifier: Apache-2.0
// The store: a ring of (time, value), always sorted by event time.
#include "domain/window/series.hpp"
#include "domain/window/window_cache.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {

namespace {

constexpr std::size_t entry_bytes = sizeof(std::int64_t) + sizeof(double);
constexpr std::size_t min_shrinkable = 64; ///< entries; below it a smaller block gains nothing

/// A quarter more, in steps of 8 entries: windows stay near one size, so room to spare is waste.
std::size_t grown(std::size_t capacity) {
  const std::size_t more = (capacity / 4 + 7) / 8 * 8;
  return capacity + std::max<std::size_t>(more, 8);
}

} // namespace

series::series(std::int64_t span_ns, std::size_t max_entries)
    : span_ns_(std::max<std::int64_t>(span_ns, 1)),
      max_entries_(static_cast<std::uint32_t>(
          std::clamp<std::size_t>(max_entries, 1, std::numeric_limits<std::uint32_t>::max() / 2))) {
}

series::series(series&& other) noexcept
    : block_(std::move(other.block_)), cache_(std::move(other.cache_)), span_ns_(other.span_ns_),
      truncated_(std::exchange(other.truncated_, 0)), capacity_(std::exchange(other.capacity_, 0)),
      head_(std::exchange(other.head_, 0)), size_(std::exchange(other.size_, 0)),
      max_entries_(other.max_entries_) {}

series& series::operator=(series&& other) noexcept {
  if (this == &other) return *this;
  block_ = std::move(other.block_);
  cache_ = std::move(other.cache_);
  span_ns_ = other.span_ns_;
  truncated_ = std::exchange(other.truncated_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  head_ = std::exchange(other.head_, 0);
  size_ = std::exchange(other.size_, 0);
  max_entries_ = other.max_entries_;
  return *this;
}

series::~series() = default;

std::size_t series::size() const noexcept { return size_; }

std::int64_t series::newest_ns() const noexcept { return size_ == 0 ? no_time : time(size_ - 1); }

std::uint64_t series::truncated() const noexcept { return truncated_; }

std::size_t series::memory_bytes() const noexcept {
  return capacity_ * entry_bytes + (cache_ ? cache_->memory_bytes() : 0);
}

series::placed series::insert(std::int64_t event_time_ns, double value,
                              std::int64_t keep_after_ns) {
  if (!std::isfinite(value)) return placed::duplicate;
  if (size_ != 0 && event_time_ns <= time(size_ - 1))
    return insert_late(event_time_ns, value, keep_after_ns);
  drop_through(std::min(saturating_add(event_time_ns, -span_ns_), keep_after_ns));
  if (size_ == max_entries_) {
    drop_oldest();
    ++truncated_;
  }
  if (size_ == capacity_)
    resize(grown(capacity_));
  else if (capacity_ > min_shrinkable && size_ < capacity_ / 4)
    resize(size_ + 8 - size_ % 8); // after a gap or a burst; far from where it would grow again
  ++size_;
  const std::size_t at = place(size_ - 1);
  times()[at] = event_time_ns;
  values()[at] = value;
  if (cache_) cache_->came(event_time_ns);
  return placed::newest;
}

series::placed series::insert_late(std::int64_t event_time_ns, double value,
                                   std::int64_t keep_after_ns) {
  const auto oldest = std::min(saturating_add(time(size_ - 1), -span_ns_), keep_after_ns);
  if (event_time_ns <= oldest) return placed::too_old;
  const std::size_t after = first_after(event_time_ns);
  if (after > 0 && time(after - 1) == event_time_ns) {
    double& held = values()[place(after - 1)];
    if (held == value) return placed::duplicate;
    const double before = std::exchange(held, value);
    if (cache_) cache_->corrected(*this, event_time_ns, before, value);
    return placed::correction;
  }
  std::size_t index = after;
  if (size_ == max_entries_) {
    ++truncated_;
    if (index == 0) return placed::too_old; // it would be the oldest, which goes
    drop_oldest();
    --index;
  }
  if (size_ == capacity_) resize(grown(capacity_));
  ++size_;
  for (std::size_t i = size_ - 1; i > index; --i) {
    const std::size_t to = place(i), from = place(i - 1);
    times()[to] = times()[from];
    values()[to] = values()[from];
  }
  times()[place(index)] = event_time_ns;
  values()[place(index)] = value;
  if (cache_) cache_->late(*this, event_time_ns, value);
  return placed::late;
}

void series::drop_through(std::int64_t time_ns) noexcept {
  while (size_ != 0 && time(0) <= time_ns) {
    if (cache_) cache_->goes(time(0), values()[head_], time(size_ > 1 ? 1 : 0), truncated_);
    head_ = static_cast<std::uint32_t>(place(1));
    --size_;
  }
}

void series::drop_oldest() noexcept { drop_through(time(0)); }

window_cache& series::cache() const {
  if (!cache_) cache_ = std::make_unique<window_cache>();
  return *cache_;
}

/// Index of the first reading later than `time_ns`; size_ when there is none.
std::size_t series::first_after(std::int64_t time_ns) const noexcept {
  // The ends first: windows nearly always begin at the oldest and end at the newest reading.
  if (size_ == 0 || time(0) > time_ns) return 0;
  if (time(size_ - 1) <= time_ns) return size_;
  if (size_ > 1 && time(size_ - 2) <= time_ns) return size_ - 1;
  std::size_t low = 0, high = size_ - 1; // time(low) <= time_ns < time(high)
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (time(middle) <= time_ns ? low : high) = middle;
  }
  return high;
}

std::optional<series::dated> series::last_at(std::int64_t time_ns) const noexcept {
  const std::size_t after = first_after(time_ns);
  if (after == 0) return std::nullopt;
  const std::size_t at = place(after - 1);
  return dated{times()[at], values()[at]};
}

std::size_t series::count(std::int64_t from_ns, std::int64_t to_ns) const noexcept {
  return from_ns >= to_ns ? 0 : first_after(to_ns) - first_after(from_ns);
}

/// Moves the readings to the start of a block of another size, at least size_.
void series::resize(std::size_t capacity) {
  auto block = std::make_unique_for_overwrite<std::byte[]>(capacity * entry_bytes);
  auto* const new_times = reinterpret_cast<std::int64_t*>(block.get());
  auto* const new_values = reinterpret_cast<double*>(block.get() + capacity * sizeof(std::int64_t));
  for (std::size_t i = 0; i < size_; ++i) {
    new_times[i] = times()[place(i)];
    new_values[i] = values()[place(i)];
  }
  block_ = std::move(block);
  capacity_ = static_cast<std::uint32_t>(capacity);
  head_ = 0;
}

void series::clear() noexcept {
  block_.reset();
  cache_.reset();
  truncated_ = 0;
  capacity_ = head_ = size_ = 0;
}

void series::save(byte_writer& out) const {
  out.u64(truncated_);
  out.u32(size_);
  for (std::size_t i = 0; i < size_; ++i) out.i64(times()[place(i)]);
  for (std::size_t i = 0; i < size_; ++i) out.f64(values()[place(i)]);
}

bool series::load(byte_reader& in, bool beyond_span) {
  clear();
  truncated_ = in.u64();
  const std::size_t count = in.u32();
  // Checked before anything is allocated: a damaged count must not cost gigabytes.
  bool good = in.ok() && count <= max_entries_ && count * entry_bytes <= in.remaining();
  if (good && count != 0) {
    resize((count + 7) / 8 * 8);
    size_ = static_cast<std::uint32_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
      times()[i] = in.i64();
      good = good && (i == 0 || times()[i] > times()[i - 1]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      values()[i] = in.f64();
      good = good && std::isfinite(values()[i]);
    }
    good = good && (beyond_span || times()[0] > saturating_add(times()[count - 1], -span_ns_));
  }
  if (good) return true;
  clear();
  in.fail();
  return false;
}

bool load_pairs(byte_reader& in, series& into, std::size_t most) {
  const std::size_t count = in.u32();
  bool good = in.ok() && count <= most && count * 16 <= in.remaining();
  for (std::size_t i = 0; good && i < count; ++i) {
    const auto time = in.i64();
    const auto value = in.f64();
    good = std::isfinite(value) && (i == 0 || time > into.newest_ns());
    if (good) (void)into.insert(time, value);
  }
  if (!good) in.fail();
  return good;
}

} // namespace pollux::domain
