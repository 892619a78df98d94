// SPDX-License-Identifier: Apache-2.0
// Queries, bodies, the Prefer header and links of pages.
#include "bridge/http/api/body.hpp"
#include "bridge/http/api/cursor.hpp"
#include "bridge/http/api/prefer.hpp"
#include "bridge/http/api/query.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {
request asked(pairs query) {
  request r;
  r.method = "GET";
  r.path = "/api/v1/twins";
  r.query = std::move(query);
  return r;
}
request sent(std::string body, std::string type = "application/json") {
  request r;
  r.method = "POST";
  r.headers = {{"content-type", std::move(type)}};
  r.body = std::move(body);
  return r;
}
unsigned status_of(const request& r) {
  const auto read = read_json(r);
  return std::holds_alternative<json>(read) ? 200 : std::get<response>(read).status;
}
} // namespace

TEST_CASE("words of a query are read with their types; absent ones have their defaults") {
  const auto r = asked({{"limit", "10"},
                        {"from", "2026-01-01T00:00:00Z"},
                        {"to", "1700000000.5"},
                        {"bucket", "1.5s"},
                        {"active", "false"},
                        {"telemetry", "b,a,,b"},
                        {"telemetry", "c"},
                        {"clock", "event"},
                        {"fields", "id"}});
  query_reader q(r);
  CHECK(q.number("limit", 100, 1, 1000) == 10);
  CHECK(q.time("from", 0) == 1'767'225'600'000'000'000);
  CHECK(q.time("to", 0) == 1'700'000'000'500'000'000);
  CHECK(q.duration("bucket", 0) == 1'500'000'000);
  CHECK_FALSE(q.flag("active", true));
  CHECK(q.list("telemetry", 3) == std::vector<std::string>{"a", "b", "c"});
  CHECK(q.choice("clock", "ingest", {"ingest", "event"}) == "event");
  CHECK(q.number("points", 7, 1, 9) == 7);
  CHECK(q.text("glob", "*") == "*");
  CHECK_FALSE(q.refusal().has_value());
}

TEST_CASE("all that is wrong with a query is told at once, unknown words too") {
  const auto r = asked({{"limit", "0"},
                        {"from", "yesterday"},
                        {"bucket", "0s"},
                        {"active", "yes"},
                        {"clock", "sun"},
                        {"cursor", "AAAA"},
                        {"limt", "3"},
                        {"glob", "a"},
                        {"glob", "b"}});
  query_reader q(r);
  CHECK(q.number("limit", 100, 1, 1000) == 100);
  static_cast<void>(q.time("from", 0));
  static_cast<void>(q.duration("bucket", 0));
  static_cast<void>(q.flag("active", true));
  static_cast<void>(q.choice("clock", "ingest", {"ingest", "event"}));
  CHECK(q.cursor("twins").empty());
  static_cast<void>(q.text("glob"));
  const auto refused = q.refusal();
  REQUIRE(refused.has_value());
  CHECK(refused->status == 400);
  CHECK(refused->content_type == "application/problem+json");
  std::string told;
  const auto problem_document = json::parse(refused->body);
  for (const auto& e : problem_document.at("errors"))
    told += e.at("pointer").get<std::string>() + " ";
  CHECK(told == "?limit ?from ?bucket ?active ?clock ?cursor ?glob ?limt ");
}

TEST_CASE("a moment is RFC 3339 or seconds since 1970") {
  CHECK(*parse_moment("0") == 0);
  CHECK(*parse_moment("-1.5") == -1'500'000'000);
  CHECK(*parse_moment("1970-01-01T00:00:01Z") == 1'000'000'000);
  for (const char* wrong : {"", "-", ".", "1.2.3", "1-2", "now", "1e9", "99999999999999999999"})
    CHECK_FALSE(parse_moment(wrong).ok());
}

TEST_CASE("a body is JSON of the right type, not too deep, no key twice") {
  CHECK(status_of(sent("{}")) == 200);
  CHECK(status_of(sent("{}", "application/json; charset=utf-8")) == 200);
  CHECK(status_of(sent("{}", "Application/JSON")) == 200);
  CHECK(status_of(sent("{}", "text/plain")) == 415);
  CHECK(status_of(sent("{}", "")) == 415);
  CHECK(status_of(sent("")) == 400);
  CHECK(status_of(sent("{\"a\":}")) == 400);
  CHECK(status_of(sent("{\"a\":\"\xff\"}")) == 400);
  CHECK(status_of(sent("{\"a\":1,\"a\":2}")) == 400);
  CHECK(status_of(sent("[{\"a\":1},{\"a\":2}]")) == 200);
  CHECK(status_of(sent("{\"a\":{\"a\":2}}")) == 200);
  const std::string open(deepest_body, '['), shut(deepest_body, ']');
  CHECK(status_of(sent(open + shut)) == 200);
  CHECK(status_of(sent("[" + open + shut + "]")) == 400);
  CHECK(status_of(sent(std::string(900'000, '['))) == 400);
  CHECK(status_of(sent("\"" + std::string(200, '[') + "\\\"[\"")) == 200); // text is not depth
}

TEST_CASE("members of a body are read with their types, and those nobody asked for are wrong") {
  const auto document = json::parse(
      R"({"name":"x","ttl":1.5,"wait":"2m","at":"1970-01-01T00:00:01Z","arguments":{"a":1}})");
  body_reader body(document);
  CHECK(body.text("name", true) == "x");
  CHECK(body.duration("ttl") == 1'500'000'000);
  CHECK(body.duration("wait") == 120'000'000'000);
  CHECK(body.time("at") == std::optional<std::int64_t>(1'000'000'000));
  CHECK(body.object("arguments").size() == 1);
  CHECK(body.duration("absent") == 0);
  CHECK_FALSE(body.refusal().has_value());

  const auto bad = json::parse(R"({"name":7,"ttl":"soon","extra/~":1,"to":["a"]})");
  body_reader wrong(bad);
  static_cast<void>(wrong.text("name", true));
  static_cast<void>(wrong.text("missing", true));
  static_cast<void>(wrong.duration("ttl"));
  static_cast<void>(wrong.time("to"));
  const auto refused = wrong.refusal();
  REQUIRE(refused.has_value());
  std::string told;
  const auto problem_document = json::parse(refused->body);
  for (const auto& e : problem_document.at("errors"))
    told += e.at("pointer").get<std::string>() + " ";
  CHECK(told == "#/name #/missing #/ttl #/to #/extra~1~0 ");
}

TEST_CASE("an end is for how long or until when, not both, not in the past") {
  const auto end = [](const char* text) {
    const auto document = json::parse(text);
    body_reader body(document);
    const auto at = body.end(1000);
    return body.refusal() ? -1 : at;
  };
  CHECK(end(R"({"for":"1s"})") == 1'000'001'000);
  CHECK(end(R"({"until":"1970-01-01T00:00:01Z"})") == 1'000'000'000);
  CHECK(end(R"({})") == -1);
  CHECK(end(R"({"for":"1s","until":"2030-01-01T00:00:00Z"})") == -1);
  CHECK(end(R"({"until":0})") == -1);
  CHECK(end(R"({"for":-5})") == -1);
}

TEST_CASE("Prefer: wait is read as RFC 7240 writes it") {
  const auto wait = [](pairs headers) {
    request r;
    r.headers = std::move(headers);
    return preferred_wait(r) / 1'000'000'000;
  };
  CHECK(wait({}) == 0);
  CHECK(wait({{"prefer", "wait=5"}}) == 5);
  CHECK(wait({{"prefer", "respond-async, wait=10"}}) == 10);
  CHECK(wait({{"prefer", "respond-async"}}) == 0);
  CHECK(wait({{"prefer", "wait=\"7\""}}) == 7);
  CHECK(wait({{"prefer", " wait = 3 "}}) == 3);
  CHECK(wait({{"prefer", "respond-async"}, {"prefer", "wait=4"}}) == 4);
  CHECK(wait({{"prefer", "wait=9999999"}}) == longest_wait_ns / 1'000'000'000);
  for (const char* wrong :
       {"wait=", "wait=-1", "wait=5s", "waiting=5", "wait=99999999999999999999"})
    CHECK(wait({{"prefer", wrong}}) == 0);
}

TEST_CASE("a page leads to the next one by a link that keeps the question") {
  auto r = asked({{"glob", "a b&c:*"}, {"cursor", "old"}, {"limit", "5"}});
  const auto page = page_reply(r, {{"items", json::array()}}, "NEW");
  CHECK(json::parse(page.body).at("next") == "NEW");
  REQUIRE(page.headers.size() == 2);
  CHECK(page.headers[1].second ==
        "</api/v1/twins?glob=a%20b%26c%3A%2A&limit=5&cursor=NEW>; rel=\"next\"");
  const auto last = page_reply(r, {{"items", json::array()}}, "");
  CHECK(json::parse(last.body).at("next").is_null());
  CHECK(last.headers.size() == 1);
}

TEST_CASE("tags are compared as RFC 9110 says") {
  CHECK(names_tag("\"rev:1\"", "\"rev:1\""));
  CHECK(names_tag("\"a\", W/\"rev:1\"", "\"rev:1\""));
  CHECK(names_tag("*", "\"rev:1\""));
  CHECK_FALSE(names_tag("\"rev:12\"", "\"rev:1\""));
  CHECK_FALSE(names_tag("", "\"rev:1\""));
}
