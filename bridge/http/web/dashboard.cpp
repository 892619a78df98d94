// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/web/dashboard.hpp"
#include "bridge/http/api/reply.hpp"
#include "bridge/http/dressing.hpp"
#include <algorithm>
#include <array>

namespace pollux::bridge::http {

namespace {

constexpr std::string_view home = "/index.html";
constexpr std::string_view hashed = "/assets/";
/// First words of addresses that are not the dashboard's, known there or not.
constexpr std::array<std::string_view, 10> taken{"api",         "events",      "things", "models",
                                                 "metrics",     "healthz",     "livez",  "readyz",
                                                 ".well-known", "openapi.json"};
/// No other host, no inline script or style, not within a frame.
constexpr const char* policy =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

std::string_view type_of(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> types{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
  }};
  const auto found = std::find_if(types.begin(), types.end(),
                                  [&](const auto& type) { return path.ends_with(type.first); });
  return found == types.end() ? "application/octet-stream" : found->second;
}

const web_file* find(std::span<const web_file> files, std::string_view path) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.path == path; });
  return found == files.end() ? nullptr : &*found;
}

bool takes_html(std::string_view accept) {
  return accept.empty() || accept.find("text/html") != std::string_view::npos ||
         accept.find("*/*") != std::string_view::npos;
}

response file_reply(const web_file& file, const request& asked) {
  response out;
  out.content_type = type_of(file.path);
  const bool forever = file.path.starts_with(hashed);
  out.headers = {{"Cache-Control", forever ? "public, max-age=31536000, immutable" : "no-cache"},
                 {"Content-Security-Policy", policy},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cross-Origin-Opener-Policy", "same-origin"},
                 {"Cross-Origin-Resource-Policy", "same-origin"}};
  out.body = file.bytes; // of which the tag tells, however they are sent: hence a weak one
  out = tagged(std::move(out), asked, "W/\"" + std::string(file.tag) + "\"");
  if (out.status == 304 || file.gzip.empty() || !takes_gzip(asked.header("accept-encoding")))
    return out;
  out.body = file.gzip;
  out.headers.emplace_back("Content-Encoding", "gzip");
  out.headers.emplace_back("Vary", "Accept-Encoding");
  return out;
}

} // namespace

bool is_page(std::string_view path) {
  if (!path.starts_with('/') || path.find("//") != std::string_view::npos) return false;
  const auto plain = percent_decode(path, false);
  if (!plain) return false;
  const bool hidden = std::count(plain->begin(), plain->end(), '/') !=
                      std::count(path.begin(), path.end(), '/'); // "%2f"
  const bool strange = std::any_of(plain->begin(), plain->end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f || c == '\\';
  });
  if (hidden || strange) return false;
  auto rest = std::string_view(*plain).substr(1);
  const auto first = rest.substr(0, rest.find('/'));
  if (std::find(taken.begin(), taken.end(), first) != taken.end()) return false;
  while (true) {
    const auto end = rest.find('/');
    const auto segment = rest.substr(0, end);
    if (segment == "." || segment == "..") return false;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return true;
}

handler dashboard(std::span<const web_file> files) {
  return [files](const request& asked, const responder& respond) {
    if (const auto* file = find(files, asked.path)) return respond(file_reply(*file, asked));
    const auto first = std::string_view(asked.path).substr(1, asked.path.find('/', 1) - 1);
    const bool file_like = asked.path.starts_with(hashed) ||
                           (first.find('.') != std::string_view::npos && first != home.substr(1));
    const auto* page = find(files, home);
    if (file_like || page == nullptr || !takes_html(asked.header("accept")))
      return respond(problem(404, "there is nothing at " + asked.path));
    respond(file_reply(*page, asked));
  };
}

} // namespace pollux::bridge::http
