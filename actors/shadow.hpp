// SPDX-License-Identifier: Apache-2.0
// Candidate models beside the ruling ones. A twin under such a model carries a second state, which
// starts as a copy of its own, comes under the candidate, and is given the same inputs. What the
// candidate would have done goes nowhere but into a tally: there is no way from here to the outbox
// or the journal. All of it is memory, bounded, and gone with the process.
//
// Costs nothing while there is no candidate: one relaxed load per message of a twin.
#pragma once
#include "actors/models.hpp"
#include "actors/work.hpp"
#include "domain/twin/sandbox.hpp"
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace pollux::actors {

struct shadow_limits {
  std::uint32_t twins = 10'000;          ///< twins beyond it are not followed
  std::uint32_t differences = 100;       ///< kept one by one; beyond it they are counted
  std::int64_t grace_ns = 60 * ns_per_s; ///< silence that began before the start is not judged
};

/// When and how a candidate came to run.
struct shadow_origin {
  std::string file, by;
  std::int64_t started_ns = 0;
  std::int64_t restarted_ns = 0; ///< the process began anew, and the tally with it; 0: it did not
};

/// How the two versions did on one rule.
struct shadow_tally {
  std::uint64_t both = 0, only_ruling = 0, only_candidate = 0;
  std::vector<std::int64_t> leads_ns; ///< of `both`: how much earlier the candidate was
};

class shadow_run;

/// One twin's second state. One thread at a time: whoever holds `mutex`.
struct shadow_twin {
  std::mutex mutex;
  std::unique_ptr<domain::sandbox> life; ///< nullptr: to be copied at the next input
  domain::input_id seen;
  std::string id;
  bool failed = false;
  struct incident {
    bool open = false, matched = false;
    std::int64_t event_time_ns = 0;
  };
  struct pair {
    incident ruling, candidate;
  };
  std::map<std::string, pair, std::less<>> rules;
};

/// The turn of one twin at one message of inputs. Empty: nobody is in its shadow.
class shadow_turn {
public:
  shadow_turn() = default;
  shadow_turn(std::shared_ptr<shadow_run> run, std::shared_ptr<shadow_twin> twin)
      : run_(std::move(run)), twin_(std::move(twin)), lock_(twin_->mutex) {}
  explicit operator bool() const noexcept { return run_ != nullptr; }
  /// Gives the candidate `in` as well. `born`: what it made the ruling version do.
  void take(const domain::input& in, const domain::effect* born, std::size_t count);

private:
  std::shared_ptr<shadow_run> run_;
  std::shared_ptr<shadow_twin> twin_;
  std::unique_lock<std::mutex> lock_;
};

/// One candidate. Thread-safe.
class shadow_run final : public domain::model_source,
                         public std::enable_shared_from_this<shadow_run> {
public:
  shadow_run(std::shared_ptr<const domain::model> candidate, const model_catalog& known,
             shadow_limits limits, shadow_origin origin);

  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override;
  [[nodiscard]] const domain::model& candidate() const noexcept { return *candidate_; }
  [[nodiscard]] const shadow_limits& limits() const noexcept { return limits_; }
  [[nodiscard]] const shadow_origin& origin() const noexcept { return origin_; }
  /// When this process began to run it.
  [[nodiscard]] std::int64_t began_ns() const noexcept {
    return origin_.restarted_ns != 0 ? origin_.restarted_ns : origin_.started_ns;
  }
  shadow_turn join(twin_place place, std::string_view key, const domain::twin_state& state);
  /// JSON. Lets due timers of the candidate go off until `now_ns` first.
  [[nodiscard]] std::string document(std::int64_t now_ns);

private:
  friend class shadow_turn;
  void copy(shadow_twin& twin, const domain::twin_state& state, std::string_view id);
  void take(shadow_twin& twin, const domain::input& in, const domain::effect* born,
            std::size_t count);
  void give(shadow_twin& twin, const domain::input& in, domain::effects& out);
  void let_time_pass(shadow_twin& twin, std::int64_t now_ns, domain::effects& out);
  void give_up(shadow_twin& twin);
  void compare(shadow_twin& twin, const domain::effect* ruling, std::size_t count,
               const domain::effects& candidate);
  void note(shadow_twin& twin, const domain::alert_effect& alert, bool by_candidate);
  void compare_single(shadow_twin& twin, const domain::effect* ruling, std::size_t count,
                      const domain::effects& candidate);
  void differ(const shadow_twin& twin, const std::string& rule, std::int64_t event_time_ns,
              bool by_candidate);

  struct difference {
    std::string twin, rule;
    std::int64_t event_time_ns = 0;
    bool by_candidate = false, open = false;
  };

  std::shared_ptr<const domain::model> candidate_;
  const model_catalog& known_;
  shadow_limits limits_;
  shadow_origin origin_;
  std::mutex twins_mutex_;
  std::map<twin_place, std::shared_ptr<shadow_twin>> twins_;
  std::atomic<std::uint64_t> inputs_{0}, failed_{0}, copies_{0};
  std::atomic<bool> full_{false};
  std::mutex tally_mutex_;
  std::map<std::string, shadow_tally, std::less<>> tally_;
  std::vector<difference> differences_;
  std::uint64_t differences_total_ = 0;
};

/// The candidates of a node, at most one a model. Thread-safe.
class shadow_board {
public:
  [[nodiscard]] bool on() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }
  /// The turn of the twin at `place` under a model, if somebody is in its shadow and its next input
  /// came since then: recovery's replay of the journal is no news.
  shadow_turn join(twin_place place, std::string_view key, const domain::twin_state& state,
                   const model_catalog& models, std::int64_t ingest_time_ns) const;
  void start(std::shared_ptr<shadow_run> run); ///< replaces the one of the same model
  bool stop(std::string_view model_name);      ///< false: there was none
  [[nodiscard]] std::vector<std::shared_ptr<shadow_run>> all() const;
  [[nodiscard]] std::shared_ptr<shadow_run> of(std::string_view model_name) const;

private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<shadow_run>, std::less<>> runs_;
  std::atomic<std::size_t> count_{0};
};

} // namespace pollux::actors
