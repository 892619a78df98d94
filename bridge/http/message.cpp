// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/message.hpp"
#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace pollux::bridge::http {

namespace {
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  std::size_t start = 1; // after the leading slash
  while (start <= path.size()) {
    const auto end = std::min(path.find('/', start), path.size());
    out.emplace_back(path.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

bool is_word(const std::string& segment) { return segment.size() > 2 && segment.front() == '{'; }

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                    [](const auto& wanted, const auto& given) {
                      return is_word(wanted) ? !given.empty() : wanted == given;
                    });
}

std::string_view find(const pairs& in, std::string_view name, std::string_view fallback) {
  const auto found =
      std::find_if(in.begin(), in.end(), [&](const auto& pair) { return pair.first == name; });
  return found == in.end() ? fallback : std::string_view(found->second);
}

unsigned status_of(errc code) {
  switch (code) {
  case errc::invalid_argument: return 400;
  case errc::not_found: return 404;
  case errc::already_exists:
  case errc::conflict:
  case errc::locked: return 409;
  case errc::refused: return 403;
  case errc::overloaded:
  case errc::unavailable: return 503;
  case errc::no_space: return 507;
  case errc::timed_out: return 504;
  case errc::corrupt:
  case errc::version_mismatch:
  case errc::io:
  case errc::internal: break;
  }
  return 500;
}
} // namespace

std::string_view request::header(std::string_view name, std::string_view fallback) const {
  return find(headers, name, fallback);
}

std::string_view request::parameter(std::string_view name) const {
  return find(parameters, name, {});
}

bool request::has_query(std::string_view name) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& q) { return q.first == name; });
}

std::string_view reason(unsigned status) {
  switch (status) {
  case 100: return "Continue";
  case 101: return "Switching Protocols";
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 204: return "No Content";
  case 304: return "Not Modified";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 421: return "Misdirected Request";
  case 422: return "Unprocessable Content";
  case 428: return "Precondition Required";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 507: return "Insufficient Storage";
  default: return "Unknown";
  }
}

std::string http_date() {
  const auto now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, size};
}

bool is_local_host(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1) == "[::1]";
  host = host.substr(0, host.find(':'));
  const bool digits = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || (digits && host.starts_with("127."));
}

response problem(unsigned status, std::string_view detail) {
  using nlohmann::json;
  const nlohmann::ordered_json body{{"type", "about:blank"},
                                    {"title", std::string(reason(status))},
                                    {"status", status},
                                    {"detail", std::string(detail)}};
  response out;
  out.status = status;
  out.content_type = "application/problem+json";
  // the detail may quote what the client sent: bytes that are no UTF-8 are replaced
  out.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (status == 503) out.headers.emplace_back("Retry-After", "1");
  return out;
}

response problem(const failure& f) { return problem(status_of(f.code), f.what); }

result<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return failure{errc::invalid_argument, "a '%' in the address without two hex digits"};
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void router::add(std::string method, std::string pattern, handler h) {
  routes_.push_back({std::move(method), split(pattern), std::move(h)});
}

void router::add_rest(std::function<bool(std::string_view path)> covers, handler h) {
  covers_ = std::move(covers);
  rest_ = std::move(h);
}

result<router::match> router::find(request& r) const {
  const auto path = split(r.path);
  match out;
  for (const auto& known : routes_) {
    if (!fits(known.segments, path)) continue;
    if (known.method != r.method) {
      out.allow += (out.allow.empty() ? "" : ", ") + known.method;
      if (known.method == "GET") out.allow += ", HEAD";
      continue;
    }
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (!is_word(known.segments[i])) continue;
      auto value = percent_decode(path[i], false);
      if (!value) return value.error();
      r.parameters.emplace_back(known.segments[i].substr(1, known.segments[i].size() - 2), *value);
    }
    out.found = &known.run;
    return out;
  }
  if (out.allow.empty() && rest_ && covers_(r.path)) {
    if (r.method == "GET")
      out.found = &rest_;
    else
      out.allow = "GET, HEAD";
  }
  return out;
}

status split_target(std::string_view target, request& into) {
  for (const std::string_view scheme : {"http://", "https://"}) { // absolute form, RFC 9112 3.2.2
    if (!target.starts_with(scheme)) continue;
    const auto slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/'))
    return failure{errc::invalid_argument, "the path must start with /"};
  const auto mark = target.find('?');
  into.path = target.substr(0, mark);
  if (mark == std::string_view::npos) return {};
  auto rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto one = rest.substr(0, end);
    const auto equals = std::min(one.find('='), one.size());
    const auto name = percent_decode(one.substr(0, equals), true);
    const auto value = percent_decode(one.substr(std::min(equals + 1, one.size())), true);
    if (!name) return name.error();
    if (!value) return value.error();
    if (!one.empty()) into.query.emplace_back(*name, *value);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

} // namespace pollux::bridge::http
