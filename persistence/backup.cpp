// SPDX-License-Identifier: Apache-2.0
// Making a backup. Order matters: cold files are held by links of their own, then the store is
// looked at, then the log, and nothing is trimmed between. So what the log no longer has is in the
// store, and what the store points to is held (docs/backup.md).
#include "persistence/backup.hpp"
#include "domain/base/time.hpp"
#include "persistence/backup_rows.hpp"
#include "persistence/file_copy.hpp"
#include "persistence/leveldb_log.hpp"
#include "persistence/leveldb_store.hpp"
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace pollux::persistence {

namespace {

namespace fs = std::filesystem;

constexpr int backup_format = 1;
constexpr const char* partial_prefix = ".unfinished-";

failure io(const std::string& doing, const std::error_code& why) {
  return {why == std::errc::no_space_on_device ? errc::no_space : errc::io,
          doing + ": " + why.message()};
}

/// 2026-11-20T23-41-07.123Z: sorts by time, and is a name on every file system.
std::string name_of(std::int64_t now_ns) {
  auto text = format_rfc3339(now_ns - now_ns % ns_per_s);
  std::replace(text.begin(), text.end(), ':', '-');
  const auto ms = std::to_string(1000 + now_ns % ns_per_s / ns_per_ms);
  return text.substr(0, text.size() - 1) + "." + ms.substr(1) + "Z";
}

/// A folder that goes with everything in it unless it is kept.
class passing_folder {
public:
  explicit passing_folder(std::string name) : name_(std::move(name)) {}
  passing_folder(const passing_folder&) = delete;
  passing_folder& operator=(const passing_folder&) = delete;
  ~passing_folder() { clear(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] status make() {
    clear(); // of one that was killed
    std::error_code error;
    fs::create_directories(name_, error);
    return error ? status{io("making " + name_, error)} : status{};
  }
  void keep() { name_.clear(); }

private:
  void clear() {
    std::error_code ignored;
    if (!name_.empty()) fs::remove_all(name_, ignored);
  }
  std::string name_;
};

class backup_run {
public:
  backup_run(const leveldb_log& journal, const leveldb_store& tables, const backup_order& order)
      : journal_(journal), tables_(tables), order_(order),
        final_(order.into + "/" + name_of(order.now_ns)),
        target_(order.into + "/" + partial_prefix + name_of(order.now_ns)),
        held_(order.data + "/.backup-hold"), pace_(order.share) {}

  [[nodiscard]] result<backup_report> run();

private:
  [[nodiscard]] status prepare();
  [[nodiscard]] status hold_cold_files();
  [[nodiscard]] status copy_databases();
  [[nodiscard]] status copy_cold_files();
  [[nodiscard]] status finish();
  [[nodiscard]] bool going_on(std::uint64_t bytes);
  [[nodiscard]] bool any_held() const { return fs::exists(held_.name()); }

  const leveldb_log& journal_;
  const leveldb_store& tables_;
  const backup_order& order_;
  std::string final_;
  passing_folder target_, held_;
  pace pace_;
  std::string before_; ///< the newest backup there was, or empty
  std::vector<file_sum> sums_before_;
  std::uint64_t done_ = 0, total_ = 0;
  backup_report report_;
};

bool backup_run::going_on(std::uint64_t bytes) {
  done_ += bytes;
  pace_.rest();
  return !order_.progress || order_.progress(done_, std::max(done_, total_));
}

status backup_run::prepare() {
  std::error_code error;
  fs::create_directories(order_.into, error);
  if (error) return io("making " + order_.into, error);
  if (fs::exists(final_, error)) return failure{errc::conflict, final_ + " exists already"};
  // what a killed backup left is of no use to anybody
  for (const auto& entry : fs::directory_iterator(order_.into, error))
    if (entry.path().filename().string().starts_with(partial_prefix))
      fs::remove_all(entry.path(), error);
  if (const auto before = newest_backup(order_.into)) {
    if (auto sums = read_sums(*before)) {
      before_ = *before;
      sums_before_ = std::move(*sums);
    }
  }
  return target_.make();
}

/// Cold files never change, but they may be deleted while they are copied.
status backup_run::hold_cold_files() {
  const std::string from = order_.data + "/history";
  std::error_code error;
  if (order_.data.empty() || !fs::is_directory(from, error)) return {};
  if (!any_held())
    if (auto s = held_.make(); !s) return s;
  for (fs::directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
    const auto link = held_.name() + "/" + at->path().filename().string();
    if (!at->is_regular_file(error) || fs::exists(link)) continue;
    std::error_code gone; // deleted since it was listed: then nothing points to it any more
    fs::create_hard_link(at->path(), link, gone);
    if (gone && gone != std::errc::no_such_file_or_directory) return io("linking " + link, gone);
  }
  return error ? status{io("listing " + from, error)} : status{};
}

status backup_run::copy_databases() {
  if (auto s = hold_cold_files(); !s) return s;
  auto trim = journal_.hold_trim();
  moment store_moment(tables_.rows());
  moment log_moment(journal_.rows());
  if (auto s = hold_cold_files(); !s) return s; // those made just before the store was looked at
  trim.unlock();
  total_ = store_moment.bytes() + log_moment.bytes();
  const auto more = [this](std::uint64_t bytes) { return going_on(bytes); };
  for (auto [name, from] : {std::pair{"store", &store_moment}, {"log", &log_moment}}) {
    auto copied = from->copy(target_.name() + "/" + name, name, order_.env, more, report_);
    if (!copied) return copied;
  }
  return {};
}

status backup_run::copy_cold_files() {
  if (!any_held()) return {};
  std::error_code error;
  const auto folder = target_.name() + "/history";
  fs::create_directories(folder, error);
  const auto more = [this](std::uint64_t bytes) { return going_on(bytes); };
  for (fs::directory_iterator at(held_.name(), error), end; !error && at != end;
       at.increment(error)) {
    const auto name = at->path().filename().string();
    const auto known = std::find_if(sums_before_.begin(), sums_before_.end(),
                                    [&](const auto& f) { return f.name == "history/" + name; });
    ++report_.cold_files;
    if (known != sums_before_.end()) {
      const auto sum = sha256_of_file(at->path().string(), more);
      if (!sum) return sum.error();
      std::error_code refused;
      if (*sum == known->sha256)
        fs::create_hard_link(before_ + "/history/" + name, folder + "/" + name, refused);
      if (*sum == known->sha256 && !refused) {
        ++report_.linked_files;
        continue;
      }
    }
    if (auto copied = copy_file(at->path().string(), folder + "/" + name, more); !copied)
      return copied.error();
  }
  return error ? status{io("copying cold files to " + folder, error)} : status{};
}

status backup_run::finish() {
  nlohmann::json manifest{
      {"format", backup_format},        {"made_at", format_rfc3339(order_.now_ns)},
      {"log_format", log_format},       {"store_format", store_format},
      {"shards", journal_.shards()},    {"rows", report_.rows},
      {"bytes_of_rows", report_.bytes}, {"cold_files", report_.cold_files},
      {"damage", report_.damage}};
  for (std::uint32_t shard = 0; shard < journal_.shards(); ++shard)
    manifest["trimmed_below"].push_back(journal_.trimmed_below(shard).value);
  const auto text = manifest.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  if (auto s = write_file(target_.name() + "/manifest.json", text + "\n"); !s) return s;
  auto files = sum_folder(target_.name(), [this](std::uint64_t) { return going_on(0); });
  if (!files) return files.error();
  if (auto s = write_sums(target_.name(), *files); !s) return s;
  if (auto s = sync_folder(target_.name()); !s) return s;
  std::error_code error;
  fs::rename(target_.name(), final_, error);
  if (error) return io("naming " + final_, error);
  target_.keep();
  return sync_folder(order_.into);
}

result<backup_report> backup_run::run() {
  for (const auto step : {&backup_run::prepare, &backup_run::copy_databases,
                          &backup_run::copy_cold_files, &backup_run::finish})
    if (auto s = (this->*step)(); !s) return s.error().within("backup");
  report_.folder = final_;
  return report_;
}

} // namespace

result<backup_report> back_up(const log& journal, const store& tables, const backup_order& order) {
  const auto* rows = dynamic_cast<const leveldb_log*>(&journal);
  const auto* of_store = dynamic_cast<const leveldb_store*>(&tables);
  if (rows == nullptr || of_store == nullptr || order.into.empty())
    return failure{errc::invalid_argument, "backup: only of a folder, and into a folder"};
  return backup_run(*rows, *of_store, order).run();
}

result<std::string> newest_backup(const std::string& folder) {
  std::error_code error;
  if (fs::exists(folder + "/" + sums_file, error)) return folder;
  std::string newest;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto name = at->path().filename().string();
    if (!name.starts_with('.') && name > newest && fs::exists(at->path() / sums_file))
      newest = name;
  }
  if (newest.empty()) return failure{errc::not_found, "no backup in " + folder};
  return folder + "/" + newest;
}

result<backup_check> check_backup(const std::string& folder,
                                  const std::function<bool(std::uint64_t)>& piece) {
  const auto found = newest_backup(folder);
  if (!found) return found.error();
  backup_check out;
  out.folder = *found;
  const auto files = read_sums(*found);
  if (!files) return files.error();
  for (const auto& f : *files) {
    const auto name = *found + "/" + f.name;
    const auto sum = sha256_of_file(name, piece);
    std::error_code ignored;
    ++out.files;
    if (!sum && sum.error().code == errc::unavailable) return sum.error();
    if (!sum)
      out.findings.push_back(f.name + ": " + sum.error().what);
    else if (*sum != f.sha256)
      out.findings.push_back(f.name + ": its checksum differs");
    if (sum) out.bytes += fs::file_size(name, ignored);
  }
  std::error_code error;
  for (fs::recursive_directory_iterator at(*found, error), end; !error && at != end;
       at.increment(error)) {
    const auto name = at->path().lexically_relative(*found).generic_string();
    if (at->is_directory(error) || name == sums_file) continue;
    if (std::none_of(files->begin(), files->end(), [&](const auto& f) { return f.name == name; }))
      out.findings.push_back(name + ": is not part of the backup");
  }
  if (error) return io("listing " + *found, error);
  const auto text = read_file(*found + "/manifest.json");
  const auto manifest = nlohmann::json::parse(text ? *text : std::string{}, nullptr, false);
  if (!manifest.is_object()) {
    out.findings.push_back("manifest.json: cannot be read");
    return out;
  }
  out.made_at = manifest.value("made_at", "");
  if (manifest.value("format", 0) > backup_format)
    return failure{errc::version_mismatch, *found + " was made by a newer Pollux"};
  for (const auto& d : manifest.value("damage", nlohmann::json::array()))
    out.damage.push_back(d.is_string() ? d.get<std::string>() : d.dump());
  return out;
}

} // namespace pollux::persistence
