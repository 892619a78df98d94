// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_csv.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <zlib.h>

namespace pollux::tools {

namespace {
constexpr std::size_t max_line_bytes = 1 << 20;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Digits and one point, held as an integer number of nanoseconds: 0.1 s is exactly 100 ms.
result<std::int64_t> parse_epoch(std::string_view text, csv_time format) {
  double value = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value))
    return failure{errc::invalid_argument, "'" + std::string(text) + "' is no time"};
  const double magnitude = std::fabs(value);
  double unit = format == csv_time::seconds        ? 1e9
                : format == csv_time::milliseconds ? 1e6
                : format == csv_time::microseconds ? 1e3
                : format == csv_time::nanoseconds  ? 1
                : magnitude < 1e11                 ? 1e9
                : magnitude < 1e14                 ? 1e6
                : magnitude < 1e17                 ? 1e3
                                                   : 1;
  if (magnitude * unit >= 9.2e18)
    return failure{errc::invalid_argument, "'" + std::string(text) + "' is beyond the year 2262"};
  std::int64_t whole = 0;
  const auto point = std::from_chars(text.data(), end, whole);
  const auto scale = static_cast<std::int64_t>(unit);
  if (point.ec != std::errc() || (point.ptr != end && *point.ptr != '.') ||
      text.find_first_of("eE") != std::string_view::npos)
    return static_cast<std::int64_t>(std::llround(value * unit)); // 1.7e9
  std::int64_t fraction = 0, digit = scale;
  for (const char* c = point.ptr; c != end; ++c) {
    if (c == point.ptr) continue;
    digit /= 10;
    fraction += (*c - '0') * digit;
  }
  return whole * scale + (text.front() == '-' ? -fraction : fraction);
}
} // namespace

struct line_reader::state {
  gzFile file = nullptr;
  std::string name;
  std::uint64_t lines = 0;
  status error;
  std::array<char, 65536> buffer;
  std::size_t at = 0, filled = 0;
  ~state() {
    if (file) gzclose(file);
  }

  bool fill() {
    const int got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()));
    at = 0;
    filled = got > 0 ? static_cast<std::size_t>(got) : 0;
    int code = 0;
    const char* why = gzerror(file, &code);
    if (got < 0 || (got == 0 && code != Z_OK && code != Z_STREAM_END))
      error = failure{errc::corrupt, name + ": " + (code == Z_ERRNO ? std::strerror(errno) : why)};
    return filled > 0;
  }
};

line_reader::line_reader(std::unique_ptr<state> s) : state_(std::move(s)) {}
line_reader::line_reader(line_reader&&) noexcept = default;
line_reader::~line_reader() = default;
std::uint64_t line_reader::line_number() const noexcept { return state_->lines; }
const status& line_reader::error() const noexcept { return state_->error; }
std::uint64_t line_reader::offset() const {
  return static_cast<std::uint64_t>(std::max<z_off_t>(0, gzoffset(state_->file)));
}

result<line_reader> line_reader::open(const std::string& path) {
  auto s = std::make_unique<state>();
  s->name = path;
  s->file = gzopen(path.c_str(), "rb");
  if (!s->file) {
    const int why = errno;
    return failure{why == ENOENT ? errc::not_found : errc::io, path + ": " + std::strerror(why)};
  }
  gzbuffer(s->file, 1 << 17);
  return line_reader(std::move(s));
}

bool line_reader::next(std::string& line) {
  line.clear();
  auto& s = *state_;
  bool any = false;
  while (s.at < s.filled || s.fill()) {
    any = true;
    const char* begin = s.buffer.data() + s.at;
    const auto* end = static_cast<const char*>(std::memchr(begin, '\n', s.filled - s.at));
    line.append(begin, end ? end : s.buffer.data() + s.filled);
    s.at = end ? static_cast<std::size_t>(end - s.buffer.data()) + 1 : s.filled;
    if (line.size() > max_line_bytes) {
      s.error = failure{errc::invalid_argument,
                        s.name + ":" + std::to_string(s.lines + 1) + ": a line of more than 1 MB"};
      return false;
    }
    if (end) break;
  }
  if (!any || !s.error.ok()) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (++s.lines == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  return true;
}

void split_csv(std::string_view line, char separator, std::vector<std::string>& cells) {
  std::size_t used = 0, at = 0;
  for (;;) {
    if (used == cells.size()) cells.emplace_back();
    auto& cell = cells[used++];
    cell.clear();
    const auto start = line.find_first_not_of(" ", at);
    if (start != std::string_view::npos && line[start] == '"') {
      at = start + 1;
      while (at < line.size() &&
             (line[at] != '"' || (at + 1 < line.size() && line[at + 1] == '"'))) {
        if (line[at] == '"') ++at;
        cell += line[at++];
      }
      at = line.find(separator, std::min(at, line.size()));
    } else {
      const auto end = line.find(separator, at);
      cell = trimmed(line.substr(at, end == std::string_view::npos ? end : end - at));
      at = end;
    }
    if (at == std::string_view::npos) break;
    ++at;
  }
  cells.resize(used);
}

char guess_separator(std::string_view header) {
  char best = ',';
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', ';', '\t'}) {
    const auto n = std::count(header.begin(), header.end(), candidate);
    if (n > most) {
      most = n;
      best = candidate;
    }
  }
  return best;
}

result<std::int64_t> parse_csv_time(std::string_view text, csv_time format) {
  text = trimmed(text);
  if (text.empty()) return failure{errc::invalid_argument, "the time is missing"};
  const bool written = text.size() >= 10 && text[4] == '-' && text[7] == '-';
  if (format == csv_time::rfc3339 || (format == csv_time::automatic && written)) {
    auto parsed = parse_rfc3339(text);
    if (parsed.ok()) return parsed;
    // without an offset: taken as UTC, as the recorded sets here mean it
    auto as_utc = parse_rfc3339(std::string(text) + (text.size() == 10 ? "T00:00:00Z" : "Z"));
    return as_utc.ok() ? as_utc : parsed;
  }
  return parse_epoch(text, format);
}

} // namespace pollux::tools
