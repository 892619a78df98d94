// SPDX-License-Identifier: Apache-2.0
#include "persistence/whole_registry.hpp"
#include <charconv>
#include <string>
#include <unordered_map>

namespace pollux::persistence {

namespace {

/// As the journal names a twin: its id, from the second incarnation on with "#n".
std::string key_of(const registry_row& r) {
  return r.incarnation > 1 ? r.id + "#" + std::to_string(r.incarnation) : r.id;
}

registry_row row_of(std::string_view key) {
  registry_row r{0, std::string(key.substr(0, key.find('#'))), 1, {}, {}, 0, false};
  if (const auto mark = key.find('#'); mark != std::string_view::npos)
    std::from_chars(key.data() + mark + 1, key.data() + key.size(), r.incarnation);
  return r;
}

class checking {
public:
  checking(const log& tail, const store& tables, std::uint32_t shard)
      : tail_(tail), tables_(tables), shard_(shard) {}

  result<registry_check> run() {
    auto read = tables_.each_registry(shard_, [&](const registry_row& r) {
      known_.push_back(r);
      if (r.deleted)
        gone_[key_of(r)] = true;
      else
        gone_.emplace(key_of(r), false);
    });
    if (!read) return read.error();
    if (auto s = read_tail(); !s) return s.error();
    return put_together();
  }

private:
  status read_tail() {
    auto s = tail_.scan(shard_, {}, [&](const positioned_segment& segment) {
      const auto& twins = segment.content->twins();
      const auto first = found_.size();
      for (const auto key : twins)
        if (gone_.emplace(key, false).second) found_.push_back(row_of(key));
      const auto& entries = segment.content->entries();
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].twin == messages::shard_wide_twin) continue;
        const auto key = twins[entries[i].twin];
        if (entries[i].kind == domain::input_kind::twin_deleted) {
          gone_[std::string(key)] = true;
        } else if (entries[i].kind == domain::input_kind::twin_created && found_.size() > first) {
          segment.content->decode(i, segment.at, input_);
          describe(key);
        }
      }
      return true;
    });
    // what is damaged there is passed over, as in recovery
    return s || s.error().code == errc::corrupt ? status{} : s;
  }

  void describe(std::string_view key) {
    for (auto r = found_.rbegin(); r != found_.rend(); ++r) {
      if (key_of(*r) != key) continue;
      r->model_name = input_.model_name;
      r->model_hash = input_.model_hash;
      r->created_at_ns = input_.ingest_time_ns;
      return;
    }
  }

  result<registry_check> put_together() {
    for (auto& r : known_) {
      while (out_.rows.size() < r.row)
        if (auto s = restore_next(); !s) return s.error();
      if (out_.rows.size() != r.row)
        return failure{errc::corrupt, "registry of shard " + std::to_string(shard_) + ": row " +
                                          std::to_string(r.row) + " is out of order"};
      const bool restored = !r.deleted && gone_[key_of(r)];
      r.deleted = r.deleted || restored;
      if (restored) out_.restored.push_back(r);
      out_.rows.push_back(std::move(r));
    }
    while (next_ < found_.size())
      if (auto s = restore_next(); !s) return s.error();
    return std::move(out_);
  }

  /// Gives the next number to the next twin of the tail.
  status restore_next() {
    const auto row = static_cast<std::uint32_t>(out_.rows.size());
    const auto name = std::to_string(shard_) + "-" + std::to_string(row);
    bool synced = false;
    auto read = tables_.each_block_info(shard_, row, false, [&](const block_info&) {
      synced = true;
      return false;
    });
    if (!read && read.error().code != errc::corrupt) return read;
    if (synced || !read)
      return failure{errc::corrupt, "row " + name +
                                        " of the registry is missing, and there is history of it: "
                                        "pollux journal repair"};
    registry_row r{row, "lost:" + name, 1, {}, {}, 0, true};
    if (next_ < found_.size()) {
      r = std::move(found_[next_++]);
      r.row = row;
      r.deleted = gone_[key_of(r)];
    }
    out_.restored.push_back(r);
    out_.rows.push_back(std::move(r));
    return {};
  }

  const log& tail_;
  const store& tables_;
  std::uint32_t shard_;
  std::vector<registry_row> known_, found_;    ///< found: only in the tail, in its order
  std::unordered_map<std::string, bool> gone_; ///< every key, and whether its twin is deleted
  std::size_t next_ = 0;
  registry_check out_;
  domain::input input_;
};

} // namespace

result<registry_check> whole_registry(const log& tail, const store& tables, std::uint32_t shard) {
  return checking(tail, tables, shard).run();
}

} // namespace pollux::persistence
