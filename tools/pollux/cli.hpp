// SPDX-License-Identifier: Apache-2.0
// What every verb of the command line shares: options, exit codes, output. Data goes to stdout,
// everything else to stderr; the output format never changes the exit code.
#pragma once
#include "domain/base/result.hpp"
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::cli {

/// Exit codes, as --help tells them.
enum exit_code : int {
  exit_ok = 0,
  exit_failure = 1,
  exit_usage = 2,
  exit_not_found = 3,
  exit_refused = 4,
  exit_conflict = 5,
  exit_timed_out = 6,
  exit_unreachable = 7,
  exit_data = 65,
  exit_configuration = 78,
  exit_interrupted = 130,
};

enum class output : std::uint8_t { table, json, jsonl };

/// Filled by the options that stand before or after any verb.
struct context {
  std::string config_file = "config/pollux.toml"; ///< -c, or POLLUX_CONFIG
  bool config_given = false;                      ///< by option or environment
  output format = output::table;                  ///< -o
  bool no_color = false;                          ///< --no-color
  bool color = false;       ///< stdout is a terminal, and neither --no-color nor NO_COLOR
  bool quiet = false;       ///< -q: nothing on stderr but errors
  std::function<int()> run; ///< set by the verb that was chosen; main() calls it once all is parsed
};

/// Makes `verb` the one that runs `body` (which gives an exit code) when the user chose it.
void on_run(CLI::App* verb, context& ctx, std::function<int()> body);

/// The exit code that fits a failure.
[[nodiscard]] int exit_code_of(const failure& f) noexcept;

/// Prints "pollux: <what>" on stderr and gives the exit code. `hint`, when not empty, says what to
/// do about it, on a line of its own.
int fail(const failure& f, std::string_view hint = {});
int fail(int code, std::string_view what, std::string_view hint = {});

/// Rows of text in aligned columns; the last column is not padded. Columns narrower than their
/// longest cell never happen: nothing is cut.
class table {
public:
  explicit table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const noexcept { return rows_.size() == 1; }
  /// Prints the header (bold when `bold`) and the rows on stdout.
  void print(bool bold) const;

private:
  std::vector<std::vector<std::string>> rows_;
};

/// `text` in an ANSI colour (31 red, 32 green, 33 yellow, 1 bold) when `on`.
[[nodiscard]] std::string painted(std::string_view text, int code, bool on);

/// From now on the first Ctrl-C or SIGTERM sets interrupted() instead of ending the process; a
/// second one ends it with 130. For verbs that wait and have something to put in order.
void catch_interrupts();
[[nodiscard]] bool interrupted() noexcept;

} // namespace pollux::cli
