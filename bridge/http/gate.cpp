// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/gate.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

constexpr unsigned nothing_wrong = 0;

response fine() {
  response out;
  out.status = nothing_wrong;
  return out;
}

/// May it change something, or open a channel that may?
bool has_effect(const request& r) {
  return (r.method != "GET" && r.method != "OPTIONS") || !r.header("upgrade").empty();
}

std::ptrdiff_t hosts_of(const request& r) {
  return std::count_if(r.headers.begin(), r.headers.end(),
                       [](const auto& h) { return h.first == "host"; });
}

response preflight(const request& r, const std::string& allow, bool known_origin) {
  response out;
  out.status = 204;
  out.content_type.clear();
  out.headers.emplace_back("Allow", allow + ", OPTIONS");
  if (!known_origin || r.header("access-control-request-method").empty()) return out;
  out.headers.emplace_back("Access-Control-Allow-Methods", allow);
  out.headers.emplace_back("Access-Control-Allow-Headers",
                           "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, "
                           "Prefer, Last-Event-ID, traceparent");
  out.headers.emplace_back("Access-Control-Max-Age", "600");
  return out;
}

} // namespace

bool gate::allowed_origin(std::string_view origin) const {
  const auto& all = options_.cors_origins;
  return std::find(all.begin(), all.end(), origin) != all.end();
}

/// The node's own pages, and those of the settings. A browser names the origin of every request
/// that could change something; what names none is no browser.
bool gate::may_come_from(const request& r, std::string_view origin) const {
  if (allowed_origin(origin)) return true;
  const auto mark = origin.find("://");
  return mark != std::string_view::npos && origin.substr(mark + 3) == r.header("host");
}

response gate::refused(request& r, std::string_view target, bool http_1_1, std::int64_t now_ns) {
  if (http_1_1 && r.header("host").empty()) return problem(400, "HTTP/1.1 needs a Host header");
  if (hosts_of(r) > 1) return problem(400, "more than one Host header");
  if (options_.loopback_only && !r.header("host").empty() && !is_local_host(r.header("host")))
    return problem(421, "this server answers to localhost only");
  if (const auto split = split_target(target, r); !split) return problem(split.error());
  if (const auto wait_s = rate_.take(r.peer, now_ns); wait_s > 0) {
    auto out = problem(429, "more requests than one client may send; see [http] rate");
    out.headers.emplace_back("Retry-After", std::to_string(wait_s));
    return out;
  }
  const auto origin = r.header("origin");
  if (!has_effect(r)) return fine();
  const bool foreign =
      origin.empty() ? r.header("sec-fetch-site") == "cross-site" : !may_come_from(r, origin);
  return foreign ? problem(403, "a page of another origin may not do this; see [http] cors_origins")
                 : fine();
}

gate::decision gate::decide(request& r, std::string_view target, bool http_1_1,
                            const router& routes, std::int64_t now_ns) {
  decision out;
  if (options_.access) options_.access->place(r);
  out.how.gzip = takes_gzip(r.header("accept-encoding"));
  if (const auto origin = r.header("origin"); allowed_origin(origin)) out.how.origin = origin;
  out.instead = refused(r, target, http_1_1, now_ns);
  if (out.instead.status != nothing_wrong) return out;
  if (options_.access) {
    if (auto wrong = options_.access->admit(r)) {
      out.instead = std::move(*wrong);
      return out;
    }
  } else if (options_.loopback_only) {
    r.who = identity::loopback();
  }
  const auto match = routes.find(r);
  if (!match) {
    out.instead = problem(match.error());
  } else if (match->found) {
    out.run = match->found;
  } else if (match->allow.empty()) {
    out.instead = problem(404, "there is nothing at " + r.path);
  } else if (r.method == "OPTIONS") {
    out.instead = preflight(r, match->allow, !out.how.origin.empty());
  } else {
    out.instead = problem(405, r.path + " takes " + match->allow);
    out.instead.headers.emplace_back("Allow", match->allow);
  }
  return out;
}

} // namespace pollux::bridge::http
