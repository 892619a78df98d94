// SPDX-License-Identifier: Apache-2.0
#include "persistence/backup_rows.hpp"
#include "persistence/store_rows.hpp"
#include <algorithm>
#include <leveldb/write_batch.h>
#include <limits>
#include <thread>

namespace pollux::persistence {

namespace {
constexpr std::size_t batch_bytes = 1u << 20;
}

void pace::rest() {
  using namespace std::chrono;
  const auto now = steady_clock::now();
  if (share_ > 0 && share_ < 1) {
    const auto rest = duration<double>(now - since_) * ((1 - share_) / share_);
    std::this_thread::sleep_for(std::min(rest, duration<double>(0.1)));
  }
  since_ = steady_clock::now();
}

moment::moment(database& of) : use_(of.acquire()) {
  if (use_) at_ = use_->GetSnapshot();
}

moment::~moment() {
  if (at_ != nullptr) use_->ReleaseSnapshot(at_);
}

std::uint64_t moment::bytes() const {
  if (!use_) return 0;
  const std::string last(1, '\xff');
  const leveldb::Range all({}, last);
  std::uint64_t size = 0;
  use_->GetApproximateSizes(&all, 1, &size);
  return size;
}

status moment::copy(const std::string& folder, const std::string& name, journal_env* env,
                    const std::function<bool(std::uint64_t)>& more, backup_report& into) {
  if (at_ == nullptr) return failure{errc::unavailable, name + ": closed after a failure"};
  journal_env own;
  auto target = database::open({.folder = folder,
                                .write_buffer_bytes = 8u << 20,
                                .cache_bytes = 1u << 20,
                                .compressed = name != "log",
                                .bloom_bits = name == "log" ? 0 : 10},
                               env != nullptr ? *env : own);
  if (!target) return target.error();
  auto put = (*target)->acquire();
  leveldb::ReadOptions how;
  how.snapshot = at_;
  how.fill_cache = false;
  how.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> rows(use_->NewIterator(how));
  leveldb::WriteBatch batch;
  const auto flush = [&]() -> status {
    const auto size = batch.ApproximateSize();
    if (auto s = to_status(put->Write({}, &batch), "writing " + folder); !s) return s;
    batch.Clear();
    into.bytes += size;
    if (use_.wanted_back())
      return failure{errc::unavailable, name + " has to be reopened; make the backup again"};
    return more(size) ? status{} : status{failure{errc::unavailable, "given up"}};
  };
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    batch.Put(rows->key(), rows->value());
    ++into.rows[name + "/" + (rows->key().empty() ? '?' : rows->key()[0])];
    if (batch.ApproximateSize() >= batch_bytes)
      if (auto s = flush(); !s) return s;
  }
  if (!rows->status().ok())
    into.damage.push_back(name + ": " + to_status(rows->status(), "reading").error().what);
  if (auto s = flush(); !s) return s;
  // what is still in LevelDB's log file is synced when the database is closed
  if (env == nullptr) return own.sync_logs();
  return env->sync_logs();
}

} // namespace pollux::persistence
