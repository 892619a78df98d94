// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/dressing.hpp"
#include <algorithm>
#include <cstdlib>
#include <zlib.h>

namespace pollux::bridge::http {

namespace {

constexpr std::string_view gzip_ending = "-gzip\"";
constexpr int quick = 3; ///< half the time of zlib's default for about 5 % more bytes

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// ";q=0.5" behind a coding; 1 without one.
double weight(std::string_view parameters) {
  const auto q = parameters.find("q=");
  return q == std::string_view::npos
             ? 1
             : std::strtod(std::string(parameters.substr(q + 2)).c_str(), nullptr);
}

bool is_text(std::string_view type) {
  return type.starts_with("text/") || type.starts_with("application/json") ||
         type.find("+json") != std::string_view::npos || type.starts_with("image/svg") ||
         type.starts_with("application/javascript") || type.starts_with("application/openmetrics");
}

void add_vary(response& r, std::string_view on) {
  for (auto& [name, value] : r.headers)
    if (name == "Vary") {
      value += ", " + std::string(on);
      return;
    }
  r.headers.emplace_back("Vary", std::string(on));
}

bool has(const response& r, std::string_view header) {
  return std::any_of(r.headers.begin(), r.headers.end(),
                     [&](const auto& h) { return h.first == header; });
}

} // namespace

bool takes_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const auto end = std::min(accept_encoding.find(','), accept_encoding.size());
    const auto one = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    const auto mark = std::min(one.find(';'), one.size());
    const auto coding = trimmed(one.substr(0, mark));
    const bool wanted = weight(one.substr(mark)) > 0;
    if (coding == "gzip" || coding == "x-gzip") return wanted;
    if (coding == "*") any = wanted;
  }
  return any;
}

std::string gzipped(std::string_view bytes) {
  z_stream z{};
  constexpr int window_bits = 15 + 16; // with a gzip header
  if (::deflateInit2(&z, quick, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(::deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); // zlib only reads it
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const bool whole = ::deflate(&z, Z_FINISH) == Z_STREAM_END;
  out.resize(whole ? z.total_out : 0);
  ::deflateEnd(&z);
  return out;
}

std::string gzip_tag(std::string_view tag) {
  if (!tag.starts_with('"') || tag.size() < 2) return std::string(tag);
  return std::string(tag.substr(0, tag.size() - 1)) + std::string(gzip_ending);
}

bool is_gzip_tag_of(std::string_view tag, std::string_view plain) {
  return plain.starts_with('"') && tag.size() + 1 == plain.size() + gzip_ending.size() &&
         tag.starts_with(plain.substr(0, plain.size() - 1)) && tag.ends_with(gzip_ending);
}

void dress(response& r, const dressing& how) {
  if (!how.origin.empty()) {
    r.headers.emplace_back("Access-Control-Allow-Origin", how.origin);
    r.headers.emplace_back("Access-Control-Expose-Headers",
                           "ETag, Link, Location, Retry-After, Preference-Applied");
    add_vary(r, "Origin");
  }
  if (r.status == 304) add_vary(r, "Accept-Encoding"); // as the 200 it stands for
  const bool large = r.body.size() >= least_compressed && r.body.size() < (1U << 31);
  if (!large || !is_text(r.content_type) || has(r, "Content-Encoding")) return;
  add_vary(r, "Accept-Encoding");
  if (!how.gzip) return;
  auto smaller = gzipped(r.body);
  if (smaller.empty() || smaller.size() >= r.body.size()) return;
  r.body = std::move(smaller);
  for (auto& [name, value] : r.headers)
    if (name == "ETag") value = gzip_tag(value);
  r.headers.emplace_back("Content-Encoding", "gzip");
}

} // namespace pollux::bridge::http
