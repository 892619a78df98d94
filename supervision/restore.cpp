// SPDX-License-Identifier: Apache-2.0
#include "supervision/restore.hpp"
#include "domain/base/time.hpp"
#include "persistence/backup.hpp"
#include "persistence/file_copy.hpp"
#include "supervision/model_rows.hpp"
#include "supervision/offline.hpp"
#include "supervision/offline_storage.hpp"
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace pollux::supervision {

namespace {

namespace fs = std::filesystem;

/// Empty when it cannot be told.
std::string made_at(const std::string& backup) {
  const auto text = persistence::read_file(backup + "/manifest.json");
  const auto manifest = nlohmann::json::parse(text ? *text : std::string{}, nullptr, false);
  return manifest.is_object() ? manifest.value("made_at", "") : std::string{};
}

std::int64_t time_of(const std::string& backup) {
  const auto at = parse_rfc3339(made_at(backup));
  return at ? *at : no_time;
}

/// The backup that holds time `to` and the least beyond it.
result<std::string> choose(const restore_order& order) {
  auto chosen = persistence::newest_backup(order.from);
  if (!chosen || !order.to) return chosen;
  if (time_of(*chosen) < *order.to)
    return failure{errc::not_found, "the newest backup in " + order.from + " is of " +
                                        made_at(*chosen) + ": it does not know what came later"};
  std::error_code error;
  for (fs::directory_iterator at(order.from, error), end; !error && at != end;
       at.increment(error)) {
    const auto name = at->path().string();
    if (at->path().filename().string().starts_with('.') ||
        !fs::exists(name + "/" + persistence::sums_file))
      continue;
    if (time_of(name) >= *order.to && time_of(name) < time_of(*chosen)) chosen = name;
  }
  return chosen;
}

class restoring {
public:
  explicit restoring(const restore_order& order)
      : order_(order), data_(fs::path(order.data + "/").parent_path().string()),
        folder_(data_ + ".restoring") {}
  restoring(const restoring&) = delete;
  restoring& operator=(const restoring&) = delete;
  ~restoring() {
    std::error_code ignored;
    if (!in_place_ && made_) fs::remove_all(folder_, ignored);
  }

  [[nodiscard]] result<restore_report> run();

private:
  [[nodiscard]] status prepare();
  [[nodiscard]] status copy_files();
  [[nodiscard]] status copy_one(const persistence::file_sum& file);
  [[nodiscard]] status cut();
  [[nodiscard]] status verify();
  [[nodiscard]] status put_into_place();
  [[nodiscard]] bool told(const char* what, std::uint64_t done, std::uint64_t total) const {
    return !order_.progress || order_.progress(what, done, total);
  }
  [[nodiscard]] status damaged(std::string what) {
    report_.damage.push_back(std::move(what));
    if (order_.accept_damage) return {};
    return failure{errc::corrupt, report_.damage.back() + "; what is sound can be restored with "
                                                          "--accept-damage"};
  }

  const restore_order& order_;
  std::string data_, folder_;
  bool made_ = false, in_place_ = false;
  std::uint64_t total_ = 0;
  restore_report report_;
};

status restoring::prepare() {
  const auto chosen = choose(order_);
  if (!chosen) return chosen.error();
  report_.backup = *chosen;
  report_.made_at = made_at(*chosen);
  std::error_code error;
  if (fs::exists(data_, error) && !(fs::is_directory(data_) && fs::is_empty(data_)))
    return failure{errc::conflict, data_ + " is not empty: name a new folder"};
  fs::remove_all(folder_, error); // of a restore that was killed
  fs::create_directories(folder_, error);
  if (error) return failure{errc::io, "making " + folder_ + ": " + error.message()};
  made_ = true;
  return {};
}

status restoring::copy_one(const persistence::file_sum& file) {
  const auto to = folder_ + "/" + file.name;
  std::error_code error;
  fs::create_directories(fs::path(to).parent_path(), error);
  const auto sum =
      persistence::copy_file(report_.backup + "/" + file.name, to, [&](std::uint64_t bytes) {
        report_.bytes += bytes;
        return told("copying", report_.bytes, std::max(total_, report_.bytes));
      });
  ++report_.files;
  if (!sum && (sum.error().code == errc::no_space || sum.error().code == errc::unavailable))
    return sum.error();
  if (!sum) return damaged(file.name + ": " + sum.error().what);
  if (*sum != file.sha256) return damaged(file.name + ": its checksum differs from the backup's");
  return {};
}

status restoring::copy_files() {
  const auto files = persistence::read_sums(report_.backup);
  if (!files) return files.error();
  std::error_code ignored;
  const auto wanted = [](const std::string& name) {
    return name.starts_with("log/") || name.starts_with("store/") || name.starts_with("history/");
  };
  for (const auto& f : *files) {
    const auto size = fs::file_size(report_.backup + "/" + f.name, ignored);
    if (wanted(f.name) && !ignored) total_ += size;
  }
  for (const auto& f : *files)
    if (wanted(f.name))
      if (auto s = copy_one(f); !s) return s;
  return {};
}

status restoring::cut() {
  if (!order_.to) return {};
  if (!told("going back in time", 0, 1)) return failure{errc::unavailable, "given up"};
  auto opened = open_offline(folder_, "*");
  if (!opened) return opened.error();
  auto* journal = dynamic_cast<persistence::leveldb_log*>((*opened)->journal.get());
  auto* tables = dynamic_cast<persistence::leveldb_store*>((*opened)->tables.get());
  if (journal == nullptr || tables == nullptr)
    return failure{errc::internal, "a data folder that is not on LevelDB"};
  auto done = persistence::cut_after(*journal, *tables, (*opened)->models, *order_.to);
  if (!done) return done.error();
  report_.cut = std::move(*done);
  for (const auto& problem : report_.cut->problems)
    if (auto s = damaged(problem); !s) return s;
  return rule_as_of(*tables, *order_.to);
}

status restoring::verify() {
  bool going_on = true;
  auto verified = verify_offline(folder_, "*", [&](std::uint64_t done, std::uint64_t all) {
    going_on = going_on && told("verifying", done, all);
  });
  if (!verified) return verified.error();
  if (!going_on) return failure{errc::unavailable, "given up"};
  report_.verified = std::move(*verified);
  for (const auto& f : report_.verified.findings)
    if (auto s = damaged((f.twin.empty() ? "" : f.twin + ": ") + f.what); !s) return s;
  return {};
}

status restoring::put_into_place() {
  const auto files = persistence::sum_folder(folder_); // for its syncs
  if (!files) return files.error();
  if (auto s = persistence::sync_folder(folder_); !s) return s;
  std::error_code error;
  if (fs::exists(data_, error)) fs::remove(data_, error); // empty, or it fails
  fs::rename(folder_, data_, error);
  if (error) return failure{errc::io, "naming " + data_ + ": " + error.message()};
  in_place_ = true;
  const auto parent = fs::absolute(data_, error).parent_path().string();
  return persistence::sync_folder(parent);
}

result<restore_report> restoring::run() {
  for (const auto step : {&restoring::prepare, &restoring::copy_files, &restoring::cut,
                          &restoring::verify, &restoring::put_into_place})
    if (auto s = (this->*step)(); !s) return s.error().within("restore");
  return report_;
}

} // namespace

result<restore_report> restore(const restore_order& order) { return restoring(order).run(); }

} // namespace pollux::supervision
