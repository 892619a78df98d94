// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/twin_change.hpp"

namespace pollux::bridge::http {

namespace {

constexpr std::string_view root = "/properties";

bool in_properties(std::string_view path) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

/// A parent as text; null is none. Nothing when it is neither.
std::optional<std::string> parent_of(const json& value) {
  if (value.is_null()) return std::string{};
  if (value.is_string()) return value.get<std::string>();
  return {};
}

class operations {
public:
  void read(const json& op, std::size_t index) {
    at_ = "#/" + std::to_string(index);
    if (!op.is_object()) return complain("", "an operation is an object");
    const auto what = word(op, "op"), path = word(op, "path");
    if (what.empty() || !op.contains("path") || !op["path"].is_string())
      return complain("", "an operation has op and path");
    for (const char* known : {"add", "remove", "replace", "move", "copy", "test"})
      if (what == known) return place(op, what, path);
    complain("/op", "no operation " + what);
  }

  twin_change finish() && {
    if (!ops_.empty()) {
      out_.how = "json";
      out_.patch = dump(ops_);
    }
    return std::move(out_);
  }

private:
  static std::string word(const json& op, const char* name) {
    const auto found = op.find(name);
    return found != op.end() && found->is_string() ? found->get<std::string>() : std::string{};
  }
  void complain(const std::string& where, std::string why) {
    out_.errors.push_back({at_ + where, std::move(why)});
  }

  void place(const json& op, const std::string& what, const std::string& path) {
    const bool needs_value = what == "add" || what == "replace" || what == "test";
    if (needs_value && !op.contains("value")) return complain("/value", "is missing");
    if (path == "/parent") return of_parent(op, what);
    if (!in_properties(path)) return complain("/path", "only /properties and /parent are there");
    json inner = op;
    inner["path"] = path.substr(root.size());
    if (what == "move" || what == "copy") {
      const auto from = word(op, "from");
      if (!in_properties(from)) return complain("/from", "must lie in /properties");
      inner["from"] = from.substr(root.size());
    }
    if (what == "remove" && path == root)
      inner = {{"op", "replace"}, {"path", ""}, {"value", json::object()}};
    ops_.push_back(std::move(inner));
  }

  void of_parent(const json& op, const std::string& what) {
    if (what == "remove") {
      out_.parent = "";
      return;
    }
    if (what == "move" || what == "copy") return complain("/op", "the parent is set by replace");
    const auto value = parent_of(op["value"]);
    if (!value) return complain("/value", "the id of a twin, or null");
    if (what != "test")
      out_.parent = *value;
    else if (out_.parent)
      complain("", "test the parent before it is changed");
    else
      out_.parent_is.push_back(*value);
  }

  twin_change out_;
  json ops_ = json::array();
  std::string at_;
};

} // namespace

twin_change read_merge_patch(const json& patch) {
  twin_change out;
  if (!patch.is_object()) {
    out.errors.push_back({"#", "an object is wanted"});
    return out;
  }
  for (const auto& [name, value] : patch.items()) {
    if (name == "properties" && value.is_object()) {
      out.how = "merge";
      out.patch = dump(value);
    } else if (name == "properties" && value.is_null()) {
      out.how = "replace";
      out.patch = "{}";
    } else if (name == "properties") {
      out.errors.push_back({"#/properties", "an object is wanted, or null"});
    } else if (name == "parent") {
      out.parent = parent_of(value);
      if (!out.parent) out.errors.push_back({"#/parent", "the id of a twin, or null"});
    } else {
      out.errors.push_back({"#/" + name, "only properties and parent can be changed"});
    }
  }
  return out;
}

twin_change read_json_patch(const json& patch) {
  twin_change out;
  if (!patch.is_array()) {
    out.errors.push_back({"#", "an array of operations is wanted"});
    return out;
  }
  if (patch.size() > most_operations) {
    out.errors.push_back({"#", "more than " + std::to_string(most_operations) + " operations"});
    return out;
  }
  operations all;
  for (std::size_t i = 0; i < patch.size(); ++i) all.read(patch[i], i);
  return std::move(all).finish();
}

} // namespace pollux::bridge::http
