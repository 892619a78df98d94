// SPDX-License-Identifier: Apache-2.0
// What the persistence tests share: folders that go away, segments from a few words.
#pragma once
#include "messages/segment.hpp"
#include "persistence/log.hpp"
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace pollux::persistence::testing {

class scratch_folder {
public:
  scratch_folder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "pollux_persistence_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// One reading of one value: the smallest useful input.
struct simple_input {
  domain::input in;
  explicit simple_input(double value, std::int64_t time_ns = 1'000'000'000,
                        std::string_view name = "temperature") {
    in.kind = domain::input_kind::readings;
    in.ingest_time_ns = time_ns + 1'500'000;
    in.readings.push_back({.event_time_ns = time_ns, .sequence = 0, .first = 0, .count = 1});
    in.fields.push_back({name, domain::value_view::of(value)});
  }
};

inline segment_ptr one_reading(std::string_view id, double value,
                               std::int64_t time_ns = 1'000'000'000) {
  messages::segment_builder b;
  const simple_input s(value, time_ns);
  b.add(0, id, s.in);
  return b.finish();
}

/// The value of a segment's only reading.
inline double value_of(const messages::segment& s) {
  domain::input in;
  s.decode(0, {}, in);
  return in.fields.at(0).value.f64;
}

/// All values of a shard from `from` on, in scan order; fails the test on an error.
inline std::vector<double> values_of(const persistence::log& l, std::uint32_t shard,
                                     domain::position from = {}) {
  std::vector<double> out;
  const auto s = l.scan(shard, from, [&](const positioned_segment& p) {
    out.push_back(value_of(*p.content));
    return true;
  });
  if (!s) throw std::runtime_error(s.error().what);
  return out;
}

/// Waits until `done` holds, for at most ten seconds.
template <class Condition> bool eventually(Condition&& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace pollux::persistence::testing
