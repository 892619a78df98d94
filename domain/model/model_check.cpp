// SPDX-License-Identifier: Apache-2.0
#include "domain/model/model_check.hpp"
#include "domain/model/model_warnings.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::domain {
namespace {

constexpr int max_errors = 100;

/// "3:14: what" -> its parts; without a place: line 0.
model_finding finding_of(const failure& f) {
  model_finding out{true, 0, 0, f.what};
  const char* at = f.what.data();
  const char* end = at + f.what.size();
  const auto line = std::from_chars(at, end, out.line);
  if (line.ec != std::errc{} || line.ptr == end || *line.ptr != ':') return {true, 0, 0, f.what};
  const auto column = std::from_chars(line.ptr + 1, end, out.column);
  if (column.ec != std::errc{} || column.ptr == end || *column.ptr != ':')
    return {true, 0, 0, f.what};
  out.what = f.what.substr(static_cast<std::size_t>(column.ptr - at) + 2);
  return out;
}

bool before(const config_node& node, const model_finding& place) {
  return node.line < place.line || (node.line == place.line && node.column <= place.column);
}

config_node* section(config_node& root, std::string_view key) {
  for (auto& [name, node] : root.members)
    if (name == key) return &node;
  return nullptr;
}

/// The telemetry, command or operator that `place` lies in, taken out; empty name: none.
bool take_out(config_node& root, const model_finding& place, std::string& name) {
  config_node* holder = nullptr;
  for (const auto* key : {"telemetry", "commands", "operators"})
    if (auto* s = section(root, key); s != nullptr && before(*s, place))
      if (holder == nullptr || before(*holder, {true, s->line, s->column, {}})) holder = s;
  if (holder == nullptr || holder->members.empty()) return false;
  auto last = holder->members.end();
  for (auto m = holder->members.begin(); m != holder->members.end(); ++m)
    if (before(m->second, place)) last = m;
  if (last == holder->members.end()) return false;
  name = last->first;
  if (const auto* given = last->second.find("name"); name.empty() && given != nullptr)
    name = given->text;
  holder->members.erase(last);
  return true;
}

/// Whether the error is only that something taken out before is missing.
bool follows(const model_finding& error, const std::vector<std::string>& taken_out) {
  if (error.what.find("no ") == std::string::npos &&
      error.what.find("unknown") == std::string::npos)
    return false;
  return std::any_of(taken_out.begin(), taken_out.end(), [&](const std::string& name) {
    return !name.empty() && error.what.find('"' + name) != std::string::npos;
  });
}

} // namespace

std::vector<model_finding> check_model(const config_node& root) {
  std::vector<model_finding> out;
  std::vector<std::string> taken_out;
  auto rest = root;
  for (int n = 0; n < max_errors; ++n) {
    const auto compiled = compile(rest);
    if (compiled) {
      if (out.empty()) out = warnings_of(*compiled, root);
      break;
    }
    auto error = finding_of(compiled.error());
    if (!follows(error, taken_out)) out.push_back(error);
    std::string name;
    if (error.line == 0 || !take_out(rest, error, name)) break;
    taken_out.push_back(std::move(name));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return out;
}

} // namespace pollux::domain
