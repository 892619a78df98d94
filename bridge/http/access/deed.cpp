// SPDX-License-Identifier: Apache-2.0
// What the audit log is told of a request: no ticket, no token.
#include "bridge/http/access/admission.hpp"
#include "messages/observability/trace_context.hpp"
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

namespace pollux::bridge::http {

namespace {

std::string random_trace() {
  std::random_device dice;
  char text[40];
  std::snprintf(text, sizeof text, "%08x%08x%08x%08x", dice(), dice(), dice(), dice());
  return text;
}

/// Of a job that erases a twin, or looks for what is left of one, the id is what is to be nowhere.
std::string without_erased_id(const std::string& body) {
  const auto opens = [](char c) { return c == '[' || c == '{'; }; // dump() goes as deep as it gets
  if (std::count_if(body.begin(), body.end(), opens) > 1000) return {};
  auto job = nlohmann::ordered_json::parse(body, nullptr, false);
  if (!job.is_object()) return body;
  const auto kind = job.find("kind");
  if (kind == job.end() || (*kind != "erase" && *kind != "erased")) return body;
  if (const auto found = job.find("arguments"); found != job.end() && found->is_object())
    found->erase("id");
  job.erase("id");
  return job.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace

deed deed_of(const request& r) {
  const auto path = percent_decode(r.path, false); // a twin has one name here
  const auto body = path && *path == "/api/v1/jobs" ? without_erased_id(r.body) : r.body;
  deed out{r.who.name, r.peer, r.method, path ? *path : r.path, body.substr(0, audit::longest_body),
           {}};
  char mark = '?';
  for (const auto& [name, value] : r.query) {
    const bool secret = name == "ticket" || name == "access_token";
    out.target += mark + name + "=" + (secret ? "..." : value);
    mark = '&';
  }
  out.trace = messages::trace_id_of(r.header("traceparent"));
  if (out.trace.empty()) out.trace = random_trace();
  return out;
}

} // namespace pollux::bridge::http
