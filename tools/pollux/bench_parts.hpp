// SPDX-License-Identifier: Apache-2.0
// The processes of a measured run, as hidden verbs of this same binary: the load, the subscribers
// that only count, the client that echoes. Each says "ready" on stdout when it may begin; what it
// found follows as one line of JSON.
#pragma once
#include <cstdint>
#include <string>

namespace pollux::bench {

/// Which messages are watched for on their way back.
enum class answers : std::uint8_t {
  none,   ///< nobody answers
  alerts, ///< each alert the readings must raise, on alerts/<device>
  echoes, ///< each message with a reading that must raise one goes to echo/<device>, and comes back
};

struct load_options {
  std::uint16_t port = 0;
  unsigned qos = 0;
  std::uint64_t devices = 1, messages = 1;
  std::uint32_t batch = 1;
  double rate = 0; ///< messages a second; 0 = as fast as the broker takes them
  answers expect = answers::none;
};
/// Waits on stdin for "go", sends telemetry/<device>, tells {"start_ns","sent_ns","sent"}; then for
/// "finish", waits until all that is expected came (or nothing for 10 s), and tells what came and
/// how long each was on its way. Gives the exit code.
int run_load(const load_options& options);

struct count_options {
  std::string source; ///< "sink", "paho" or "receiver"
  std::uint16_t port = 0;
  unsigned qos = 0;
  std::uint64_t expected = 0; ///< messages
};
/// Subscribes to telemetry/+ and counts; tells {"received","last_ns","cpu_s"} when all came.
int run_count(const count_options& options);
/// Subscribes to telemetry/+ and echo/+ with Paho and publishes what came on the latter again, on
/// alerts/<device>. Ends on SIGTERM.
int run_echo(std::uint16_t port, unsigned qos);

} // namespace pollux::bench
