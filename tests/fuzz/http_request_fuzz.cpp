// SPDX-License-Identifier: Apache-2.0
// A request as the handlers see it: "METHOD target", lines of headers, an empty line, a body. What
// stands before the handlers, and what reads queries, cursors, fields, bodies and patches.
#include "bridge/http/api/body.hpp"
#include "bridge/http/api/cursor.hpp"
#include "bridge/http/api/fields.hpp"
#include "bridge/http/api/prefer.hpp"
#include "bridge/http/api/query.hpp"
#include "bridge/http/api/twin_change.hpp"
#include "bridge/http/gate.hpp"
#include "fuzz.hpp"
#include "request_text.hpp"

using namespace pollux;
using namespace pollux::bridge::http;

namespace {

const router& routes() {
  static const router all = [] {
    router out;
    const auto nothing = [](const request&, const responder&) {};
    for (const char* pattern :
         {"/api/v1/twins", "/api/v1/twins/{id}", "/api/v1/models/check",
          "/api/v1/twins/{id}/telemetry/{name}", "/api/v1/alerts/{twin}/{incident}/acknowledge"})
      for (const char* method : {"GET", "POST", "PATCH"}) out.add(method, pattern, nothing);
    return out;
  }();
  return all;
}

void check_problem(const response& r) {
  const auto document = json::parse(r.body, nullptr, false);
  fuzz::require(document.is_object() && document.at("status") == r.status,
                "a problem is a document that tells its status");
}

void check_query(const request& r) {
  query_reader q(r);
  const auto limit = q.number("limit", 100, 1, 1000);
  fuzz::require(limit >= 1 && limit <= 1000, "a number lies within its bounds");
  static_cast<void>(q.time("from", 0));
  fuzz::require(q.duration("bucket", 0) >= 0, "a duration is not negative");
  fuzz::require(q.list("telemetry", 8).size() <= 8, "a list has its bound");
  const auto place = q.cursor("twins");
  if (auto wrong = q.refusal())
    check_problem(*wrong);
  else if (r.has_query("cursor") && !place.empty())
    fuzz::require(open_cursor("twins", seal_cursor("twins", place)).ok(),
                  "a place is sealed again");
  fuzz::require(preferred_wait(r) >= 0 && preferred_wait(r) <= longest_wait_ns,
                "waits are bounded");
}

void check_cursor(std::string_view text) {
  const auto place = open_cursor("twins", text);
  if (place) fuzz::require(seal_cursor("twins", *place) == text, "a cursor has one spelling");
}

void check_fields(std::string_view text, const json& document) {
  const auto fields = parse_fields(text);
  if (!fields) return;
  const auto once = select_fields(document, *fields);
  fuzz::require(select_fields(once, *fields) == once, "selecting twice is selecting once");
}

void check_change(const twin_change& change) {
  if (!change.errors.empty()) return;
  if (change.how.empty()) {
    fuzz::require(change.patch.empty(), "no patch without a way to apply it");
    return;
  }
  const auto patch = json::parse(change.patch, nullptr, false);
  fuzz::require(change.how == "json" ? patch.is_array() : patch.is_object(),
                "a patch of the properties has the form its way wants");
}

void check_body(request r) {
  r.headers.emplace_back("content-type", "application/json");
  auto read = read_json(r);
  if (auto* wrong = std::get_if<response>(&read)) return check_problem(*wrong);
  const auto& document = std::get<json>(read);
  body_reader body(document);
  static_cast<void>(body.text("name", true));
  static_cast<void>(body.duration("ttl"));
  static_cast<void>(body.end(0));
  if (auto wrong = body.refusal()) check_problem(*wrong);
  check_change(read_merge_patch(document));
  check_change(read_json_patch(document));
  check_fields(r.path, document);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  request r;
  const auto target = fuzz::read_request(fuzz::bytes_of(data, size), r);
  gate entrance({true, {"https://desk.example"}, 0});
  const auto decided = entrance.decide(r, target, true, routes(), 0);
  if (decided.run == nullptr && decided.instead.status >= 400) check_problem(decided.instead);
  check_query(r);
  check_cursor(target);
  check_body(std::move(r));
  return 0;
}
