// SPDX-License-Identifier: Apache-2.0
// What stands before the handlers, and what answers get on their way out.
#include "bridge/http/api/reply.hpp"
#include "bridge/http/gate.hpp"
#include "bridge/http/wire/head.hpp"
#include <doctest/doctest.h>
#include <zlib.h>

using namespace pollux::bridge::http;

namespace {
constexpr std::int64_t second = 1'000'000'000;

struct tried {
  gate entrance;
  router routes;
  explicit tried(gate_options options = {}) : entrance(std::move(options)) {
    routes.add("GET", "/a", [](const request&, const responder&) {});
    routes.add("POST", "/a", [](const request&, const responder&) {});
  }
  gate::decision ask(const char* method, pairs headers, std::int64_t now_ns = 0) {
    request r;
    r.method = method;
    r.headers = std::move(headers);
    r.headers.emplace_back("host", "localhost:8080");
    r.peer = "127.0.0.1";
    return entrance.decide(r, "/a", true, routes, now_ns);
  }
  unsigned status(const char* method, pairs headers = {}, std::int64_t now_ns = 0) {
    const auto d = ask(method, std::move(headers), now_ns);
    return d.run != nullptr ? 200 : d.instead.status;
  }
};

std::string header(const response& r, std::string_view name) {
  for (const auto& [n, v] : r.headers)
    if (n == name) return v;
  return {};
}

std::string unpacked(const std::string& bytes, std::size_t size) {
  std::string out(size + 1, '\0');
  z_stream z{};
  REQUIRE(::inflateInit2(&z, 15 + 16) == Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::inflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  ::inflateEnd(&z);
  return out;
}
} // namespace

TEST_CASE("a page of another origin may read nothing and change nothing") {
  tried t;
  CHECK(t.status("POST") == 200); // no browser
  CHECK(t.status("POST", {{"origin", "http://localhost:8080"}}) == 200);
  CHECK(t.status("POST", {{"origin", "https://evil.example"}}) == 403);
  CHECK(t.status("POST", {{"origin", "http://localhost:9999"}}) == 403);
  CHECK(t.status("POST", {{"origin", "null"}}) == 403);
  CHECK(t.status("POST", {{"sec-fetch-site", "cross-site"}}) == 403);
  CHECK(t.status("GET", {{"origin", "https://evil.example"}, {"upgrade", "websocket"}}) == 403);
  const auto read = t.ask("GET", {{"origin", "https://evil.example"}});
  CHECK(read.run != nullptr);
  CHECK(read.how.origin.empty());
}

TEST_CASE("an origin of the settings may ask, and learns so beforehand") {
  tried t({true, {"https://desk.example"}, 0});
  CHECK(t.status("POST", {{"origin", "https://desk.example"}}) == 200);
  CHECK(t.ask("GET", {{"origin", "https://desk.example"}}).how.origin == "https://desk.example");
  const auto before = t.ask(
      "OPTIONS", {{"origin", "https://desk.example"}, {"access-control-request-method", "POST"}});
  CHECK(before.instead.status == 204);
  CHECK(header(before.instead, "Access-Control-Allow-Methods") == "GET, HEAD, POST");
  CHECK(header(before.instead, "Access-Control-Allow-Headers").find("If-Match") !=
        std::string::npos);
  const auto other = t.ask(
      "OPTIONS", {{"origin", "https://evil.example"}, {"access-control-request-method", "POST"}});
  CHECK(other.instead.status == 204);
  CHECK(header(other.instead, "Access-Control-Allow-Methods").empty());
  CHECK(header(other.instead, "Allow") == "GET, HEAD, POST, OPTIONS");
}

TEST_CASE("a client that asks too often is told when to come again") {
  tried t({true, {}, 2});
  for (int i = 0; i < 4; ++i) CHECK(t.status("GET", {}, 0) == 200); // two seconds' worth at once
  const auto refused = t.ask("GET", {}, 0);
  CHECK(refused.instead.status == 429);
  CHECK(header(refused.instead, "Retry-After") == "1");
  CHECK(t.status("GET", {}, second) == 200);
  CHECK(t.status("GET", {}, second) == 200);
  CHECK(t.status("GET", {}, second) == 429);
}

TEST_CASE("each client has a bucket of its own, and there are only so many") {
  client_rate rate(1, 100);
  CHECK(rate.take("10.0.0.1", 0) == 0);
  CHECK(rate.take("10.0.0.1", 0) == 0);
  CHECK(rate.take("10.0.0.1", 0) == 1);
  CHECK(rate.take("10.0.0.2", 0) == 0);
  for (int i = 0; i < 1000; ++i) CHECK(rate.take("10.1.0." + std::to_string(i), i * second) == 0);
  CHECK(rate.clients() <= 100);
  client_rate none(0);
  for (int i = 0; i < 100; ++i) CHECK(none.take("10.0.0.1", 0) == 0);
  CHECK(none.clients() == 0);
}

TEST_CASE("addresses of one IPv6 network are one client") {
  CHECK(client_of("2001:db8:1:2::1") == client_of("2001:db8:1:2:ffff::9"));
  CHECK(client_of("2001:db8:1:2::1") != client_of("2001:db8:1:3::1"));
  CHECK(client_of("fe80::1%eth0") == client_of("fe80::2"));
  CHECK(client_of("::ffff:10.0.0.1") != client_of("::ffff:10.0.0.2"));
  CHECK(client_of("10.0.0.1") == "10.0.0.1");
}

TEST_CASE("who takes gzip says so") {
  for (const char* yes : {"gzip", "deflate, gzip;q=0.5", "*", "br, *;q=0.1", "x-gzip"})
    CHECK(takes_gzip(yes));
  for (const char* no : {"", "identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0, *"})
    CHECK_FALSE(takes_gzip(no));
}

TEST_CASE("large texts are compressed for those who take it, and unpack to the same bytes") {
  response r;
  r.content_type = "application/json";
  for (int i = 0; i < 300; ++i) r.body += "{\"row\":" + std::to_string(i) + "},";
  const auto before = r.body;
  auto plain = r;
  dress(plain, {});
  CHECK(plain.body == before);
  CHECK(header(plain, "Vary") == "Accept-Encoding");
  dress(r, {true, "https://desk.example"});
  CHECK(header(r, "Content-Encoding") == "gzip");
  CHECK(header(r, "Vary") == "Origin, Accept-Encoding");
  CHECK(header(r, "Access-Control-Allow-Origin") == "https://desk.example");
  CHECK(r.body.size() < before.size() / 3);
  CHECK(unpacked(r.body, before.size()) == before);
}

TEST_CASE("a compressed answer has a strong tag of its own, or keeps its weak one") {
  const auto packed_tag = [](const char* tag) {
    response r;
    r.content_type = "application/json";
    r.body = std::string(5000, 'x');
    r.headers.emplace_back("ETag", tag);
    auto plain = r;
    dress(plain, {});
    CHECK(header(plain, "ETag") == tag);
    dress(r, {true, ""});
    return std::string(header(r, "ETag"));
  };
  CHECK(packed_tag("\"rev:42\"") == "\"rev:42-gzip\"");
  CHECK(packed_tag("W/\"rev:42\"") == "W/\"rev:42\"");
  CHECK(names_tag("\"a\", \"rev:42-gzip\"", "\"rev:42\""));
  CHECK(names_tag("W/\"rev:42\"", "\"rev:42\""));
  CHECK(names_tag("W/\"x\"", "W/\"x\""));
  for (const char* other : {"\"rev:4-gzip\"", "\"rev:42-gzi\"", "\"rev:42-gzip-gzip\"",
                            "\"rev:421\"", "\"-gzip\"", "rev:42-gzip", "\"rev:42", ""})
    CHECK_FALSE(names_tag(other, "\"rev:42\""));
  response known;
  known.body = "{}";
  known = tagged(std::move(known), "\"rev:42-gzip\"", "\"rev:42\"");
  CHECK(known.status == 304);
  CHECK(header(known, "ETag") == "\"rev:42-gzip\"");
}

TEST_CASE("no value adds a field to a head or begins a body") {
  response r;
  r.content_type = "text/plain\r\nX-Evil: 1";
  r.headers.emplace_back("Location", std::string("/a\r\n\r\nX-Evil: 2\0\n", 19));
  const auto head = head_of(r, 11, true);
  CHECK(head.find("\nX-Evil") == std::string::npos);
  CHECK(head.find("Location: /aX-Evil: 2\r\n") != std::string::npos);
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.find("Connection") == std::string::npos);
  CHECK(head_of(r, 10, true).find("Connection: keep-alive\r\n") != std::string::npos);
  CHECK(head_of(r, 11, false).find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("small answers, pictures and what is compressed already go as they are") {
  response small;
  small.content_type = "application/json";
  small.body = "{}";
  dress(small, {true, ""});
  CHECK(small.body == "{}");
  CHECK(header(small, "Vary").empty());
  response picture;
  picture.content_type = "image/png";
  picture.body = std::string(5000, 'x');
  dress(picture, {true, ""});
  CHECK(picture.body.size() == 5000);
  response done;
  done.content_type = "text/css";
  done.body = std::string(5000, 'x');
  done.headers.emplace_back("Content-Encoding", "gzip");
  dress(done, {true, ""});
  CHECK(done.body.size() == 5000);
}
