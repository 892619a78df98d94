// SPDX-License-Identifier: Apache-2.0
#include "actors/property_patch.hpp"
#include "domain/twin/twin_state.hpp"
#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace pollux::actors {

namespace {

using nlohmann::json;
using tokens = std::vector<std::string>;

failure wrong(const std::string& why) { return {errc::invalid_argument, why}; }

struct size {
  std::size_t members = 0, bytes = 0;
};

/// Goes no deeper than the limit, whatever the document.
status measure(const json& at, std::size_t depth, size& all) {
  if (depth > deepest_property) return wrong("properties: more than 16 levels deep");
  if (at.is_string()) all.bytes += at.get_ref<const std::string&>().size();
  if (at.is_structured()) all.members += at.size();
  if (all.members > most_members) return wrong("properties: more than 1,000 members");
  if (at.is_object())
    for (const auto& [name, value] : at.items()) all.bytes += name.size();
  if (all.bytes > domain::max_properties_bytes) return wrong("properties: more than 64 KiB");
  if (!at.is_structured()) return {};
  for (const auto& each : at)
    if (auto fine = measure(each, depth + 1, all); !fine) return fine;
  return {};
}

status bounded(const json& document) {
  size all;
  return measure(document, 0, all);
}

/// RFC 6901.
result<tokens> pointer(const json& operation, const char* member) {
  const auto found = operation.find(member);
  if (found == operation.end() || !found->is_string())
    return wrong(std::string("an operation lacks ") + member);
  const auto& text = found->get_ref<const std::string&>();
  tokens out;
  if (!text.empty() && text.front() != '/') return wrong("a path begins with /: " + text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '/') {
      out.emplace_back();
    } else if (c != '~') {
      out.back() += c;
    } else {
      const char escaped = i + 1 < text.size() ? text[++i] : '\0';
      if (escaped != '0' && escaped != '1') return wrong("a path has ~ without 0 or 1: " + text);
      out.back() += escaped == '0' ? '~' : '/';
    }
  }
  return out;
}

/// An element's number: digits without leading zeros, below `end`.
std::optional<std::size_t> index_of(const std::string& token, std::size_t end) {
  std::size_t out = 0;
  const auto* last = token.data() + token.size();
  const auto read = std::from_chars(token.data(), last, out);
  const bool plain = !token.empty() && (token.size() == 1 || token.front() != '0');
  if (!plain || read.ec != std::errc{} || read.ptr != last || out >= end) return {};
  return out;
}

json* find(json& root, const tokens& path, std::size_t count) {
  auto* at = &root;
  for (std::size_t i = 0; i < count; ++i) {
    if (at->is_object()) {
      const auto member = at->find(path[i]);
      if (member == at->end()) return nullptr;
      at = &*member;
    } else if (at->is_array()) {
      const auto index = index_of(path[i], at->size());
      if (!index) return nullptr;
      at = &(*at)[*index];
    } else {
      return nullptr;
    }
  }
  return at;
}

failure nothing_at(const tokens& path) {
  std::string text;
  for (const auto& token : path) text += "/" + token;
  return wrong("the patch does not fit: nothing at " + (text.empty() ? "the root" : text));
}

status add(json& root, const tokens& path, json value) {
  if (path.empty()) {
    root = std::move(value);
    return {};
  }
  auto* parent = find(root, path, path.size() - 1);
  if (parent != nullptr && parent->is_object()) {
    (*parent)[path.back()] = std::move(value);
    return {};
  }
  if (parent == nullptr || !parent->is_array()) return nothing_at(path);
  const auto index = path.back() == "-" ? std::optional(parent->size())
                                        : index_of(path.back(), parent->size() + 1);
  if (!index) return nothing_at(path);
  parent->insert(parent->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return {};
}

/// What was there, which is there no more.
result<json> take(json& root, const tokens& path) {
  auto* gone = find(root, path, path.size());
  if (gone == nullptr) return nothing_at(path);
  json out = std::move(*gone);
  if (path.empty()) return out;
  auto* parent = find(root, path, path.size() - 1);
  if (parent->is_object())
    parent->erase(path.back());
  else
    parent->erase(*index_of(path.back(), parent->size()));
  return out;
}

status move(json& root, const tokens& from, const tokens& to) {
  if (from.size() < to.size() && std::equal(from.begin(), from.end(), to.begin()))
    return wrong("the patch moves a value into itself");
  auto value = take(root, from);
  return value ? add(root, to, std::move(*value)) : value.error();
}

status apply(json& root, const json& operation) {
  const auto path = pointer(operation, "path");
  if (!path) return path.error();
  const auto what = operation.value("op", "");
  if (what == "remove") {
    if (path->empty()) return add(root, {}, json::object());
    const auto gone = take(root, *path);
    return gone ? status{} : gone.error();
  }
  if (what == "move" || what == "copy") {
    const auto from = pointer(operation, "from");
    if (!from) return from.error();
    if (what == "move") return move(root, *from, *path);
    const auto* value = find(root, *from, from->size());
    return value != nullptr ? add(root, *path, *value) : nothing_at(*from);
  }
  const auto value = operation.find("value");
  if (value == operation.end()) return wrong("an operation lacks value");
  if (what == "add") return add(root, *path, *value);
  auto* target = find(root, *path, path->size());
  if (target == nullptr) return nothing_at(*path);
  if (what == "replace") {
    *target = *value;
    return {};
  }
  if (what != "test") return wrong("no operation " + what);
  return *target == *value ? status{} : failure{errc::conflict, "a test of the patch failed"};
}

status apply_all(json& root, const json& operations) {
  if (!operations.is_array()) return wrong("a JSON patch is an array of operations");
  for (const auto& operation : operations) {
    if (!operation.is_object()) return wrong("an operation is an object");
    try {
      if (auto done = apply(root, operation); !done) return done;
    } catch (const json::exception& of_another_type) {
      return wrong(of_another_type.what());
    }
    if (auto fine = bounded(root); !fine) return fine;
  }
  return {};
}

/// Deeper than any patch that can be used: not worth walking, and too deep to walk.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '[') && ++depth > 4 * deepest_property)
      return true;
    else if (!quoted && (c == '}' || c == ']') && depth > 0)
      --depth;
  }
  return false;
}

} // namespace

result<json> patched(json properties, std::string_view how, const std::string& text) {
  if (too_deep(text)) return wrong("the patch is nested too deeply");
  auto patch = json::parse(text, nullptr, false);
  if (patch.is_discarded()) return wrong("the patch of the properties is not JSON");
  if (how == "merge") {
    properties.merge_patch(patch);
  } else if (how == "replace") {
    properties = std::move(patch);
  } else if (how == "json") {
    if (auto done = apply_all(properties, patch); !done) return done.error();
  } else {
    return wrong("a patch is one of merge, json, replace");
  }
  if (!properties.is_object()) return wrong("properties must be a JSON object");
  if (auto fine = bounded(properties); !fine) return fine.error();
  return properties;
}

} // namespace pollux::actors
