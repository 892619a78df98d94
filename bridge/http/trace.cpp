// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/trace.hpp"
#include "messages/observability/log.hpp"
#include "messages/observability/trace_context.hpp"
#include <nlohmann/json.hpp>

namespace pollux::bridge::http {

namespace {

struct traced_request {
  std::string trace_id, method, path;
  responder respond;

  void operator()(response given) const {
    if (given.status >= 500)
      messages::log::warning(
          "http", "a traced request was not served",
          {{"method", method}, {"path", path}, {"status", given.status}, {"trace_id", trace_id}});
    if (given.content_type == "application/problem+json") {
      auto document = nlohmann::ordered_json::parse(given.body, nullptr, false);
      if (document.is_object()) {
        document["trace_id"] = trace_id;
        given.body = document.dump() + "\n";
      }
    }
    respond(std::move(given));
  }
};

} // namespace

handler traced(handler run) {
  return [run = std::move(run)](const request& r, responder respond) {
    const auto trace = messages::trace_id_of(r.header("traceparent"));
    if (trace.empty()) return run(r, std::move(respond));
    run(r, traced_request{std::string(trace), r.method, r.path, std::move(respond)});
  };
}

} // namespace pollux::bridge::http
