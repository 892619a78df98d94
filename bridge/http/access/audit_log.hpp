// SPDX-License-Identifier: Apache-2.0
// Who changed what over HTTP: <data>/audit/YYYY-MM.jsonl, one line for each request that may change
// something, for the owner alone. Written by a thread of its own, synced to the disk after each
// group of lines.
#pragma once
#include "bridge/http/access/admission.hpp"
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace pollux::bridge::http {

/// One line without its end: time, who, from, method, target, status, outcome (done, refused,
/// failed), trace, body.
[[nodiscard]] std::string audit_line(const deed& done, unsigned status, std::int64_t wall_ns);

class audit_log {
public:
  /// Files whose month ended more than `keep_ns` ago are removed, at the start and with each new
  /// month; 0 keeps all.
  audit_log(std::string folder, std::int64_t keep_ns);
  ~audit_log(); ///< writes what is left
  audit_log(const audit_log&) = delete;
  audit_log& operator=(const audit_log&) = delete;

  /// Queues a line; never waits. Beyond 10,000 lines that wait for the disk a line is lost, which
  /// the log of the node says.
  void add(std::string line, std::int64_t wall_ns);

private:
  struct entry {
    std::string line, month;
  };
  void run();
  void write(const std::deque<entry>& group);
  bool open(const std::string& month);
  void remove_old(const std::string& month) const;

  std::string folder_;
  std::int64_t keep_ns_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<entry> queue_;
  bool stopping_ = false;
  std::string month_; ///< of the open file; the thread's own
  int file_ = -1;
  std::thread thread_;
};

} // namespace pollux::bridge::http
