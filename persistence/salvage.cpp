// SPDX-License-Identifier: Apache-2.0
// A database of which LevelDB cannot read all: a file was cut short, is gone, or a bit flipped in
// it. Reads would pass over it, but LevelDB refuses all writes once a compaction has met it.
#include "persistence/backup_rows.hpp"
#include "persistence/folder_lock.hpp"
#include "persistence/repair.hpp"
#include <filesystem>

namespace pollux::persistence {

namespace {

namespace fs = std::filesystem;

result<std::unique_ptr<database>> open(const std::string& folder, const std::string& name,
                                       journal_env& env) {
  return database::open({.folder = folder,
                         .cache_bytes = 1u << 20,
                         .compressed = name != "log",
                         .bloom_bits = name == "log" ? 0 : 10},
                        env);
}

failure io(const std::string& doing, const std::error_code& why) {
  return {errc::io, doing + ": " + why.message()};
}

/// The old folder steps aside.
status exchange(const std::string& folder, const std::string& fresh) {
  std::error_code error;
  auto aside = folder + ".damaged";
  for (int n = 2; fs::exists(aside, error); ++n) aside = folder + ".damaged-" + std::to_string(n);
  fs::rename(folder, aside, error);
  if (error) return io("naming " + aside, error);
  fs::rename(fresh, folder, error);
  return error ? status{io("naming " + folder, error)} : status{};
}

/// Reads everything once, with LevelDB's own checksums.
status read_through(database& of) {
  const auto use = of.acquire();
  leveldb::ReadOptions how;
  how.verify_checksums = true;
  how.fill_cache = false;
  const std::unique_ptr<leveldb::Iterator> rows(use->NewIterator(how));
  for (rows->SeekToFirst(); rows->Valid();) rows->Next();
  return to_status(rows->status(), "reading");
}

/// The list of files is damaged, or names one that is not there: made anew, on a copy.
status rebuild(const std::string& folder, const std::string& fresh, journal_env& env) {
  std::error_code error;
  fs::copy(folder, fresh, fs::copy_options::recursive, error);
  if (error) return io("copying " + folder, error);
  leveldb::Options how;
  how.env = &env;
  return to_status(leveldb::RepairDB(fresh, how), "repairing " + fresh);
}

/// Without these rows nothing could say what the others mean.
status check_identity(const std::string& fresh, const std::string& name, journal_env& env) {
  auto made = open(fresh, name, env);
  if (!made) return made.error();
  const auto use = (*made)->acquire();
  std::string value;
  const bool known = name == "store" ? use->Get({}, own_meta_key("format"), &value).ok()
                                     : use->Get({}, log_keys::meta_key("epoch"), &value).ok() &&
                                           use->Get({}, log_keys::meta_key("shards"), &value).ok();
  if (known) return {};
  return failure{errc::corrupt, name + ": what is left does not say what it is, so nothing of it "
                                       "can be read; make the folder anew with pollux restore"};
}

} // namespace

result<std::vector<repair_note>> salvage(const std::string& folder, const std::string& name,
                                         bool dry_run) {
  auto lock = folder_lock::take(folder);
  if (!lock) return lock.error();
  const auto fresh = folder + ".salvaged";
  std::error_code error;
  fs::remove_all(fresh, error);
  journal_env env;
  auto opened = open(folder, name, env);
  if (!opened && opened.error().code != errc::corrupt) return opened.error();
  const auto sound = opened ? read_through(**opened) : status{opened.error()};
  if (sound) return std::vector<repair_note>{};
  std::vector<repair_note> out{
      {"", name + ": " + sound.error().what,
       "what can be read is in a new database; the old one is " + name + ".damaged", true}};
  if (dry_run) return out;
  status done;
  if (opened) {
    backup_report copied;
    done = moment(**opened).copy(
        fresh, name, nullptr, [](std::uint64_t) { return true; }, copied);
    opened->reset();
  } else {
    done = rebuild(folder, fresh, env);
  }
  if (done) done = check_identity(fresh, name, env);
  if (done) done = exchange(folder, fresh);
  if (done) return out;
  fs::remove_all(fresh, error);
  return done.error();
}

} // namespace pollux::persistence
