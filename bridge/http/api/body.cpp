// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/body.hpp"
#include "bridge/http/api/query.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <set>

namespace pollux::bridge::http {

namespace {

/// Levels of brackets outside of texts: known before a parser builds anything.
bool too_deep(std::string_view text) {
  unsigned depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if ((c == '{' || c == '[') && ++depth > deepest_body) return true;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return false;
}

/// Parses, and remembers a key that stands twice in one object.
json parse(const std::string& text, std::string& twice) {
  std::vector<std::set<std::string>> open;
  return json::parse(
      text,
      [&](int, json::parse_event_t event, json& value) {
        if (event == json::parse_event_t::object_start) open.emplace_back();
        if (event == json::parse_event_t::object_end && !open.empty()) open.pop_back();
        if (event == json::parse_event_t::key && !open.empty() &&
            !open.back().insert(value.get<std::string>()).second)
          twice = value.get<std::string>();
        return true;
      },
      false);
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

} // namespace

std::string media_type(const request& r) {
  auto type = r.header("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  std::string out(type);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::variant<json, response> read_json(const request& r,
                                       const std::vector<std::string_view>& types) {
  const auto type = media_type(r);
  if (std::find(types.begin(), types.end(), type) == types.end()) {
    std::string all;
    for (const auto t : types) all += (all.empty() ? "" : ", ") + std::string(t);
    auto out = problem(415, (type.empty() ? "a Content-Type is missing" : type + " is not taken") +
                                std::string("; there are ") + all);
    out.headers.emplace_back(r.method == "PATCH" ? "Accept-Patch" : "Accept-Post", all);
    return out;
  }
  if (too_deep(r.body))
    return problem(400, "the body is nested deeper than " + std::to_string(deepest_body));
  std::string twice;
  auto document = parse(r.body, twice);
  if (document.is_discarded()) return problem(400, "the body is no JSON");
  if (!twice.empty())
    return problem(400, "the body is ambiguous", {{"#", "\"" + twice + "\" stands twice"}});
  return document;
}

body_reader::body_reader(const json& document, std::string at)
    : document_(document), at_(std::move(at)) {
  if (!document_.is_object()) errors_.push_back({at_, "an object is wanted"});
}

const json* body_reader::find(std::string_view name) {
  known_.emplace_back(name);
  if (!document_.is_object()) return nullptr;
  const auto found = document_.find(std::string(name));
  return found == document_.end() || found->is_null() ? nullptr : &*found;
}

bool body_reader::has(std::string_view name) const {
  return document_.is_object() && document_.contains(std::string(name));
}

void body_reader::complain(std::string_view name, std::string why) {
  errors_.push_back({at_ + "/" + escaped(name), std::move(why)});
}

void body_reader::complain_at(std::string pointer, std::string why) {
  errors_.push_back({std::move(pointer), std::move(why)});
}

std::string body_reader::text(std::string_view name, bool required, std::size_t most) {
  const auto* found = find(name);
  if (found == nullptr) {
    if (required) complain(name, "is missing");
    return {};
  }
  if (!found->is_string())
    complain(name, "a text is wanted");
  else if (required && found->get_ref<const std::string&>().empty())
    complain(name, "is empty");
  else if (found->get_ref<const std::string&>().size() > most)
    complain(name, "longer than " + std::to_string(most) + " bytes");
  else
    return found->get<std::string>();
  return {};
}

json body_reader::object(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) return {};
  if (!found->is_object()) complain(name, "an object is wanted");
  return *found;
}

json body_reader::any(std::string_view name) {
  const auto* found = find(name);
  return found == nullptr ? json() : *found;
}

std::int64_t body_reader::duration(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) return 0;
  result<std::int64_t> out{
      failure{errc::invalid_argument, "a text such as \"90s\" is wanted, or a number of seconds"}};
  if (found->is_string()) out = parse_duration(found->get<std::string>());
  if (found->is_number() && std::fabs(found->get<double>()) < 9e9)
    out = static_cast<std::int64_t>(found->get<double>() * static_cast<double>(ns_per_s));
  if (out && *out > 0) return *out;
  complain(name, out ? "longer than nothing" : out.error().what);
  return 0;
}

std::optional<std::int64_t> body_reader::time(std::string_view name) {
  const auto* found = find(name);
  if (found == nullptr) return {};
  if (found->is_string() || found->is_number()) {
    const auto out = parse_moment(found->is_string() ? found->get<std::string>() : found->dump());
    if (out) return *out;
    complain(name, out.error().what);
    return {};
  }
  complain(name, "a time is wanted: RFC 3339, or seconds since 1970");
  return {};
}

std::int64_t body_reader::end(std::int64_t now_ns) {
  const auto length = duration("for");
  const auto until = time("until");
  if (length != 0 && until) complain("until", "give either for or until");
  if (!has("for") && !has("until")) complain("for", "is missing: how long, or until when");
  if (until && *until <= now_ns && errors_.empty()) complain("until", "lies in the past");
  return until ? *until : saturating_add(now_ns, length);
}

std::optional<response> body_reader::refusal() {
  if (document_.is_object())
    for (const auto& [name, value] : document_.items())
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        complain(name, "there is no such member");
  if (errors_.empty()) return {};
  return problem(
      400, "the body cannot be used: " + errors_.front().pointer + ": " + errors_.front().detail,
      errors_);
}

} // namespace pollux::bridge::http
