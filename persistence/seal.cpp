// SPDX-License-Identifier: Apache-2.0
// The sealing pass: the oldest segments of a shard, grouped by twin, become blocks (decision 12).
#include "persistence/block_builder.hpp"
#include "persistence/block_format.hpp"
#include <algorithm>
#include <span>

namespace pollux::persistence {

namespace {

/// Where an input lies, sortable by twin and then by journal order.
struct place {
  std::uint32_t row = 0, segment = 0, entry = 0;
  auto operator<=>(const place&) const = default;
};

class sealing_pass {
public:
  sealing_pass(store& into, std::uint32_t shard)
      : into_(into), shard_(shard), batch_(into.batch()) {}

  [[nodiscard]] status collect(const log& from, domain::position below, std::uint64_t max_readings,
                               const row_lookup& rows);
  [[nodiscard]] status make_blocks();
  [[nodiscard]] result<seal_report> write();

private:
  [[nodiscard]] status take(const positioned_segment& s, const row_lookup& rows);
  [[nodiscard]] status seal_row(std::span<const place> places);
  [[nodiscard]] std::size_t pick_small_blocks(std::span<const place> places, std::uint32_t row);
  [[nodiscard]] status add_small_blocks(std::uint32_t row);
  void finish_block(std::uint32_t row);
  [[nodiscard]] domain::input_id id_of(const place& p) const {
    return {segments_[p.segment].at, p.entry};
  }

  store& into_;
  std::uint32_t shard_;
  std::unique_ptr<store_batch> batch_;
  std::vector<positioned_segment> segments_;
  std::vector<place> places_;
  seal_report report_;
  // reused from twin to twin
  block_builder builder_;
  domain::input input_;
  std::vector<std::string> small_; ///< blocks to be rewritten, newest first
  chain_value before_{};
};

status sealing_pass::collect(const log& from, domain::position below, std::uint64_t max_readings,
                             const row_lookup& rows) {
  report_.sealed_below = from.trimmed_below(shard_);
  status failed;
  bool stopped = false;
  auto scanned = from.scan(shard_, report_.sealed_below, [&](const positioned_segment& s) {
    if (!(s.at < below) || report_.readings >= max_readings) {
      stopped = true;
      return false;
    }
    failed = take(s, rows);
    report_.last_sealed = s.at;
    report_.sealed_below.value = s.at.value + 1;
    return failed.ok();
  });
  if (!failed) return failed;
  if (!scanned) {
    // What is damaged cannot be sealed; the log sets it aside when it is trimmed.
    if (scanned.error().code != errc::corrupt) return scanned;
    report_.damage = scanned.error().what;
  }
  if (!stopped) report_.sealed_below = std::max(report_.sealed_below, below);
  return {};
}

status sealing_pass::take(const positioned_segment& s, const row_lookup& rows) {
  const auto& twins = s.content->twins();
  const auto& entries = s.content->entries();
  const auto here = static_cast<std::uint32_t>(segments_.size());
  std::uint32_t last_twin = messages::no_row, row = messages::no_row;
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    const auto twin = entries[i].twin;
    if (twin == messages::shard_wide_twin) {
      places_.push_back({shard_wide_row, here, i});
      continue;
    }
    if (twin != last_twin) {
      row = rows(shard_, twins[twin]);
      last_twin = twin;
    }
    if (row == messages::no_row)
      return failure{errc::internal, "sealing: twin " + std::string(twins[twin]) +
                                         " is not in the directory of shard " +
                                         std::to_string(shard_)};
    places_.push_back({row, here, i});
  }
  segments_.push_back(s);
  ++report_.segments;
  report_.inputs += entries.size();
  report_.readings += s.content->readings();
  return {};
}

status sealing_pass::make_blocks() {
  std::sort(places_.begin(), places_.end());
  for (std::size_t i = 0; i < places_.size();) {
    std::size_t end = i;
    while (end < places_.size() && places_[end].row == places_[i].row) ++end;
    if (auto s = seal_row({places_.data() + i, end - i}); !s) return s;
    i = end;
  }
  return {};
}

/// Seals one twin's inputs. The newest blocks are rewritten together with them as long as they hold
/// no more than what they are joined with: so a twin has few small blocks, and an input is
/// rewritten at most log2(512) times, however little comes with each pass. Warm and cold blocks are
/// not touched.
status sealing_pass::seal_row(std::span<const place> places) {
  const auto row = places.front().row;
  const auto fresh = pick_small_blocks(places, row);
  if (fresh == 0) return {};
  builder_.begin(before_);
  if (auto s = add_small_blocks(row); !s) return s;
  for (const auto& p : places.last(fresh)) {
    const auto& s = segments_[p.segment];
    s.content->decode(p.entry, s.at, input_);
    builder_.add(input_);
    if (builder_.full()) finish_block(row);
  }
  if (!builder_.empty()) finish_block(row);
  return {};
}

/// Gives how many of `places` (the last ones) are not sealed yet, and sets what they continue.
std::size_t sealing_pass::pick_small_blocks(std::span<const place> places, std::uint32_t row) {
  std::size_t fresh = places.size(), together = 0;
  bool newest = true;
  before_ = {};
  small_.clear();
  // a damaged row of the index is passed over: it must not stop the sealing of a whole shard
  static_cast<void>(into_.each_block_info(shard_, row, true, [&](const block_info& b) {
    if (newest) {
      while (fresh > 0 && id_of(places[places.size() - fresh]) <= b.last) --fresh;
      together = fresh;
      newest = false;
    }
    before_ = b.chain;
    if (fresh == 0 || b.kept != tier::hot || b.inputs >= hot_blocks.max_inputs ||
        b.inputs > together)
      return false;
    auto bytes = into_.block(shard_, row, b.first);
    if (!bytes || !checksum_holds(*bytes)) return false; // left alone, and chained to
    const auto header = read_block_header(*bytes);
    if (!header) return false;
    before_ = header->chain_before;
    together += b.inputs;
    small_.push_back(std::move(*bytes));
    return true;
  }));
  return fresh;
}

status sealing_pass::add_small_blocks(std::uint32_t row) {
  for (auto bytes = small_.rbegin(); bytes != small_.rend(); ++bytes) {
    batch_->erase_block(shard_, row, read_block_header(*bytes)->first);
    auto s = decode_block(*bytes, [&](const domain::input& in) {
      builder_.add(in);
      if (builder_.full()) finish_block(row);
    });
    if (!s) return s.error().within("sealing row " + std::to_string(row));
  }
  return {};
}

void sealing_pass::finish_block(std::uint32_t row) {
  const auto first = builder_.first();
  const auto bytes = builder_.finish();
  batch_->put_block(shard_, row, first, bytes);
  ++report_.blocks;
  report_.bytes += bytes.size();
}

result<seal_report> sealing_pass::write() {
  if (report_.blocks > 0)
    if (auto s = into_.write(*batch_, true); !s) return s.error();
  return report_;
}

} // namespace

result<seal_report> seal(log& from, store& into, std::uint32_t shard, domain::position below,
                         std::uint64_t max_readings, const row_lookup& rows,
                         const std::function<void()>& before_write) {
  sealing_pass pass(into, shard);
  if (auto s = pass.collect(from, below, max_readings, rows); !s) return s.error();
  if (auto s = pass.make_blocks(); !s) return s.error();
  if (before_write) before_write();
  return pass.write();
}

} // namespace pollux::persistence
