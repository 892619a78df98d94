// SPDX-License-Identifier: Apache-2.0
// Back-tests: a changed model run over the journal beside the versions that ruled, and the
// difference in alerts. A sandbox by construction: what the twins here would tell ends in a ledger;
// there is no outbox, no journal and no device to reach. docs/backtest.md says what is compared.
#pragma once
#include "persistence/backtest_ledger.hpp"
#include "persistence/history.hpp"
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace pollux::persistence {

inline constexpr std::int64_t warm_up_all = -1;
/// Readings that come so much later than the interval's end end a twin's run.
inline constexpr std::int64_t late_reach_ns = 24 * 3600 * ns_per_s;
inline constexpr std::uint64_t most_failures_told = 100;

struct backtest_order {
  std::shared_ptr<const domain::model> candidate;
  std::int64_t from_ns = no_time, to_ns = never; ///< event time, both ends inclusive
  std::int64_t warm_up_ns = warm_up_all; ///< of the candidate; from_ns must be given otherwise
  std::int64_t tolerance_ns = 600 * ns_per_s;
  std::int64_t grace_ns = 60 * ns_per_s; ///< as the node's start_grace
  unsigned threads = 0;                  ///< 0: one for each core
  std::uint32_t differences = 1000;      ///< told one by one; all are counted
};

/// How one version's alerts of a rule, a day or a twin compare.
struct backtest_counts {
  std::uint64_t same = 0, moved = 0, gained = 0, lost = 0;
  std::uint64_t changed = 0; ///< of the pairs: another end or severity
  [[nodiscard]] std::uint64_t ruling() const noexcept { return same + moved + lost; }
  [[nodiscard]] std::uint64_t candidate() const noexcept { return same + moved + gained; }
  void add(const backtest_counts& other);
};

enum class difference_kind : std::uint8_t { gained, lost, moved };

struct backtest_difference {
  std::string twin;
  difference_kind kind = difference_kind::moved;
  std::optional<told_alert> ruling, candidate;
};

/// What one twin's two runs came to.
struct twin_backtest {
  std::string twin;
  bool compared = false;              ///< false: of another model, or it failed
  std::string failure;                ///< why it could not be run, or the candidate could not go on
  bool candidate_began_empty = false; ///< the twin's beginning is no longer in the journal
  std::uint64_t inputs = 0, readings = 0;
  std::uint64_t actions_left_out = 0; ///< they named alerts that the candidate did not have
  std::uint64_t retracted_ruling = 0, retracted_candidate = 0;
  std::uint64_t commands_ruling = 0, commands_candidate = 0; ///< dispatched
  std::map<std::string, backtest_counts> rules;
  std::map<std::int64_t, backtest_counts> days; ///< by UTC day of the earlier event time
  std::vector<std::int64_t> leads_ns;           ///< of moved pairs: how much earlier the candidate
  std::vector<backtest_difference> differences; ///< oldest first
  std::set<std::string> ruling_models;
  [[nodiscard]] backtest_counts total() const;
};

/// Where a twin's inputs are.
struct backtest_source {
  const store* tables = nullptr;
  const domain::model_source* models = nullptr;
  /// Until when the node is known to have lived; timers of the candidate go off until then.
  std::int64_t alive_until_ns = no_time;
};

class shard_history; // persistence/shard_history.hpp

/// Both runs of one twin. `go_on` is asked every few hundred inputs, with the number of them so
/// far; false ends the run (errc::unavailable). Errors: corrupt, io.
[[nodiscard]] result<twin_backtest>
backtest_twin(const backtest_source& from, const shard_history& shard, const verify_target& twin,
              const backtest_order& order, const std::function<bool(std::uint64_t)>& go_on);

/// All that twins came to, in an order that does not depend on threads.
struct backtest_result {
  bool cancelled = false;
  std::uint64_t twins_asked = 0, twins_done = 0, twins_compared = 0, twins_of_other_models = 0,
                twins_failed = 0, twins_began_empty = 0;
  std::uint64_t inputs = 0, readings = 0, actions_left_out = 0;
  std::uint64_t retracted_ruling = 0, retracted_candidate = 0;
  std::uint64_t commands_ruling = 0, commands_candidate = 0;
  std::map<std::string, backtest_counts> rules, twins; ///< twins: those with any alert
  std::map<std::int64_t, backtest_counts> days;
  std::vector<std::int64_t> leads_ns; ///< sorted
  std::vector<backtest_difference> differences;
  std::set<std::string> ruling_models;
  std::map<std::string, std::string> failures; ///< by twin
  [[nodiscard]] backtest_counts total() const;
};

/// One back-test over many twins, on threads of its own. Thread-safe to watch and cancel.
class backtest {
public:
  /// `targets`: all twins of the journal that are asked for. All must outlive it.
  backtest(const log& journal, const store& tables, const domain::model_source& models,
           std::vector<verify_target> targets, backtest_order order, std::int64_t alive_until_ns);
  /// Blocks until done or cancelled. Errors: invalid_argument (an interval that ends before it
  /// begins, a warm-up without a beginning), io.
  [[nodiscard]] result<backtest_result> run();
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  /// Twins that are done.
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  [[nodiscard]] std::uint64_t total() const noexcept { return targets_.size(); }
  [[nodiscard]] const backtest_order& order() const noexcept { return order_; }

private:
  void work();
  [[nodiscard]] result<std::shared_ptr<const shard_history>> shard(std::uint32_t number);
  void take(twin_backtest&& one);
  void finish();

  const log& journal_;
  backtest_source source_;
  std::vector<verify_target> targets_;
  backtest_order order_;
  std::atomic<bool> cancelled_{false};
  std::atomic<std::size_t> next_{0}, done_{0};
  std::mutex mutex_;
  std::map<std::uint32_t, std::shared_ptr<const shard_history>> shards_;
  std::mutex shards_mutex_;
  backtest_result result_;
};

/// The newest ingest time of any of these twins: until then at least the node lived. no_time where
/// nothing is known. Cost: an index row a twin, and the log's tail. Errors: io.
[[nodiscard]] result<std::int64_t> last_sign_of_life(const log& journal, const store& tables,
                                                     const std::vector<verify_target>& twins);

/// The longest time the model's rules look back by, as far as the model says so in words of time;
/// and the rules whose memory no time bounds (they learn).
struct model_memory {
  std::int64_t longest_ns = 0;
  std::string longest_of; ///< the operator
  std::vector<std::string> unbounded;
};
[[nodiscard]] model_memory memory_of(const domain::model& m);

/// The report as JSON (docs/backtest.md).
[[nodiscard]] std::string backtest_document(const backtest_order& order,
                                            const backtest_result& found);

} // namespace pollux::persistence
