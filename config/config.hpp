// SPDX-License-Identifier: Apache-2.0
// The node's configuration (pollux.toml), with every default. Unknown keys are errors that name
// file, line, column and the nearest valid key.
#pragma once
#include "domain/base/result.hpp"
#include "messages/inlet.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::config {

struct node_settings {
  std::string data = "data";            ///< folder of log/, store/ and pki/
  std::string models = "config/models"; ///< folder of model files
  std::uint32_t shards = 64;            ///< fixed for the life of a data folder
  std::uint32_t hosts = 0;              ///< shard host actors; 0 = number of cores
};
struct journal_settings {
  messages::durability durability = messages::durability::d1; ///< default of every ingress
  std::int64_t sync_interval_ns = 50'000'000;
  std::int64_t tick_ns = 1'000'000;         ///< hand-over and group write, while busy
  std::uint64_t inbox_bytes = 128ull << 20; ///< credits: submitted and not yet applied
  std::uint64_t inbox_inputs = 1'000'000;
  std::uint64_t tail_bytes = 256ull << 20; ///< the log's tail is sealed above this ...
  std::uint64_t tail_readings = 1'000'000; ///< ... or this; bounds recovery
  std::uint64_t min_free_bytes = 256ull << 20;
};
struct twin_settings {
  std::int64_t passivate_after_ns = 600'000'000'000; ///< 10 min without input
  std::uint64_t max_active = 1'000'000;
  std::int64_t start_grace_ns = 60'000'000'000; ///< timers fire no earlier than this after a start
};
struct broker_settings {
  std::string url = "tcp://127.0.0.1:1883"; ///< tcp:// or ssl://
  std::string client_id = "pollux";
  std::uint32_t version = 5; ///< 5 or 3 (3.1.1)
  std::string username, password_file;
  std::string ca_file, certificate_file, key_file;
  bool clean_start = false;
  std::uint32_t session_expiry_s = 86'400;
  std::uint32_t keep_alive_s = 30;
  std::string will_topic = "pollux/status"; ///< retained "online" / "offline"; empty = none
  std::uint32_t max_in_flight = 1000;       ///< outgoing publications unacknowledged
  std::string source = "receiver";          ///< what receives: receiver | paho
  std::uint32_t receive_maximum = 1000;     ///< MQTT 5: incoming publications unacknowledged
  std::int64_t reconnect_min_ns = 200'000'000, reconnect_max_ns = 10'000'000'000;
};
struct ingress_settings {
  std::string topic, twin, model; ///< placeholders bind; empty model = unknown twins are refused
  std::string payload = "json";   ///< json | protobuf
  std::string time_field = "ts", time_unit = "auto", sequence_field = "seq";
  std::int64_t future_guard_ns = 600'000'000'000;
  std::int64_t max_age_ns = 0; ///< 0 = old event times are legal
  std::uint64_t max_payload_bytes = 1 << 20;
  std::uint32_t qos = 1;
  std::string connection; ///< topics of the same name share one MQTT session; empty = the main one
  std::string share;      ///< group of a shared subscription; empty = none
  messages::durability durability = messages::durability::d1;
  bool durability_set = false;
};
/// Where effects go. The first entry that matches an effect takes it.
struct egress_settings {
  std::string effect = "alert"; ///< alert | command
  std::string rule = "*";       ///< glob on the rule's (or command's) name
  std::string topic; ///< template: {namespace} {name} {twin} {rule} {field} {incident} {transition}
                     ///< {command} {id}
  std::string payload; ///< template; empty = CloudEvents JSON (alerts), command JSON (commands)
  std::uint32_t qos = 1;
  bool retain = false;
};
struct http_settings {
  bool enabled = true;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  std::vector<std::string> cors_origins;  ///< whose pages may ask, too: "https://host:port"
  std::uint32_t rate = 0;                 ///< requests a second of one client; 0: no limit
  std::uint32_t connections = 2048;       ///< at the same time; one more is turned away
  std::string certificate_file, key_file; ///< PEM; with both: TLS
  bool behind_proxy = false;              ///< a reverse proxy stands before it, with TLS of its own
  bool open_on_loopback = false; ///< no token for this machine's users, although there are some
  std::uint64_t events_bytes = 8 << 20;                    ///< recent events kept for streams
  std::int64_t audit_keep_ns = 365LL * 86'400'000'000'000; ///< 0: for ever
  std::uint64_t audit_bytes = 256 << 20;                   ///< of the audit log at most
};
struct remote_settings {
  bool enabled = true;
  std::string address = "127.0.0.1";
  std::uint16_t port = 4343;
};
struct log_settings {
  std::string level = "info", format = "text";
};
/// For tests of the node itself, never for production.
struct testing_settings {
  bool allow_fault_injection = false;
};
struct settings {
  node_settings node;
  journal_settings journal;
  twin_settings twins;
  broker_settings broker;
  std::vector<ingress_settings> ingress;
  std::vector<egress_settings> egress; ///< the loader appends the documented defaults
  http_settings http;
  remote_settings remote;
  log_settings log;
  testing_settings testing;
  std::string file; ///< where it came from
};

/// "D0", "D1", "D2".
[[nodiscard]] const char* to_text(messages::durability d) noexcept;

/// Everything that is wrong with a configuration, not only the first thing.
struct verdict {
  settings value;                    ///< usable only when there are no errors
  std::vector<std::string> errors;   ///< "file:line:column: ...", in the file's order
  std::vector<std::string> warnings; ///< legal, but seldom meant
};
[[nodiscard]] verdict check(std::string_view toml, const std::string& file_name);

/// The bytes of a configuration file, for check(). Errors: not_found, io.
[[nodiscard]] result<std::string> read_text(const std::string& file);

/// The settings as a complete, commented pollux.toml, which parses to the same settings (paths as
/// resolved).
[[nodiscard]] std::string to_toml(const settings& s);

/// Reads and checks a file. Errors: not_found, invalid_argument "file:line:column: ..." (first
/// error). Environment variables POLLUX_<TABLE>_<KEY> override scalars; paths are relative to the
/// file's folder for `models`, certificates and passwords, to the working directory for `data`.
[[nodiscard]] result<settings> load(const std::string& file);
/// The same from text, for tests.
[[nodiscard]] result<settings> parse(std::string_view toml, const std::string& file_name);

} // namespace pollux::config
