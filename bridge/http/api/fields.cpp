// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/fields.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

failure wrong(const std::string& why) { return {errc::invalid_argument, why}; }

std::string unescaped(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool escape =
        name[i] == '~' && i + 1 < name.size() && (name[i + 1] == '0' || name[i + 1] == '1');
    out += escape ? (name[++i] == '0' ? '~' : '/') : name[i];
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = std::min(text.find(at), text.size());
    out.push_back(text.substr(0, end));
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
  }
}

/// `chosen`: the paths that lead here, each with how many of its names were followed.
json pick(const json& from, const std::vector<const std::vector<std::string>*>& chosen,
          std::size_t depth) {
  if (std::any_of(chosen.begin(), chosen.end(), [&](auto* p) { return p->size() == depth; }))
    return from;
  if (from.is_array()) {
    json out = json::array();
    for (const auto& one : from) out.push_back(pick(one, chosen, depth));
    return out;
  }
  json out = json::object();
  if (!from.is_object()) return out; // a value where the path goes on: there is no such member
  for (const auto& [name, value] : from.items()) {
    std::vector<const std::vector<std::string>*> on;
    for (const auto* path : chosen)
      if ((*path)[depth] == name) on.push_back(path);
    if (!on.empty()) out[name] = pick(value, on, depth + 1);
  }
  return out;
}

} // namespace

result<field_paths> parse_fields(std::string_view text) {
  field_paths out;
  for (const auto field : split(text, ',')) {
    if (out.size() == most_fields)
      return wrong("more than " + std::to_string(most_fields) + " fields");
    std::vector<std::string> path;
    for (const auto name : split(field, '/')) {
      if (name.empty()) return wrong("an empty name; write fields=a,b/c");
      if (path.size() == deepest_field)
        return wrong("deeper than " + std::to_string(deepest_field) + " names");
      path.push_back(unescaped(name));
    }
    out.push_back(std::move(path));
  }
  return out;
}

json select_fields(const json& document, const field_paths& fields) {
  std::vector<const std::vector<std::string>*> all;
  for (const auto& path : fields) all.push_back(&path);
  return pick(document, all, 0);
}

} // namespace pollux::bridge::http
