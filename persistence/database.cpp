// SPDX-License-Identifier: Apache-2.0
#include "persistence/database.hpp"
#include "persistence/durable_folder.hpp"
#include <filesystem>
#include <system_error>

namespace pollux::persistence {

database::database(database_options options, journal_env& env)
    : options_(std::move(options)), env_(env), cache_(leveldb::NewLRUCache(options_.cache_bytes)),
      filter_(options_.bloom_bits > 0 ? leveldb::NewBloomFilterPolicy(options_.bloom_bits)
                                      : nullptr) {}

database::~database() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return users_ == 0 && !reopening_; });
}

result<std::unique_ptr<database>> database::open(const database_options& options,
                                                 journal_env& env) {
  if (auto s = make_folder(options.folder); !s) return s.error();
  std::unique_ptr<database> made(new database(options, env));
  if (auto s = made->start(); !s) return s.error();
  return made;
}

namespace {

/// LevelDB takes a folder without CURRENT for a new one, and deletes the tables it finds there.
bool has_lost_current(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder + "/CURRENT", error)) return false;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error))
    if (at->path().extension() == ".ldb") return true;
  return false;
}

} // namespace

status database::start() {
  if (has_lost_current(options_.folder))
    return failure{errc::corrupt,
                   options_.folder + " has tables but no file CURRENT: pollux journal repair"};
  leveldb::Options o;
  o.create_if_missing = true;
  o.env = &env_;
  o.write_buffer_size = options_.write_buffer_bytes;
  o.block_cache = cache_.get();
  o.filter_policy = filter_.get();
  o.max_open_files = 500;
  if (!options_.compressed) {
    o.compression = leveldb::kNoCompression;
    o.block_size = 64 << 10;
  }
  leveldb::DB* raw = nullptr;
  auto s = to_status(leveldb::DB::Open(o, options_.folder, &raw), "opening " + options_.folder);
  db_.reset(raw);
  return s;
}

database::use database::acquire() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !reopening_; });
  if (db_ == nullptr) return use(nullptr);
  ++users_;
  return use(this);
}

void database::release() {
  const std::lock_guard lock(mutex_);
  if (--users_ == 0) changed_.notify_all();
}

status database::reopen(std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(mutex_);
    wanted_ = true;
    // newcomers are let in while we wait: a reader may need a second `use` to get done
    const bool free = changed_.wait_for(lock, patience, [&] { return users_ == 0 && !reopening_; });
    wanted_ = false;
    if (!free)
      return failure{errc::unavailable,
                     options_.folder + " cannot be reopened while it is being read"};
    reopening_ = true;
  }
  db_.reset();
  env_.forget_failure();
  auto s = start();
  const std::lock_guard lock(mutex_);
  reopening_ = false;
  changed_.notify_all();
  return s;
}

std::unique_ptr<leveldb::Iterator> database::use::iterate(bool fill_cache) const {
  leveldb::ReadOptions o;
  o.fill_cache = fill_cache;
  return std::unique_ptr<leveldb::Iterator>(owner_->db_->NewIterator(o));
}

std::array<std::unique_ptr<leveldb::Iterator>, 2> database::use::iterate_twice() const {
  leveldb::ReadOptions o;
  o.fill_cache = false;
  o.snapshot = owner_->db_->GetSnapshot();
  std::array<std::unique_ptr<leveldb::Iterator>, 2> out{
      std::unique_ptr<leveldb::Iterator>(owner_->db_->NewIterator(o)),
      std::unique_ptr<leveldb::Iterator>(owner_->db_->NewIterator(o))};
  owner_->db_->ReleaseSnapshot(o.snapshot); // iterators keep what they see
  return out;
}

} // namespace pollux::persistence
