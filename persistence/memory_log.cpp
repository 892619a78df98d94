// SPDX-License-Identifier: Apache-2.0
// The log's contract without a disk, for tests of everything above it.
#include "persistence/log_ledger.hpp"
#include <chrono>
#include <map>

namespace pollux::persistence {

namespace {

std::int64_t now_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class memory_log final : public log {
public:
  explicit memory_log(std::uint32_t shards) : rows_(shards), trims_(shards) {}

  std::uint32_t shards() const override { return static_cast<std::uint32_t>(rows_.size()); }

  result<messages::ticket> append(std::uint32_t shard, segment_ptr content) override {
    if (shard >= rows_.size() || content == nullptr)
      return failure{errc::invalid_argument, "no such shard, or no segment"};
    return ledger_.stage(shard, std::move(content));
  }

  status commit() override {
    ledger_.take_staged(writing_);
    if (writing_.empty()) return {};
    const auto upto = writing_.back().ticket;
    {
      const std::lock_guard lock(mutex_);
      for (auto& s : writing_) {
        const domain::position at{next_++};
        written_.push_back({s.shard, at, s.content});
        state_.tail_bytes += s.content->bytes().size();
        state_.tail_readings += s.content->readings();
        state_.bytes_written += s.content->bytes().size();
        ++state_.segments;
        rows_[s.shard].emplace(at, std::move(s.content));
      }
      end_ = {next_};
    }
    ledger_.committed(upto, written_, now_ns());
    writing_.clear();
    return {};
  }

  status sync() override {
    const std::lock_guard lock(mutex_);
    ledger_.end_sync(ledger_.begin_sync(), true);
    ++state_.syncs;
    return {};
  }

  messages::ticket durable_upto(messages::durability at) const override {
    return ledger_.durable_upto(at, now_ns());
  }
  std::vector<positioned_segment> poll() override { return ledger_.poll(); }

  status scan(std::uint32_t shard, domain::position from,
              const std::function<bool(const positioned_segment&)>& visit) const override {
    if (shard >= rows_.size()) return failure{errc::invalid_argument, "no such shard"};
    std::vector<positioned_segment> found;
    {
      const std::lock_guard lock(mutex_);
      for (auto i = rows_[shard].lower_bound(from); i != rows_[shard].end(); ++i)
        found.push_back({shard, i->first, i->second});
    }
    for (const auto& s : found)
      if (!visit(s)) break;
    return {};
  }

  status trim(std::uint32_t shard, domain::position below) override {
    if (shard >= rows_.size()) return failure{errc::invalid_argument, "no such shard"};
    const std::lock_guard lock(mutex_);
    auto& rows = rows_[shard];
    for (auto i = rows.begin(); i != rows.end() && i->first < below; i = rows.erase(i)) {
      state_.tail_bytes -= i->second->bytes().size();
      state_.tail_readings -= i->second->readings();
    }
    trims_[shard] = std::max(trims_[shard], below);
    return {};
  }

  domain::position trimmed_below(std::uint32_t shard) const override {
    const std::lock_guard lock(mutex_);
    return shard < trims_.size() ? trims_[shard] : domain::position{};
  }

  domain::position end(std::uint32_t) const override {
    const std::lock_guard lock(mutex_);
    return end_;
  }

  log_status state() const override {
    const std::lock_guard lock(mutex_);
    auto s = state_;
    s.last_sync_age_ns = ledger_.sync_age_ns(now_ns());
    return s;
  }

  status heal() override { return {}; }

  status compact() override { return {}; }
  status check(std::uint32_t, const std::function<void(const std::string&)>&) const override {
    return {};
  }

private:
  log_ledger ledger_;
  std::vector<staged_segment> writing_;
  std::vector<positioned_segment> written_;
  mutable std::mutex mutex_;
  std::vector<std::map<domain::position, segment_ptr>> rows_;
  std::vector<domain::position> trims_;
  std::uint64_t next_ = (std::uint64_t{1} << 40) + 1;
  domain::position end_{next_};
  log_status state_;
};

} // namespace

std::unique_ptr<log> make_memory_log(std::uint32_t shards) {
  return std::make_unique<memory_log>(shards);
}

} // namespace pollux::persistence
