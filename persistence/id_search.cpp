// SPDX-License-Identifier: Apache-2.0
#include "persistence/id_search.hpp"
#include "persistence/chain.hpp"
#include "persistence/cold_file.hpp"
#include "persistence/history.hpp"
#include "persistence/keys.hpp"
#include "persistence/store_rows.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>

namespace pollux::persistence {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_places = 100, piece = 1u << 20;

class search {
public:
  explicit search(const id_pattern& wanted) : wanted_(wanted) {}

  void look(std::string_view bytes, const std::string& where) {
    if (wanted_.in(bytes)) add(where);
  }
  void look_in_block(std::string_view block, const std::string& where) {
    std::string canonical;
    bool found = false;
    const auto s = decode_any_block(block, [&](const domain::input& in) {
      canonical.clear();
      append_canonical(in, canonical);
      found = found || wanted_.in(canonical);
    });
    if (found) add(where);
    if (!s) add(where + " cannot be read: " + s.error().what);
  }
  status look_in_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return failure{errc::io, "opening " + path.string()};
    std::string window;
    const auto overlap = 2 * wanted_.id().size() + 256; // so that a longer id is seen whole
    for (;;) {
      const auto kept = window.size();
      window.resize(kept + piece);
      in.read(window.data() + kept, static_cast<std::streamsize>(piece));
      window.resize(kept + static_cast<std::size_t>(in.gcount()));
      if (wanted_.in(window)) {
        add("file " + path.string());
        return {};
      }
      if (in.gcount() == 0) return {};
      window.erase(0, window.size() - std::min(window.size(), overlap));
    }
  }
  std::vector<std::string> take() { return std::move(found_); }

private:
  void add(std::string where) {
    if (found_.size() < most_places) found_.push_back(std::move(where));
  }
  const id_pattern& wanted_;
  std::vector<std::string> found_;
};

void look_in_row(search& s, std::string_view key, std::string_view value) {
  if (key.empty()) return;
  std::string where = std::string("a row of table ") + key.front();
  key_reader k(key.substr(1));
  if (key.front() != tables::meta && key.front() != tables::models &&
      key.front() != tables::outbox && key.size() >= 7) {
    where += ", shard " + std::to_string(k.u16());
    where += ", twin " + std::to_string(k.u32());
  }
  s.look(key, where);
  s.look(value, where);
  if (key.front() == tables::blocks) s.look_in_block(value, where);
}

status look_in_cold(search& s, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return {};
  const auto files = cold_folder::open(folder.string());
  if (!files) return files.error();
  const auto there = (*files)->files();
  if (!there) return there.error();
  for (const auto file : *there) {
    const auto where = "a frame of " + (*files)->path(file);
    const auto directory = (*files)->directory(file);
    if (!directory) return directory.error();
    for (const auto& frame : directory->frames) {
      const auto bytes = (*files)->read(file, frame.offset, frame.size);
      if (!bytes) return bytes.error();
      s.look_in_block(*bytes, where);
    }
  }
  return {};
}

} // namespace

id_pattern::id_pattern(std::string id, std::vector<std::string> others) : id_(std::move(id)) {
  for (auto& other : others)
    if (other != id_ && other.find(id_) != other.npos) others_.push_back(std::move(other));
}

bool id_pattern::in(std::string_view bytes) const {
  for (auto at = bytes.find(id_); at != bytes.npos; at = bytes.find(id_, at + 1)) {
    const bool part = std::any_of(others_.begin(), others_.end(), [&](const std::string& other) {
      for (auto in = other.find(id_); in != other.npos; in = other.find(id_, in + 1))
        if (in <= at && bytes.substr(at - in, other.size()) == other) return true;
      return false;
    });
    if (!part) return true;
  }
  return false;
}

result<std::vector<std::string>> find_id(const std::string& data, const log& journal,
                                         const store& tables, const id_pattern& wanted) {
  search s(wanted);
  std::error_code error;
  for (fs::recursive_directory_iterator at(data, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error) || error) continue;
    if (auto read = s.look_in_file(at->path()); !read && fs::exists(at->path(), error))
      return read.error(); // a file that LevelDB removed meanwhile is no trouble
  }
  if (error) return failure{errc::io, data + ": " + error.message()};
  auto read = tables.each_raw_row(
      [&](std::string_view key, std::string_view value) { look_in_row(s, key, value); });
  if (!read) return read.error();
  for (std::uint32_t shard = 0; shard < journal.shards(); ++shard) {
    read = journal.scan(shard, {}, [&](const positioned_segment& segment) {
      s.look(segment.content->bytes(), "the log of shard " + std::to_string(shard));
      return true;
    });
    if (!read && read.error().code != errc::corrupt) return read.error();
  }
  if (read = look_in_cold(s, fs::path(data) / "history"); !read) return read.error();
  return s.take();
}

} // namespace pollux::persistence
