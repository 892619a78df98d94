// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/reply.hpp"
#include "bridge/http/dressing.hpp"
#include "domain/base/time.hpp"

namespace pollux::bridge::http {

response problem(unsigned status, std::string_view detail, const std::vector<complaint>& errors) {
  auto out = problem(status, detail);
  if (errors.empty()) return out;
  auto document = parse_document(out.body);
  auto& all = document["errors"] = json::array();
  for (const auto& e : errors) all.push_back({{"pointer", e.pointer}, {"detail", e.detail}});
  out.body = dump(document) + "\n";
  return out;
}

response document_reply(std::string document, unsigned status) {
  response out;
  out.status = status;
  out.content_type = "application/json";
  out.body = std::move(document);
  out.headers.emplace_back("Cache-Control", "no-cache");
  return out;
}

response json_reply(const json& document, unsigned status) {
  return document_reply(dump(document), status);
}

response no_content() {
  response out;
  out.status = 204;
  out.content_type.clear();
  return out;
}

json parse_document(const std::string& text) {
  auto out = json::parse(text, nullptr, false);
  return out.is_discarded() ? json() : out;
}

std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json time_or_null(std::int64_t time_ns) {
  if (time_ns == no_time || time_ns == never || time_ns == 0) return nullptr;
  return format_rfc3339(time_ns);
}

namespace {

/// What the header's list calls `tag`: itself, or its form for a compressed answer; empty: nothing.
std::string_view named_tag(std::string_view header, const std::string_view tag) {
  const auto bare = tag.starts_with("W/") ? tag.substr(2) : tag;
  while (!header.empty()) {
    const auto end = std::min(header.find(','), header.size());
    auto one = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == bare) return tag;
    if (is_gzip_tag_of(one, tag)) return one;
  }
  return {};
}

} // namespace

bool names_tag(std::string_view header, std::string_view tag) {
  return !named_tag(header, tag).empty();
}

std::string revision_tag(std::uint64_t revision) {
  return "\"rev:" + std::to_string(revision) + "\"";
}

response tagged(response r, const request& asked, const std::string& tag) {
  return tagged(std::move(r), asked.header("if-none-match"), tag);
}

response tagged(response r, std::string_view if_none_match, const std::string& tag) {
  const auto known = r.status == 200 ? named_tag(if_none_match, tag) : std::string_view();
  r.headers.emplace_back("ETag", known.empty() ? tag : std::string(known));
  if (known.empty()) return r;
  r.status = 304;
  r.body.clear();
  return r;
}

std::string percent_encode(std::string_view text, bool in_path) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (in_path && c == ':');
    if (plain)
      out += c;
    else
      out.append({'%', hex[u >> 4], hex[u & 15]});
  }
  return out;
}

response page_reply(const request& asked, json document, const std::string& next) {
  document["next"] = next.empty() ? json() : json(next);
  auto out = json_reply(document);
  if (next.empty()) return out;
  std::string target = asked.path;
  char mark = '?';
  for (const auto& [name, value] : asked.query) {
    if (name == "cursor") continue;
    target += mark + percent_encode(name, false) + "=" + percent_encode(value, false);
    mark = '&';
  }
  target += mark + std::string("cursor=") + next;
  out.headers.emplace_back("Link", "<" + target + ">; rel=\"next\"");
  return out;
}

} // namespace pollux::bridge::http
