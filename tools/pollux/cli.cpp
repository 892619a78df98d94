// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/cli.hpp"
#include <algorithm>
#include <csignal>
#include <iostream>
#include <unistd.h>

namespace pollux::cli {

namespace {
volatile std::sig_atomic_t interrupts = 0;

void on_signal(int) {
  if (interrupts != 0) ::_exit(exit_interrupted);
  interrupts = 1;
}

/// Characters, not bytes: UTF-8 continuation bytes take no column.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}
} // namespace

void on_run(CLI::App* verb, context& ctx, std::function<int()> body) {
  verb->callback([&ctx, run = std::move(body)] { ctx.run = run; });
}

int exit_code_of(const failure& f) noexcept {
  switch (f.code) {
  case errc::invalid_argument: return exit_usage;
  case errc::not_found: return exit_not_found;
  case errc::refused: return exit_refused;
  case errc::already_exists:
  case errc::conflict:
  case errc::locked: return exit_conflict;
  case errc::timed_out: return exit_timed_out;
  case errc::unavailable: return exit_unreachable;
  default: return exit_failure;
  }
}

int fail(int code, std::string_view what, std::string_view hint) {
  std::cerr << "pollux: " << what << '\n';
  if (!hint.empty()) std::cerr << "  " << hint << '\n';
  return code;
}

int fail(const failure& f, std::string_view hint) { return fail(exit_code_of(f), f.what, hint); }

void table::print(bool bold) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      line += rows_[r][i];
      if (i + 1 < rows_[r].size()) line.append(widths[i] - width(rows_[r][i]) + 2, ' ');
    }
    std::cout << (r == 0 ? painted(line, 1, bold) : line) << '\n';
  }
}

std::string painted(std::string_view text, int code, bool on) {
  if (!on) return std::string(text);
  return "\x1b[" + std::to_string(code) + "m" + std::string(text) + "\x1b[0m";
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal; // no SA_RESTART: a waiting read returns
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() noexcept { return interrupts != 0; }

} // namespace pollux::cli
