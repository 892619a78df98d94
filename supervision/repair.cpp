// SPDX-License-Identifier: Apache-2.0
#include "supervision/repair.hpp"
#include "persistence/backup.hpp"
#include "persistence/file_copy.hpp"
#include "supervision/offline_storage.hpp"
#include <algorithm>
#include <filesystem>

namespace pollux::supervision {

namespace {

namespace fs = std::filesystem;
using notes = std::vector<persistence::repair_note>;

/// A backup's files under another name, where LevelDB may open them. Tables and cold files never
/// change and are linked where that is possible; the others are copied.
class opened_backup {
public:
  explicit opened_backup(const std::string& data) : folder_(data + "/.repair-backup") {}
  opened_backup(const opened_backup&) = delete;
  opened_backup& operator=(const opened_backup&) = delete;
  ~opened_backup() {
    storage_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  [[nodiscard]] status open(const std::string& from) {
    const auto found = persistence::newest_backup(from);
    if (!found) return found.error();
    const auto files = persistence::read_sums(*found);
    if (!files) return files.error();
    std::error_code error;
    fs::remove_all(folder_, error);
    for (const auto& f : *files) {
      const auto to = folder_ + "/" + f.name;
      fs::create_directories(fs::path(to).parent_path(), error);
      const bool fixed = f.name.ends_with(".ldb") || f.name.starts_with("history/");
      error = std::make_error_code(std::errc::not_supported);
      if (fixed) fs::create_hard_link(*found + "/" + f.name, to, error);
      if (!error) continue;
      if (auto s = persistence::copy_file(*found + "/" + f.name, to); !s) return s.error();
    }
    auto opened = open_offline(folder_, {});
    if (!opened) return opened.error().within("the backup");
    storage_ = std::move(*opened);
    return {};
  }
  [[nodiscard]] const offline_storage* storage() const { return storage_.get(); }

private:
  std::string folder_;
  std::unique_ptr<offline_storage> storage_;
};

status salvage(const std::string& data, bool dry_run, notes& into) {
  for (const char* name : {"store", "log"}) {
    auto found = persistence::salvage(data + "/" + name, name, dry_run);
    if (!found) return found.error();
    into.insert(into.end(), found->begin(), found->end());
  }
  return {};
}

} // namespace

result<notes> repair(const std::string& data, const std::string& backup, bool dry_run) {
  if (!fs::exists(data + "/log")) return failure{errc::not_found, "no journal in " + data};
  notes out;
  if (auto s = salvage(data, dry_run, out); !s) return s.error();
  if (dry_run && !out.empty()) return out; // it cannot be opened as it is
  // No twins: a registry with a hole is what may have to be repaired.
  const auto opened = open_offline(data, {});
  if (!opened) return opened.error();
  auto* journal = dynamic_cast<persistence::leveldb_log*>((*opened)->journal.get());
  auto* tables = dynamic_cast<persistence::leveldb_store*>((*opened)->tables.get());
  if (journal == nullptr || tables == nullptr)
    return failure{errc::internal, "a data folder that is not on LevelDB"};
  opened_backup other(data);
  persistence::repair_options options;
  options.dry_run = dry_run;
  options.models = &(*opened)->models;
  options.rows_are_missing = std::any_of(out.begin(), out.end(),
                                         [](const auto& n) { return n.what.starts_with("store"); });
  std::shared_ptr<persistence::cold_folder> cold;
  if (fs::is_directory(data + "/history")) {
    auto files = persistence::cold_folder::open(data + "/history");
    if (!files) return files.error();
    cold = std::move(*files);
    options.files = cold.get();
  }
  if (!backup.empty()) {
    if (auto s = other.open(backup); !s) return s.error();
    options.backup_log = other.storage()->journal.get();
    options.backup_tables = other.storage()->tables.get();
  }
  const auto mended = persistence::repair(*journal, *tables, options);
  if (!mended) return mended.error();
  out.insert(out.end(), mended->begin(), mended->end());
  return out;
}

} // namespace pollux::supervision
