// SPDX-License-Identifier: Apache-2.0
// What was answered to requests with an Idempotency-Key, so that the same request again gets the
// same answer instead of being carried out twice.
#pragma once
#include "bridge/http/message.hpp"
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace pollux::bridge::http {

struct memory_limits {
  std::size_t entries = 10'000;
  std::size_t bytes = 32 << 20;             ///< of answers; beyond it the oldest go
  std::int64_t age_ns = 86'400'000'000'000; ///< one day
};

/// Thread-safe. Memory only: a restart forgets.
class answer_memory {
public:
  explicit answer_memory(memory_limits limits = {}) : limits_(limits) {}

  enum class verdict : std::uint8_t {
    fresh,       ///< carry it out; finish() or forget() must follow
    in_progress, ///< the first one has no answer yet
    repeated,    ///< here is the first answer
    mismatch,    ///< the key was used for something else
  };
  struct found {
    verdict says = verdict::fresh;
    response answer;
  };
  /// `key`: who, what and their key; `content`: hash of what was sent.
  [[nodiscard]] found begin(const std::string& key, std::uint64_t content, std::int64_t now_ns);
  void finish(const std::string& key, const response& answer);
  void forget(const std::string& key);
  [[nodiscard]] std::size_t size() const;

private:
  struct entry {
    std::string key;
    std::uint64_t content = 0;
    std::int64_t at_ns = 0;
    bool answered = false;
    response answer;
    std::size_t bytes = 0;
  };
  void drop(std::list<entry>::iterator which);
  void trim(std::int64_t now_ns);

  memory_limits limits_;
  mutable std::mutex mutex_;
  std::list<entry> oldest_first_;
  std::unordered_map<std::string, std::list<entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

} // namespace pollux::bridge::http
