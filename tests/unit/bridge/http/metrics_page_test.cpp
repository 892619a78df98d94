// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/metrics_page.hpp"
#include "bridge/http/trace.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {
const std::string parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

response answered(const handler& run, const request& r) {
  response out;
  run(r, [&](response given) { out = std::move(given); });
  return out;
}
} // namespace

TEST_CASE("OpenMetrics is given to who prefers it, the older text to all others") {
  // as Prometheus 2.42 and 3 ask
  CHECK(prefers_openmetrics("application/openmetrics-text;version=1.0.0,application/openmetrics-"
                            "text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  CHECK(prefers_openmetrics("application/openmetrics-text"));
  CHECK(prefers_openmetrics("text/plain;q=0.3 , application/openmetrics-text ; q=0.4"));
  CHECK_FALSE(prefers_openmetrics(""));
  CHECK_FALSE(prefers_openmetrics("*/*"));
  CHECK_FALSE(prefers_openmetrics("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  CHECK_FALSE(prefers_openmetrics("application/openmetrics-text;version=2.0.0"));
  CHECK_FALSE(prefers_openmetrics("application/openmetrics-text;q=0"));
  CHECK_FALSE(prefers_openmetrics("application/openmetrics-text;q=0.4,text/plain;q=0.5"));
  CHECK_FALSE(prefers_openmetrics(";;;,=,q=;"));
}

TEST_CASE("the page says what it is, and shows all buckets when asked to") {
  messages::metrics m;
  m.make_histogram("pollux_h_seconds", "H.").observe(0.0012);
  request r;
  const auto plain = metrics_page(m, r);
  CHECK(plain.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(plain.body.find("le=\"0.00128\"") == std::string::npos);
  r.headers.emplace_back("accept", "application/openmetrics-text");
  r.query.emplace_back("buckets", "all");
  const auto open = metrics_page(m, r);
  CHECK(open.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(open.body.ends_with("# EOF\n"));
  CHECK(open.body.find("le=\"0.00128\"") != std::string::npos);
}

TEST_CASE("a problem names the trace of the request it answers") {
  const auto failing = traced(
      [](const request&, const responder& respond) { respond(problem(404, "no twin a:b")); });
  request r;
  CHECK_FALSE(nlohmann::json::parse(answered(failing, r).body).contains("trace_id"));
  r.headers.emplace_back("traceparent", parent);
  const auto document = nlohmann::json::parse(answered(failing, r).body);
  CHECK(document["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(document["detail"] == "no twin a:b");
  r.headers.front().second = "00-\"},{\"";
  CHECK_FALSE(nlohmann::json::parse(answered(failing, r).body).contains("trace_id"));
}

TEST_CASE("an answer that is no problem goes out as it is, traced or not") {
  const auto good = traced([](const request&, const responder& respond) {
    response out;
    out.body = "{}";
    respond(out);
  });
  request r;
  r.headers.emplace_back("traceparent", parent);
  CHECK(answered(good, r).body == "{}");
}
