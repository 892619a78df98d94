// SPDX-License-Identifier: Apache-2.0
// A twin in simulated time: it is given inputs, and between them its timers fall due by themselves,
// as a running node would let them. What it would tell stays with whoever gives: there is no way
// from here to a journal, an outbox or a device.
//
//   let_time_pass(until)   what falls due by then goes off, each at its time
//   give(input)            time passes until the input came, then it is applied
//
// A start of the node is a pause: the timers that fell due in it wait for a grace behind the start,
// but for those of commands and of people's silences (as actors/shard_lifecycle does it). So the
// time before a node_started does not pass by itself; who knows how long the node had still been
// up says so with let_time_pass().
#pragma once
#include "domain/base/time.hpp"
#include "domain/twin/twin.hpp"
#include <limits>
#include <memory>

namespace pollux::domain {

/// Knows one model.
class only_model final : public model_source {
public:
  explicit only_model(std::shared_ptr<const model> m) : model_(std::move(m)) {}
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view hash) const override;
  [[nodiscard]] const model& get() const noexcept { return *model_; }

private:
  std::shared_ptr<const model> model_;
};

class sandbox {
public:
  static constexpr std::int64_t usual_grace_ns = 60 * ns_per_s;

  /// A twin that is not yet created. `models` must outlive it.
  sandbox(const model_source& models, std::string_view id, std::int64_t grace_ns = usual_grace_ns);
  /// One that goes on from `state`; `started_ns`: when the node it lives in began.
  sandbox(const model_source& models, twin_state state, std::int64_t grace_ns,
          std::int64_t started_ns);

  /// Lets all go off that falls due by `now_ns`, at most `most` timers; false: there are more.
  /// Effects are appended. A timer that never comes to rest ends.
  bool let_time_pass(std::int64_t now_ns, effects& out,
                     std::size_t most = std::numeric_limits<std::size_t>::max());
  /// Time passes until `in` came (but for node_started), then it is applied. `in` keeps its id; the
  /// twin sees one of its own, since the timers between the inputs need some, too. Throws what
  /// step() throws.
  void give(const input& in, effects& out);
  /// The same without letting time pass.
  void apply(const input& in, effects& out);

  [[nodiscard]] const twin_state& state() const noexcept { return state_; }
  /// When the next timer goes off; `never` when none will.
  [[nodiscard]] std::int64_t next_due_ns() const noexcept;

private:
  [[nodiscard]] bool waits(std::int64_t due_ns) const noexcept;
  const model_source& models_;
  twin_state state_;
  input own_; ///< what is applied
  std::int64_t grace_ns_;
  std::int64_t started_ns_ = no_time;
  std::int64_t asleep_until_ns_ = no_time; ///< it hears of a start when it next wakes
  std::int64_t now_ns_ = no_time;
  std::uint64_t position_ = 0;
};

} // namespace pollux::domain
