// SPDX-License-Identifier: Apache-2.0
// The one idea of Pollux: a twin is a pure function of its journal.
//
//   step(model, state, input, effects)   no clock, no I/O, no randomness, no thread
//
// step never refuses a journaled input: what it cannot use becomes a fault effect. The only
// exception it lets out is broken_invariant (a defect of ours, or a poison input in a test):
// the shell then restarts the twin from its journal, and after three times skips the input.
#pragma once
#include "domain/model/model.hpp"
#include "domain/twin/description.hpp"
#include "domain/twin/effect.hpp"
#include "domain/twin/input.hpp"
#include "domain/twin/lane_counts.hpp"
#include <memory>
#include <string>

namespace pollux::domain {

/// A twin's whole memory between inputs. Opaque: everything outside asks through functions here.
class twin_state {
public:
  explicit twin_state(std::string_view id);
  twin_state(twin_state&&) noexcept;
  twin_state& operator=(twin_state&&) noexcept;
  ~twin_state();

  [[nodiscard]] input_id last_applied() const noexcept;
  /// Ingest time at which the twin wants a tick; `never` when it needs none.
  [[nodiscard]] std::int64_t next_wakeup_ns() const noexcept;
  /// Which timer that is and its generation: what the tick must name (decision 19).
  [[nodiscard]] std::uint32_t next_timer() const noexcept;
  [[nodiscard]] std::uint64_t timer_generation() const noexcept;
  [[nodiscard]] std::size_t active_alerts() const noexcept;
  [[nodiscard]] bool deleted() const noexcept;
  /// The model version that rules now (content hash); empty before twin_created.
  [[nodiscard]] std::string_view model_hash() const noexcept;

  /// Which way the readings went so far; nullptr without an event_time block. Valid until the next
  /// step.
  [[nodiscard]] const lane_counts* lanes() const noexcept;

  struct body; // defined in twin_state.hpp, for domain/ only
  body& get() noexcept { return *body_; }
  const body& get() const noexcept { return *body_; }

private:
  std::unique_ptr<body> body_;
};

/// Gives the model of a content hash (nullptr when unknown: an internal defect, since a model's
/// text is durable before any record refers to it).
class model_source {
public:
  virtual ~model_source() = default;
  [[nodiscard]] virtual std::shared_ptr<const model> find(std::string_view hash) const = 0;
};

/// Applies one input and appends what leaves. Inputs must come in journal order; an input at or
/// before last_applied() is ignored (redelivery). Deterministic: same inputs, same bytes.
/// Cost: no allocation for readings once warm, unless an effect is born.
void step(const model_source& models, twin_state& state, const input& in, effects& out);

/// The canonical bytes of the state (versioned, little-endian): hash these, store these.
/// Caches and capacities take no part.
void save(const twin_state& state, std::string& out);

/// Reads save()'s bytes. Errors: corrupt, version_mismatch, not_found (model unknown).
[[nodiscard]] result<twin_state> load(const model_source& models, std::string_view id,
                                      std::string_view bytes);

/// What people see. `now_ns` (ingest clock) only enters ages and grace explanations.
[[nodiscard]] twin_description describe(const model_source& models, const twin_state& state,
                                        std::int64_t now_ns);

} // namespace pollux::domain
