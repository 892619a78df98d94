// SPDX-License-Identifier: Apache-2.0
#include "domain/search/search_path.hpp"
#include <vector>

namespace pollux::domain {

namespace {

struct plain_word {
  std::string_view word;
  path_kind kind;
};
constexpr plain_word plain_words[] = {
    {"id", path_kind::id},
    {"namespace", path_kind::name_space},
    {"name", path_kind::name},
    {"kind", path_kind::kind},
    {"model", path_kind::model},
    {"connected", path_kind::connected},
    {"awake", path_kind::awake},
    {"age", path_kind::age},
    {"last_event_time", path_kind::last_event_time},
    {"readings", path_kind::readings},
    {"revision", path_kind::revision},
    {"parent", path_kind::parent},
    {"properties", path_kind::property},
    {"active_alerts", path_kind::alert_count},
};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto next = text.find(at);
    out.push_back(text.substr(0, next));
    if (next == std::string_view::npos) return out;
    text.remove_prefix(next + 1);
  }
}

std::string unescaped(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool escape = name[i] == '~' && i + 1 < name.size();
    if (escape && name[i + 1] == '1')
      out += '/', ++i;
    else if (escape && name[i + 1] == '0')
      out += '~', ++i;
    else
      out += name[i];
  }
  return out;
}

failure no_path(std::string_view text) {
  return {errc::invalid_argument,
          "no path '" + std::string(text) +
              "'; there are id, namespace, name, kind, model, connected, awake, age, "
              "last_event_time, readings, revision, parent, telemetry/NAME, telemetry/NAME/age, "
              "properties/PATH, windows/NAME/AGGREGATE, alerts/count, alerts/severity and "
              "alerts/RULE/state"};
}

/// telemetry.a.b is the telemetry "a.b": only where '/' is used is it sure what ends a name.
std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> out;
  if (text.find('/') != std::string_view::npos) {
    for (const auto part : split(text, '/')) out.emplace_back(part);
    return out;
  }
  for (const auto part : split(text, '.')) out.emplace_back(part);
  if (out.size() > 2 && out[0] == "telemetry") {
    const bool age = out.back() == "age";
    const auto end = text.size() - (age ? 4 : 0);
    out = {"telemetry", std::string(text.substr(10, end - 10))};
    if (age) out.emplace_back("age");
  }
  return out;
}

bool any_empty(const std::vector<std::string>& parts) {
  for (const auto& p : parts)
    if (p.empty()) return true;
  return false;
}

search_path property_of(const std::vector<std::string>& parts) {
  search_path out{path_kind::property, {}, {}, {}};
  for (std::size_t i = 1; i < parts.size(); ++i) out.first += "/" + parts[i];
  return out;
}

} // namespace

result<search_path> parse_search_path(std::string_view text) {
  const auto parts = parts_of(text);
  if (text.empty() || any_empty(parts)) return no_path(text);
  search_path out;
  bool known = false;
  if (parts.size() == 1) {
    for (const auto& w : plain_words)
      if (parts[0] == w.word) out.kind = w.kind, known = true;
  } else if (parts[0] == "telemetry" && parts.size() <= 3) {
    const auto of = parts.size() == 3 ? parts[2] : std::string();
    known = of.empty() || of == "age" || of == "value";
    out = {
        of == "age" ? path_kind::telemetry_age : path_kind::telemetry, unescaped(parts[1]), of, {}};
  } else if (parts[0] == "properties") {
    known = true;
    out = property_of(parts);
  } else if (parts[0] == "windows" && parts.size() == 3) {
    known = true;
    out = {path_kind::output, unescaped(parts[1]), unescaped(parts[2]), {}};
  } else if (parts[0] == "alerts" && parts.size() == 2) {
    known = parts[1] == "count" || parts[1] == "severity";
    out.kind = parts[1] == "count" ? path_kind::alert_count : path_kind::alert_severity;
  } else if (parts[0] == "alerts" && parts.size() == 3 && parts[2] == "state") {
    known = true;
    out = {path_kind::alert_state, unescaped(parts[1]), {}, {}};
  }
  if (!known) return no_path(text);
  for (const auto& part : parts) out.text += (out.text.empty() ? "" : "/") + part;
  return out;
}

} // namespace pollux::domain
