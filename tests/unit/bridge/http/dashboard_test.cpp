// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/server.hpp"
#include "bridge/http/web/dashboard.hpp"
#include "tests/unit/bridge/http/plain_client.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>
#include <zlib.h>

using namespace pollux;
using namespace pollux::bridge::http;
using tests::plain_client;

namespace {
constexpr web_file few[] = {
    {"/assets/app-0a1b2c3d.js", "let plain;", "pressed", "t1"},
    {"/icon.svg", "<svg/>", {}, "t2"},
    {"/index.html", "<!doctype html>", {}, "t3"},
};

struct served_files {
  explicit served_files(std::span<const web_file> files = few) {
    const auto told = [](const request& r, const responder& respond) {
      response out;
      out.body = r.path;
      respond(out);
    };
    http.route("GET", "/api/v1/stats", told);
    http.route("POST", "/api/v1/jobs", told);
    http.route("GET", "/models/{name}", told);
    http.rest(is_page, dashboard(files));
    port = *http.start("127.0.0.1", 0);
  }
  server http;
  std::uint16_t port = 0;
};

std::string inflated(std::string_view bytes) {
  z_stream z{};
  REQUIRE(::inflateInit2(&z, 15 + 16) == Z_OK);
  std::string out(8 << 20, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  CHECK(::inflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  ::inflateEnd(&z);
  return out;
}

const web_file* one_of(std::string_view path) {
  const auto all = web_files();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.path == path; });
  return found == all.end() ? nullptr : &*found;
}
} // namespace

