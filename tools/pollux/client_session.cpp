// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/client_session.hpp"
#include "config/config.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <pwd.h>
#include <thread>
#include <unistd.h>

namespace pollux::cli {

std::shared_ptr<node_options> add_node_options(CLI::App* verb) {
  auto options = std::make_shared<node_options>();
  verb->add_option("--data", options->data,
                   "the node's data folder, which holds the client's certificate "
                   "[default: as the configuration file says, else data]")
      ->type_name("DIR");
  verb->add_option("--server", options->server,
                   "where the node listens [default: as written in the data folder]")
      ->type_name("HOST:PORT");
  verb->add_option("--timeout", options->timeout,
                   "longest wait for the node, each time it is asked")
      ->type_name("DURATION")
      ->capture_default_str();
  return options;
}

result<std::string> data_folder(const node_options& options, const context& ctx) {
  if (!options.data.empty()) return options.data;
  std::error_code ignored;
  if (!ctx.config_given && !std::filesystem::exists(ctx.config_file, ignored))
    return std::string("data");
  const auto settings = config::load(ctx.config_file);
  if (!settings) return settings.error();
  return settings->node.data;
}

int finish(int code) {
  std::cout.flush();
  if (!std::cout && !reader_gone() && code == exit_ok)
    code = fail(exit_failure, "cannot write to stdout: is the disk full?");
  if (bridge::remote::must_exit_hard()) {
    std::cerr.flush();
    std::_Exit(code);
  }
  return code;
}

int with_node(const context& ctx, const node_options& options,
              const std::function<int(client&)>& body) {
  std::signal(SIGPIPE, SIG_IGN); // a reader that goes away shows as a failed write
  const auto timeout = parse_wait(options.timeout, "--timeout");
  if (!timeout) return fail(timeout.error());
  const auto data = data_folder(options, ctx);
  if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
  int code = exit_ok;
  {
    auto node = client::connect({*data, options.server, *timeout});
    if (node)
      code = body(**node);
    else {
      const bool absent = node.error().code == errc::unavailable;
      code = fail(node.error(), absent ? "is the node running? (pollux serve)" : "");
    }
  }
  return finish(code);
}

result<std::chrono::milliseconds> parse_wait(const std::string& text, const char* option) {
  const auto duration = parse_duration(text);
  if (!duration) return duration.error().within(option);
  if (*duration < ns_per_ms || *duration > 86'400 * ns_per_s)
    return failure{errc::invalid_argument,
                   std::string(option) + ": between 1ms and 1d, got " + text};
  return std::chrono::milliseconds(*duration / ns_per_ms);
}

result<std::int64_t> parse_when(const std::string& text) {
  std::int64_t seconds = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, seconds);
  if (read.ec == std::errc{} && read.ptr == end) {
    constexpr std::int64_t limit = 9'223'372'036;
    if (seconds < -limit || seconds > limit)
      return failure{errc::invalid_argument, "time " + text + ": is not in seconds since 1970"};
    return seconds * ns_per_s;
  }
  return parse_rfc3339(text);
}

bool pause(std::chrono::milliseconds duration) {
  const auto until = std::chrono::steady_clock::now() + duration;
  while (!interrupted() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::min(duration, std::chrono::milliseconds(20)));
  return !interrupted();
}

std::string asker() {
  char text[4096];
  passwd entry{};
  passwd* named = nullptr;
  if (::getpwuid_r(::getuid(), &entry, text, sizeof text, &named) == 0 && named != nullptr)
    return named->pw_name;
  return "uid " + std::to_string(::getuid());
}

} // namespace pollux::cli
