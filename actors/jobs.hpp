// SPDX-License-Identifier: Apache-2.0
// Jobs: work of the node that takes long (a back-test, a backup, an erasure, an import). Each runs
// on a thread of its own at low priority, tells how far it is, and can be cancelled. One runs at a
// time, 16 wait, the newest 32 are remembered; all of it is memory and gone with the process: a job
// that changes something on disk must leave it whole wherever it is cut off.
#pragma once
#include "actors/intake.hpp"
#include "actors/work.hpp"
#include <atomic>
#include <caf/all.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace pollux::actors {

/// What a job may use. All of it outlives the job.
struct job_surroundings {
  persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  intake* inlet = nullptr;
  model_port* model_changes = nullptr;
  caf::actor maintenance;
  std::vector<caf::actor> hosts;
  std::string data; ///< the node's data folder
  std::function<std::int64_t()> now;
  std::function<void(const char*)> at_step; ///< tests: told before each step that changes the disk
};

/// Between a job's thread and those who ask about it. Thread-safe.
class job_progress {
public:
  [[nodiscard]] bool cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);
  }
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  void set(std::uint64_t done, std::uint64_t total) noexcept {
    done_.store(done, std::memory_order_relaxed);
    total_.store(total, std::memory_order_relaxed);
  }
  void say(std::string what);
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] std::string what() const;

private:
  std::atomic<bool> cancelled_{false};
  std::atomic<std::uint64_t> done_{0}, total_{0};
  mutable std::mutex mutex_;
  std::string what_;
};

/// Does the work and gives the result as JSON. Looks at cancelled() at least every second and then
/// gives what there is. `arguments` is the text of a JSON object, unchecked.
using job_body = std::function<result<std::string>(
    const job_surroundings& with, const std::string& arguments, job_progress& progress)>;

/// The kinds of jobs there are, each in a source of its own (`<kind>_job.cpp`).
[[nodiscard]] const std::map<std::string, job_body>& job_kinds();

/// Answers job_start, job_query and job_cancel with job_answer. Ends its job when it ends.
caf::actor spawn_jobs(caf::actor_system& system, job_surroundings with,
                      const std::map<std::string, job_body>& kinds = job_kinds());

} // namespace pollux::actors
