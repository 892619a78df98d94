// SPDX-License-Identifier: Apache-2.0
// The logger behind log.hpp. Its state is made at first use and never destroyed: threads of
// libraries may still log while the process ends.
#include "messages/observability/log.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/rate_limit.hpp"
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace pollux::messages::log {

namespace {
struct logger_state {
  std::mutex mutex;
  rate_limiter limiter;
  spdlog::logger out{"pollux", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  std::function<void(std::string_view)> redirected;
  std::atomic<level> least{level::info};
  std::atomic<format> shape{format::text};

  logger_state() {
    out.set_pattern("%v"); // the line is made here, since text and JSON carry fields
    out.set_level(spdlog::level::trace);
    out.flush_on(spdlog::level::trace);
  }
};

logger_state& state() {
  static logger_state& the = *new logger_state;
  return the;
}

const char* level_name(level l) {
  switch (l) {
  case level::trace: return "trace";
  case level::debug: return "debug";
  case level::info: return "info";
  case level::warning: return "warning";
  case level::error: return "error";
  case level::off: return "off";
  }
  return "off";
}

/// As a JSON string; invalid UTF-8 becomes U+FFFD, control characters are escaped.
std::string quote(std::string_view text) {
  using nlohmann::json;
  return json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
}

bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
  return true;
}

/// RFC 3339 with exactly three decimals, so that lines align.
std::string timestamp(std::int64_t now_ns) {
  auto text = format_rfc3339(now_ns - now_ns % ns_per_ms);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

template <class Fields>
std::string text_line(level l, std::string_view component, std::string_view message,
                      const Fields& fields, std::int64_t now_ns) {
  std::string line = timestamp(now_ns);
  std::string name = level_name(l);
  name.resize(8, ' ');
  line.append(" ").append(name).append(component).append(": ");
  // a message is ours, but may quote a library: never let it break the line
  const auto escaped = quote(message);
  line.append(escaped.size() == message.size() + 2 ? message : std::string_view(escaped));
  for (const auto& f : fields) {
    line.append("  ").append(f.name).append("=");
    line.append(f.quoted && !plain(f.value) ? quote(f.value) : f.value);
  }
  return line;
}

template <class Fields>
std::string json_line(level l, std::string_view component, std::string_view message,
                      const Fields& fields, std::int64_t now_ns) {
  std::string line = "{\"time\":\"" + timestamp(now_ns) + "\",\"level\":\"" + level_name(l) +
                     "\",\"component\":" + quote(component) + ",\"msg\":" + quote(message);
  for (const auto& f : fields)
    line.append(",").append(quote(f.name)).append(":").append(f.quoted ? quote(f.value) : f.value);
  return line + "}";
}

template <class Fields>
void emit(logger_state& s, level l, std::string_view component, std::string_view message,
          const Fields& fields, std::int64_t now_ns) {
  const auto line = s.shape == format::json ? json_line(l, component, message, fields, now_ns)
                                            : text_line(l, component, message, fields, now_ns);
  if (s.redirected) return s.redirected(line);
  s.out.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

void emit_held(logger_state& s, std::int64_t steady_ns, std::int64_t now_ns) {
  for (const auto& h : s.limiter.due(steady_ns))
    emit(s, h.at, h.component, h.message,
         std::initializer_list<field>{{"held_back", h.count}, {"within", "10s"}}, now_ns);
}

std::int64_t wall_clock_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t steady_clock_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}
} // namespace

field::field(std::string_view n, double v) : name(n), quoted(false) {
  char buffer[32];
  value = std::isfinite(v)
              ? std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr)
              : "null"; // JSON has no NaN
}

void configure(format f, level l) {
  state().shape = f;
  state().least = l;
}

void set_level(level l) { state().least = l; }

level current_level() { return state().least; }

bool parse_level(std::string_view text, level& out) {
  for (const auto l :
       {level::trace, level::debug, level::info, level::warning, level::error, level::off}) {
    if (text != level_name(l)) continue;
    out = l;
    return true;
  }
  return false;
}

void write(level l, std::string_view component, std::string_view message,
           std::initializer_list<field> fields) {
  auto& s = state();
  if (l == level::off || l < s.least.load(std::memory_order_relaxed)) return;
  const auto now_ns = wall_clock_ns();
  const std::lock_guard lock(s.mutex);
  // windows follow the steady clock: a step of the wall clock must not silence a place
  const auto steady_ns = steady_clock_ns();
  emit_held(s, steady_ns, now_ns);
  if (s.limiter.admit(l, component, message, steady_ns))
    emit(s, l, component, message, fields, now_ns);
}

void flush() {
  auto& s = state();
  const std::lock_guard lock(s.mutex);
  emit_held(s, steady_clock_ns(), wall_clock_ns());
  s.out.flush();
}

void redirect(std::function<void(std::string_view)> to) {
  auto& s = state();
  const std::lock_guard lock(s.mutex);
  s.redirected = std::move(to);
}

} // namespace pollux::messages::log
