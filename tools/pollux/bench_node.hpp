// SPDX-License-Identifier: Apache-2.0
// The node of one measured run: `pollux serve` as a child, with job J's rules, its alerts published
// and a tail short enough that history is sealed meanwhile.
#pragma once
#include "messages/inlet.hpp"
#include "tools/pollux/bench_figures.hpp"
#include "tools/pollux/bench_process.hpp"
#include <algorithm>
#include <string_view>

namespace pollux::bench {

struct node_options {
  std::uint16_t broker_port = 0;
  std::string source = "receiver"; ///< or "paho"
  unsigned qos = 0;
  messages::durability durability = messages::durability::d1;
};

/// Readings that came so far.
struct node_counts {
  std::uint64_t stored = 0, applied = 0, quarantined = 0;
  [[nodiscard]] std::uint64_t done() const noexcept { return std::min(stored, applied); }
};

class node {
public:
  /// Starts it and waits until it has subscribed. Everything it keeps lies in `folder`.
  /// Errors: unavailable, timed_out, io.
  static result<std::unique_ptr<node>> start(const std::filesystem::path& folder,
                                             const node_options& options);

  [[nodiscard]] child& process() noexcept { return *process_; }
  /// Errors: unavailable.
  [[nodiscard]] result<node_counts> counts() const;
  /// Times of the fsyncs of the log so far. Errors: unavailable.
  [[nodiscard]] result<bucket_counts> sync_times() const;
  /// Stops it; then counts the readings in its data folder. Errors: unavailable, corrupt.
  result<std::uint64_t> stop_and_count();

private:
  node() = default;
  std::unique_ptr<child> process_;
  std::filesystem::path folder_;
  std::uint16_t http_port_ = 0;
};

/// Job J's model: three z-scores over five minutes and a sequence.
[[nodiscard]] std::string_view job_model() noexcept;
/// The node's pollux.toml.
[[nodiscard]] std::string node_configuration(const node_options& options, std::uint16_t http_port,
                                             const std::filesystem::path& folder);
} // namespace pollux::bench
