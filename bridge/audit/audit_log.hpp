// SPDX-License-Identifier: Apache-2.0
// Who changed what, whichever door they came by: <data>/audit/YYYY-MM.jsonl, one line for each
// deed, for the owner alone. A line is with the operating system before the deed is answered, so
// kill -9 takes none; a thread of its own syncs it to the disk. Several processes may write at
// once. docs/access.md
#pragma once
#include "messages/observability/metrics.hpp"
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace pollux::bridge::audit {

/// What someone did, or tried to do.
struct deed {
  std::string who;           ///< a token's name, a user of this machine
  std::string from;          ///< an address, a process
  std::string method;        ///< POST, ...; of other doors what was asked for: command_request, ...
  std::string target;        ///< path, twin, model
  std::string body;          ///< its beginning
  std::string trace;         ///< of traceparent; may be empty
  std::string door = "http"; ///< http, remote, files (the node's own, by the CLI), signal
  std::string by = {};       ///< who they said they are, when that is someone else
};

inline constexpr std::size_t longest_body = 1024;
inline constexpr std::size_t longest_target = 2048; ///< and of each other member

/// How it ended.
struct ending {
  unsigned status = 0;          ///< of HTTP; 0 elsewhere
  const char* outcome = "done"; ///< done, refused, failed
  std::string why;              ///< may be empty
};
[[nodiscard]] ending ending_of_status(unsigned status);

/// One line without its end: time, door, who, by, from, method, target, status, outcome, why,
/// trace, body; what is empty is left out.
[[nodiscard]] std::string line_of(const deed& done, const ending& how, std::int64_t wall_ns);

struct log_options {
  std::string folder;
  std::int64_t keep_ns = 0;             ///< files whose month ended before are removed; 0: none
  std::uint64_t bytes = 256ULL << 20;   ///< in all, at least 8 KiB; the oldest files go
  messages::metrics* metrics = nullptr; ///< counts lines; must outlive the log
};

class log {
public:
  explicit log(log_options options);
  ~log(); ///< syncs what is left
  log(const log&) = delete;
  log& operator=(const log&) = delete;

  /// Writes a line. Thread-safe. Cost: two stat(2) and one write(2). A line that cannot be written
  /// is told in the node's log and counted; what was done stays done.
  void add(const deed& done, const ending& how, std::int64_t wall_ns);

private:
  bool ready(const std::string& month, std::size_t size);
  bool open(const std::string& month);
  void put_aside(const std::string& month);
  void make_room() const;
  void remove_old(const std::string& month) const;
  bool put(std::string_view line);
  void close();
  void run();

  log_options options_;
  messages::counter* written_ = nullptr;
  messages::counter* lost_ = nullptr;
  std::mutex mutex_;
  std::condition_variable more_;
  bool stopping_ = false, unsynced_ = false;
  bool torn_ = false; ///< the last line in the file may have no end
  std::string month_; ///< of the open file
  int file_ = -1;
  std::thread thread_;
};

} // namespace pollux::bridge::audit
