// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"
#include "config/size.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>
#include <cstdlib>

namespace pollux::config {

namespace {
std::string listed(choices names) {
  std::string out;
  for (const auto name : names)
    out.append(out.empty() ? "" : ", ").append("\"").append(name).append("\"");
  return out;
}

std::string allowed(const std::string& value, const std::string& least, const std::string& most) {
  return value + " is out of range; allowed: " + least + " to " + most;
}
} // namespace

std::string reader::override_name(std::string_view key) const {
  std::string out = "POLLUX_" + name_ + "_" + std::string(key);
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

reader::found reader::look(std::string_view key) {
  known_.push_back(key);
  found out;
  if (overridable_) {
    const auto name = override_name(key);
    reading_.environment.insert(name);
    out.override = std::getenv(name.c_str());
  }
  out.node = table_.get(key);
  return out;
}

bool reader::given(std::string_view key) const {
  return table_.contains(key) || (overridable_ && std::getenv(override_name(key).c_str()));
}

void reader::fail(std::string_view key, std::string_view what) {
  const std::string full = "[" + name_ + "] " + std::string(key) + ": " + std::string(what);
  if (overridable_ && std::getenv(override_name(key).c_str())) {
    reading_.errors.push_back({0, 0, "environment variable " + override_name(key) + ": " + full});
    return;
  }
  const auto* node = table_.get(key);
  reading_.fail(node ? node->source() : table_.source(), full);
}

bool reader::as_text(std::string_view key, const found& f, std::string_view wanted,
                     std::string& out) {
  if (f.override) {
    out = f.override;
    return true;
  }
  if (!f.node) return false;
  if (const auto* value = f.node->as_string()) {
    out = value->get();
    return true;
  }
  fail(key, "must be " + std::string(wanted));
  return false;
}

void reader::text(std::string_view key, std::string& out, std::string_view) {
  as_text(key, look(key), "a text", out);
}

void reader::path(std::string_view key, std::string& out, std::string_view) {
  const auto f = look(key);
  if (!as_text(key, f, "a text", out)) return;
  // what the file says is relative to the file, what the environment says to the working directory
  if (!f.override && !out.empty() && out.front() != '/') out = reading_.folder + out;
}

void reader::texts(std::string_view key, std::vector<std::string>& out, std::string_view) {
  const auto f = look(key);
  if (f.override) {
    out.clear();
    std::string_view rest = f.override;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      if (end > 0) out.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return;
  }
  if (!f.node) return;
  const auto* list = f.node->as_array();
  if (list == nullptr) return fail(key, "must be a list of texts");
  out.clear();
  for (const auto& one : *list) {
    if (!one.is_string()) return fail(key, "must be a list of texts");
    out.push_back(one.as_string()->get());
  }
}

void reader::flag(std::string_view key, bool& out, std::string_view) {
  const auto f = look(key);
  const std::string_view text = f.override ? f.override : "";
  if (text == "true" || text == "1") {
    out = true;
  } else if (text == "false" || text == "0") {
    out = false;
  } else if (!f.override && f.node && f.node->is_boolean()) {
    out = f.node->as_boolean()->get();
  } else if (f.override || f.node) {
    fail(key, "must be true or false");
  }
}

bool reader::whole_number(std::string_view key, std::int64_t& out, std::int64_t least,
                          std::int64_t most) {
  const auto f = look(key);
  if (f.override) {
    const std::string_view text = f.override;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
      fail(key, "must be a whole number");
      return false;
    }
  } else if (!f.node) {
    return false;
  } else if (const auto* value = f.node->as_integer()) {
    out = value->get();
  } else {
    fail(key, "must be a whole number");
    return false;
  }
  if (out >= least && out <= most) return true;
  fail(key, allowed(std::to_string(out), std::to_string(least), std::to_string(most)));
  return false;
}

void reader::bytes(std::string_view key, std::uint64_t& out, std::uint64_t least,
                   std::uint64_t most, std::string_view) {
  const auto f = look(key);
  std::string text;
  if (!f.override && f.node && f.node->is_integer())
    text = std::to_string(f.node->as_integer()->get());
  else if (!as_text(key, f, "a size: \"64MiB\", or bytes as a number", text))
    return;
  const auto size = parse_size(text);
  if (!size) return fail(key, size.error().what);
  if (*size < least || *size > most)
    return fail(key, allowed(format_size(*size), format_size(least), format_size(most)));
  out = *size;
}

void reader::duration(std::string_view key, std::int64_t& out_ns, std::int64_t least_ns,
                      std::int64_t most_ns, std::string_view) {
  std::string text;
  if (!as_text(key, look(key), "a duration, as \"50ms\", \"30s\", \"10m\", \"2h\" or \"7d\"", text))
    return;
  const auto duration = parse_duration(text);
  if (!duration) return fail(key, duration.error().what);
  if (*duration < least_ns || *duration > most_ns)
    return fail(key, allowed(format_duration(*duration), format_duration(least_ns),
                             format_duration(most_ns)));
  out_ns = *duration;
}

void reader::choice(std::string_view key, std::string& out, choices names, std::string_view) {
  std::string text;
  if (!as_text(key, look(key), "one of " + listed(names), text)) return;
  if (std::find(names.begin(), names.end(), text) == names.end())
    return fail(key, "\"" + text + "\" is none of " + listed(names));
  out = text;
}

void reader::durability(std::string_view key, messages::durability& out, std::string_view help) {
  std::string name = to_text(out);
  choice(key, name, {"D0", "D1", "D2"}, help);
  out = name == "D0"   ? messages::durability::d0
        : name == "D1" ? messages::durability::d1
                       : messages::durability::d2;
}

void reader::finish() {
  for (const auto& [key, node] : table_) {
    const auto name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string what =
        (name_.empty() ? "unknown table or key '" : "[" + name_ + "] unknown key '") +
        std::string(name) + "'";
    const auto meant = domain::nearest(name, known_);
    if (name == "password" || name == "secret" || name == "token")
      what += "; secrets are not written here: put it into a file and name it as password_file";
    else if (!meant.empty())
      what += "; did you mean '" + std::string(meant) + "'?";
    else {
      what += "; known are:";
      for (const auto k : known_) what.append(" ").append(k);
    }
    reading_.fail(key.source(), what);
  }
}

} // namespace pollux::config
