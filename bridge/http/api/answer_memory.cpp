// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/answer_memory.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {
constexpr std::size_t entry_overhead = 256;

std::size_t size_of(const response& r) {
  std::size_t out = r.body.size() + r.content_type.size();
  for (const auto& [name, value] : r.headers) out += name.size() + value.size();
  return out;
}
} // namespace

void answer_memory::drop(std::list<entry>::iterator which) {
  bytes_ -= which->bytes;
  by_key_.erase(which->key);
  oldest_first_.erase(which);
}

void answer_memory::trim(std::int64_t now_ns) {
  while (!oldest_first_.empty() &&
         (oldest_first_.front().at_ns <= now_ns - limits_.age_ns ||
          oldest_first_.size() > limits_.entries || bytes_ > limits_.bytes))
    drop(oldest_first_.begin());
}

answer_memory::found answer_memory::begin(const std::string& key, std::uint64_t content,
                                          std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  trim(now_ns);
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    const auto& e = *known->second;
    if (e.content != content) return {verdict::mismatch, {}};
    if (!e.answered) return {verdict::in_progress, {}};
    return {verdict::repeated, e.answer};
  }
  oldest_first_.push_back({key, content, now_ns, false, {}, key.size() * 2 + entry_overhead});
  by_key_.emplace(key, std::prev(oldest_first_.end()));
  bytes_ += oldest_first_.back().bytes;
  trim(now_ns);
  return {verdict::fresh, {}};
}

void answer_memory::finish(const std::string& key, const response& answer) {
  const std::lock_guard lock(mutex_);
  const auto known = by_key_.find(key);
  if (known == by_key_.end() || known->second->answered) return;
  auto& e = *known->second;
  e.answered = true;
  e.answer = answer;
  const auto more = size_of(answer);
  e.bytes += more;
  bytes_ += more;
  trim(e.at_ns);
}

void answer_memory::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto known = by_key_.find(key);
  if (known != by_key_.end() && !known->second->answered) drop(known->second);
}

std::size_t answer_memory::size() const {
  const std::lock_guard lock(mutex_);
  return oldest_first_.size();
}

} // namespace pollux::bridge::http
