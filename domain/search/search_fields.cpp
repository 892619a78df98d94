// SPDX-License-Identifier: Apache-2.0
#include "domain/search/search_fields.hpp"
#include "domain/search/search_filter.hpp"
#include <algorithm>

namespace pollux::domain {

namespace {

constexpr std::string_view usual = "id,kind,model,awake,readings,last_event_time,active_alerts";

std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '~' && i + 1 < text.size();
    if (text[i] == '/')
      out.emplace_back();
    else if (escape && (text[i + 1] == '0' || text[i + 1] == '1'))
      out.back() += text[++i] == '1' ? '/' : '~';
    else
      out.back() += text[i];
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

} // namespace

result<search_fields> search_fields::parse(std::string_view text, std::vector<search_path>& paths) {
  search_fields out;
  out.usual_ = trimmed(text).empty();
  auto left = out.usual_ ? usual : text;
  for (std::size_t count = 1;; ++count) {
    if (count > max_search_fields)
      return failure{errc::invalid_argument, "at most 64 fields at a time"};
    const auto end = left.find(',');
    const auto path = parse_search_path(trimmed(left.substr(0, end)));
    if (!path) return path.error();
    const auto index = static_cast<int>(index_of(*path, paths));
    add(out.root_, names_of(path->text), 0, index);
    if (end == left.npos) return out;
    left.remove_prefix(end + 1);
  }
}

// The whole of something covers its parts.
void search_fields::add(member& to, const std::vector<std::string>& names, std::size_t depth,
                        int path) {
  if (to.path >= 0) return;
  if (depth == names.size()) {
    to.path = path;
    to.of.clear();
    return;
  }
  auto found = std::ranges::find(to.of, names[depth], &member::name);
  if (found == to.of.end()) {
    to.of.emplace_back();
    to.of.back().name = names[depth];
    found = to.of.end() - 1;
  }
  add(*found, names, depth + 1, path);
}

void search_fields::write(std::string& out, path_reader& from) const {
  if (!write_members(out, root_, from)) out += "{}";
}

/// False, and nothing written, when no member is there.
bool search_fields::write_members(std::string& out, const member& of, path_reader& from) const {
  bool any = false;
  for (const auto& m : of.of) {
    const auto before = out.size();
    out += any ? ',' : '{';
    append_json(out, std::string_view(m.name));
    out += ':';
    bool there = true;
    if (m.path < 0) {
      there = write_members(out, m, from);
    } else {
      const auto value = from.get(static_cast<std::size_t>(m.path));
      there = usual_ || value.kind != found_kind::none;
      if (there) write_value(out, m.path, value, from);
    }
    if (!there) out.resize(before);
    any = any || there;
  }
  if (any) out += '}';
  return any;
}

void search_fields::write_value(std::string& out, int path, const found_value& value,
                                path_reader& from) const {
  const auto index = static_cast<std::size_t>(path);
  const auto& what = from.path(index);
  if (what.kind != path_kind::telemetry || !what.second.empty()) return append_json(out, value);
  const auto time_ns = from.event_time_ns(index);
  out += "{\"value\":";
  append_json(out, value);
  out += ",\"event_time\":";
  append_json(out, found_time(time_ns));
  out += ",\"age_s\":";
  const auto age_ms = from.now_ns() / ns_per_ms - time_ns / ns_per_ms;
  append_json(out, static_cast<double>(age_ms) / 1000.0);
  out += '}';
}

} // namespace pollux::domain
