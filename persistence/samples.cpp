// SPDX-License-Identifier: Apache-2.0
#include "persistence/samples.hpp"
#include "persistence/tail_view.hpp"
#include <algorithm>
#include <tuple>

namespace pollux::persistence {

namespace {

class sample_collector {
public:
  sample_collector(std::string_view telemetry, std::int64_t from_ns, std::int64_t to_ns,
                   std::size_t max_bytes)
      : telemetry_(telemetry), from_ns_(from_ns), upto_ns_(to_ns), max_bytes_(max_bytes) {}

  void take(const domain::input& in) {
    if (in.kind != domain::input_kind::readings) return;
    for (const auto& r : in.readings) {
      if (r.event_time_ns < from_ns_ || r.event_time_ns > upto_ns_) continue;
      for (std::size_t i = r.first; i < r.first + r.count; ++i) {
        const auto& f = in.fields[i];
        if (f.name != telemetry_ || (f.value.kind != domain::value_kind::samples_f32 &&
                                     f.value.kind != domain::value_kind::samples_i16))
          continue;
        found_.push_back(
            {{r.event_time_ns, in.ingest_time_ns, f.value.kind, std::string(f.value.bytes)},
             in.id,
             i});
        bytes_ += f.value.bytes.size();
      }
    }
    if (bytes_ > 4 * max_bytes_) cut();
  }
  [[nodiscard]] std::int64_t upto_ns() const noexcept { return upto_ns_; }
  [[nodiscard]] sample_page finish() {
    cut();
    sample_page out{{}, upto_ns_};
    out.values.reserve(found_.size());
    for (auto& f : found_) out.values.push_back(std::move(f.value));
    return out;
  }

private:
  struct found_value {
    sample_value value;
    domain::input_id from;
    std::size_t field = 0;
  };

  /// Sorts, drops repetitions, and keeps the oldest instants; what is newer is not taken any more.
  void cut() {
    std::sort(found_.begin(), found_.end(), [](const found_value& a, const found_value& b) {
      return std::tie(a.value.event_time_ns, a.from, a.field) <
             std::tie(b.value.event_time_ns, b.from, b.field);
    });
    std::vector<found_value> kept;
    bytes_ = 0;
    for (auto& f : found_) {
      const bool same_instant =
          !kept.empty() && kept.back().value.event_time_ns == f.value.event_time_ns;
      if (!same_instant && bytes_ > max_bytes_) {
        upto_ns_ = kept.back().value.event_time_ns;
        break;
      }
      if (same_instant && repeats(kept, f)) continue;
      bytes_ += f.value.bytes.size();
      kept.push_back(std::move(f));
    }
    found_ = std::move(kept);
  }

  [[nodiscard]] static bool repeats(const std::vector<found_value>& kept, const found_value& f) {
    for (auto k = kept.rbegin(); k != kept.rend(); ++k) {
      if (k->value.event_time_ns != f.value.event_time_ns) break;
      if (k->value.kind == f.value.kind && k->value.bytes == f.value.bytes) return true;
    }
    return false;
  }

  std::string telemetry_;
  std::int64_t from_ns_, upto_ns_;
  std::size_t max_bytes_, bytes_ = 0;
  std::vector<found_value> found_;
};

/// One try. Errors: not_found when a block was moved meanwhile.
result<sample_page> read_samples(const tail_view& unsealed, const store& blocks,
                                 const verify_target& twin, sample_collector values,
                                 std::int64_t from_ns) {
  std::vector<block_info> wanted;
  domain::input_id sealed_upto;
  auto s = blocks.each_block_info(twin.shard, twin.row, false, [&](const block_info& b) {
    sealed_upto = b.last;
    if (b.least_event_time_ns <= values.upto_ns() && b.greatest_event_time_ns >= from_ns)
      wanted.push_back(b);
    return true;
  });
  if (!s) return s.error();
  std::sort(wanted.begin(), wanted.end(), [](const block_info& a, const block_info& b) {
    return a.least_event_time_ns < b.least_event_time_ns;
  });
  unsealed.each(twin.id, [&](const domain::input& in) {
    if (in.id > sealed_upto) values.take(in);
  });
  for (const auto& b : wanted) {
    if (b.least_event_time_ns > values.upto_ns()) break;
    const auto bytes = blocks.block(twin.shard, twin.row, b.first);
    if (!bytes) return bytes.error();
    auto read = decode_any_block(*bytes, [&](const domain::input& in) { values.take(in); });
    if (!read) return read.error();
  }
  return values.finish();
}

} // namespace

result<sample_page> samples_between(const log& tail, const store& blocks, const verify_target& twin,
                                    std::string_view telemetry, std::int64_t from_ns,
                                    std::int64_t to_ns, std::size_t max_bytes) {
  if (from_ns > to_ns) return sample_page{{}, to_ns};
  tail_view unsealed{twin.id};
  if (auto s = unsealed.refresh(tail, twin.shard); !s) return s.error();
  for (int tries = 0;; ++tries) {
    auto page =
        read_samples(unsealed, blocks, twin, {telemetry, from_ns, to_ns, max_bytes}, from_ns);
    if (!page && page.error().code == errc::not_found && tries < 3) continue;
    if (!page) return page.error().within("history of " + twin.id);
    return page;
  }
}

} // namespace pollux::persistence
