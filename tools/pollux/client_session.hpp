// SPDX-License-Identifier: Apache-2.0
// What all verbs that ask a running node share: how it is found, how long to wait, how to end.
#pragma once
#include "bridge/remote/client.hpp"
#include "tools/pollux/cli.hpp"
#include "tools/pollux/output.hpp"
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pollux::cli {

using bridge::remote::client;

struct node_options {
  std::string data;   ///< --data; empty = as the configuration says
  std::string server; ///< --server; empty = as the node wrote it into the data folder
  std::string timeout = "5s";
};

/// Adds --data, --server and --timeout to a verb.
std::shared_ptr<node_options> add_node_options(CLI::App* verb);

/// The data folder: --data, else that of the configuration file, else "data".
/// Errors: invalid_argument, not_found (a configuration that was named and cannot be read).
[[nodiscard]] result<std::string> data_folder(const node_options& options, const context& ctx);

/// Connects, runs `body` and closes. Gives body's exit code, or that of the failure to connect. A
/// reader of stdout that went away is a quiet success. Does not come back when CAF hangs: the
/// process then ends here, with the same code.
int with_node(const context& ctx, const node_options& options,
              const std::function<int(client&)>& body);

/// The common case: one query, and what to print of its answer.
template <class Query, class Print>
int ask_and_print(const context& ctx, const node_options& options, const Query& query,
                  Print print) {
  return with_node(ctx, options, [&](client& node) -> int {
    const auto answer = node.ask(query);
    if (!answer) return fail(answer.error());
    print(*answer);
    return exit_ok;
  });
}

/// Flushes stdout; ends the process at once when a client hangs. Gives the exit code.
int finish(int code);

/// "5s", "250ms"; more than zero. Errors: invalid_argument, naming the option.
[[nodiscard]] result<std::chrono::milliseconds> parse_wait(const std::string& text,
                                                           const char* option);
/// RFC 3339, or seconds since 1970. Errors: invalid_argument.
[[nodiscard]] result<std::int64_t> parse_when(const std::string& text);

/// Sleeps, but not beyond an interrupt; false when interrupted.
bool pause(std::chrono::milliseconds duration);

/// Who asks, for the record: this process's user, "uid 4711" when they have no name.
[[nodiscard]] std::string asker();

} // namespace pollux::cli
