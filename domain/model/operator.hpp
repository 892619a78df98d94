// SPDX-License-Identifier: Apache-2.0
// An operator: one pure state machine that a model names as data. The specification is immutable
// and shared by all twins of the model; what it remembers per twin is an operator_state.
// Adding one = a header/source pair, one line in registry.cpp, a test.
//
// One reading goes through them like this:
//   judge()    of every operator: against the readings before it; the reading is nowhere yet
//   the reading joins the series and the latest values
//   observe()  of every operator, in the model's order: windows now include the reading
//   pass_watermark()  of those that wait for event time to have passed
//
// All that an operator remembers lies in its operator_state, and all it looks at are the row, the
// latest values, the series up to the row's time, and results of operators above it. A reading that
// comes late is applied by going back to an earlier state and forward again (docs/decisions, 0016),
// so an operator must never ask a series for its newest reading: there may be later ones.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/model/model.hpp"
#include "domain/model/operator_state.hpp"
#include "domain/twin/row.hpp"
#include "domain/twin/step_context.hpp"
#include "domain/twin/twin_state.hpp"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

/// Which hooks an operator wants called; the others cost nothing.
struct operator_hooks {
  bool judge = false;
  bool observe = false;
  bool timer = false;
  bool state = false;     ///< it keeps an operator_state in each twin
  bool watermark = false; ///< it waits for event time to pass
  bool live =
      false; ///< it follows our own clock, and late readings do not undo it; so with `timer`
};

/// A number an operator offers to expressions, as `<operator>.<name>`.
struct operator_output {
  std::string_view name; ///< a literal
  int slot = -1;         ///< the one telemetry it changes with; -1: any
};

/// What every operator has, filled in by compile().
struct operator_identity {
  std::string name;               ///< unique in the model
  std::string_view type;          ///< "z_score"; text of the registry's table
  std::uint32_t revision = 0;     ///< of the type's code
  std::string definition;         ///< canonical text of all that decides its verdicts
  std::size_t own_definition = 0; ///< bytes of `definition` that are its own; then come those of
                                  ///< the operators it refers to
  std::string wording;            ///< canonical text of all keys, messages and severity too
  std::uint32_t index = 0;        ///< in model::operators
  std::uint32_t state = 0;        ///< in twin_state::body::states, when hooks().state
};

class twin_operator {
public:
  twin_operator() = default;
  twin_operator(const twin_operator&) = delete;
  twin_operator& operator=(const twin_operator&) = delete;
  virtual ~twin_operator() = default;

  [[nodiscard]] const operator_identity& identity() const noexcept { return identity_; }
  [[nodiscard]] const std::string& name() const noexcept { return identity_.name; }
  [[nodiscard]] std::uint32_t index() const noexcept { return identity_.index; }
  [[nodiscard]] virtual operator_hooks hooks() const noexcept = 0;

  /// The state a twin starts with when it comes under this operator at ingest time `now_ns`.
  /// May be nullptr: an operator may make its state when it first needs one and drop it again.
  [[nodiscard]] virtual std::unique_ptr<operator_state> fresh_state(std::int64_t now_ns) const;
  virtual void judge(row& reading) const;
  virtual void observe(row& reading) const;
  /// Ingest time at which fall_due() should be called; `never` when it need not be.
  [[nodiscard]] virtual std::int64_t due_ns(const twin_state::body& twin) const;
  virtual void fall_due(step_context& at) const;

  /// Event time has passed `watermark_ns`: no reading that counts as on time is older. `by_idle`:
  /// because nothing came for the model's idle time-out.
  virtual void pass_watermark(step_context& at, std::int64_t watermark_ns, bool by_idle) const;

  /// What expressions may name; the order is the index of output().
  [[nodiscard]] virtual std::vector<operator_output> outputs() const;
  /// The value of outputs()[which] after the newest row applied; nullopt while unknown.
  [[nodiscard]] virtual std::optional<double> output(const twin_state::body& twin,
                                                     std::uint32_t which) const;

  virtual void save(const operator_state& state, byte_writer& out) const;
  /// Reads save()'s bytes, those of earlier formats included (in.format); nullptr (or a failed
  /// reader) on damage.
  [[nodiscard]] virtual std::unique_ptr<operator_state> load(byte_reader& in) const;
  /// Whether an earlier format of a twin's state said if this operator has a state, which had no
  /// bytes of its own.
  [[nodiscard]] virtual bool marked_in(std::uint8_t format) const noexcept;
  [[nodiscard]] virtual std::size_t state_bytes(const operator_state& state) const;

  /// Why it does or does not alert, for people. `now_ns` is the ingest clock.
  [[nodiscard]] virtual described_rule explain(const twin_state::body& twin,
                                               std::int64_t now_ns) const = 0;

protected:
  [[nodiscard]] std::unique_ptr<operator_state>& state_of(twin_state::body& twin) const {
    return twin.states[identity_.state];
  }
  [[nodiscard]] const operator_state* state_of(const twin_state::body& twin) const {
    return twin.states[identity_.state].get();
  }

private:
  friend class model_compiler;
  operator_identity identity_;
};

} // namespace pollux::domain