TEST_CASE("a file comes with its type, its tag and the policy of the dashboard") {
  served_files s;
  plain_client c(s.port);
  const auto page = c.get("/");
  CHECK(page.status == 200);
  CHECK(page.body == "<!doctype html>");
  CHECK(page.header("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.header("Cache-Control") == "no-cache");
  CHECK(page.header("Content-Security-Policy") ==
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'");
  CHECK(page.header("X-Content-Type-Options") == "nosniff");
  CHECK(page.header("Referrer-Policy") == "no-referrer");
  const auto icon = c.get("/icon.svg");
  CHECK(icon.header("Content-Type") == "image/svg+xml");
  CHECK(icon.header("Cache-Control") == "no-cache");
  const auto script = c.get("/assets/app-0a1b2c3d.js");
  CHECK(script.header("Content-Type") == "text/javascript; charset=utf-8");
  CHECK(script.header("Cache-Control") == "public, max-age=31536000, immutable");
}

TEST_CASE("who has the file gets 304; another content is sent") {
  served_files s;
  plain_client c(s.port);
  const auto tag = c.get("/").header("ETag");
  CHECK(tag == "W/\"t3\"");
  const auto same = c.get("/twins", "If-None-Match: " + tag + "\r\n");
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("ETag") == tag);
  CHECK(same.header("Content-Encoding").empty());
  CHECK(c.get("/", "If-None-Match: W/\"t1\"\r\n").status == 200);
}

TEST_CASE("the compressed form goes to who takes it, and the tag is the same") {
  served_files s;
  plain_client c(s.port);
  const auto pressed = c.get("/assets/app-0a1b2c3d.js", "Accept-Encoding: br, gzip\r\n");
  CHECK(pressed.body == "pressed");
  CHECK(pressed.header("Content-Encoding") == "gzip");
  CHECK(pressed.header("Vary") == "Accept-Encoding");
  const auto plain = c.get("/assets/app-0a1b2c3d.js", "Accept-Encoding: gzip;q=0\r\n");
  CHECK(plain.body == "let plain;");
  CHECK(plain.header("Content-Encoding").empty());
  CHECK(plain.header("ETag") == pressed.header("ETag"));
  CHECK(c.get("/", "Accept-Encoding: gzip\r\n").body == "<!doctype html>");
}

TEST_CASE("any address of a view is the page; HEAD has its header only") {
  served_files s;
  plain_client c(s.port);
  for (const std::string path :
       {"/twins", "/twins/plant1:motor.1", "/twins/plant1%3Amotor-1?at=now", "/alerts/a:b/7-0-0",
        "/nowhere", "/twins/", "/index.html"}) {
    CAPTURE(path);
    CHECK(c.get(path).body == "<!doctype html>");
  }
  c.send("HEAD /map HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = c.receive(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "15");
  CHECK(c.get("/").body == "<!doctype html>"); // no stray body bytes in between
}

TEST_CASE("what is not the dashboard's stays a 404, and its routes stay theirs") {
  served_files s;
  plain_client c(s.port);
  for (const std::string path :
       {"/api/v1/nothing", "/api", "/things/x/y/z", "/models", "/metrics", "/healthz",
        "/.well-known/nothing", "/openapi.json", "/assets/gone.js", "/assets/", "/.env",
        "/.git/config", "/robots.txt", "/favicon.ico"}) {
    CAPTURE(path);
    const auto r = c.get(path);
    CHECK(r.status == 404);
    CHECK(r.header("Content-Type") == "application/problem+json");
  }
  CHECK(c.get("/twins", "Accept: application/json\r\n").status == 404);
  CHECK(c.get("/api/v1/stats").body == "/api/v1/stats");
  CHECK(c.get("/models/motor").body == "/models/motor");
  CHECK(c.get("/api/v1/jobs").status == 405);
}

TEST_CASE("another method at an address of the dashboard is told what it takes") {
  served_files s;
  plain_client c(s.port);
  c.send("POST /twins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  const auto post = c.receive();
  CHECK(post.status == 405);
  CHECK(post.header("Allow") == "GET, HEAD");
  c.send("POST /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(c.receive().status == 404);
}

TEST_CASE("a path that climbs or hides where it leads is nobody's") {
  served_files s;
  plain_client c(s.port);
  for (const std::string path :
       {"/../etc/passwd", "/assets/../index.html", "/%2e%2e/etc/passwd", "/assets/%2E%2e/icon.svg",
        "/..%2f..%2fetc/passwd", "/assets/..%5c..%5cx", "/twins/./x", "//etc/passwd", "/twins//etc",
        "/icon.svg%00.html", "/twins/%0d%0aSet-Cookie:x", "/%61pi/v1/stats"}) {
    CAPTURE(path);
    CHECK(c.get(path).status == 404);
  }
  CHECK(c.get("/twins/%zz").status == 404);
}

TEST_CASE("the files of web/dist are in the program, byte for byte") {
  const auto files = web_files();
  REQUIRE(files.size() > 5);
  std::size_t scripts = 0;
  for (const auto& file : files) {
    CAPTURE(file.path);
    std::ifstream in(std::string(POLLUX_SOURCE_DIR) + "/web/dist" + std::string(file.path),
                     std::ios::binary);
    const std::string wanted((std::istreambuf_iterator<char>(in)), {});
    CHECK(in.good());
    CHECK(wanted == file.bytes);
    if (!file.gzip.empty()) CHECK(inflated(file.gzip) == file.bytes);
    const bool script = file.path.ends_with(".js");
    scripts += script ? 1 : 0;
    CHECK((!script || !file.gzip.empty()));
    // what may be kept for a year must have another name when it changes
    if (file.path.starts_with("/assets/"))
      CHECK(file.path.find('-', file.path.rfind('/')) != std::string_view::npos);
  }
  CHECK(scripts > 0);
}

TEST_CASE("the page names files that are there, and no other host") {
  const auto* page = one_of("/index.html");
  REQUIRE(page != nullptr);
  std::size_t named = 0;
  for (auto at = page->bytes.find("=\"/"); at != std::string_view::npos;
       at = page->bytes.find("=\"/", at + 1)) {
    const auto path = page->bytes.substr(at + 2, page->bytes.find('"', at + 2) - at - 2);
    CAPTURE(path);
    CHECK(one_of(path) != nullptr);
    ++named;
  }
  CHECK(named >= 3);
  CHECK(page->bytes.find("http") == std::string_view::npos);
}
