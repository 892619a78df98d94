// SPDX-License-Identifier: Apache-2.0
// Windows that the readings themselves begin and end.
//   session  readings that follow one another in less than `gap`: [first, last + gap). A reading
//            exactly `gap` after the last one begins the next session.
//   state    from the first reading at which the expression `while` is true to the first at which
//            it is not, which is no longer inside.
// Readings must come in event-time order, as they do where the model has an event_time block that
// orders them; one that comes late is counted and not used.
#pragma once
#include "domain/alert/operands.hpp"
#include "domain/window/closing_window.hpp"

namespace pollux::domain {

class session_window final : public closing_window {
public:
  session_window(closing_keys keys, std::int64_t gap_ns);

private:
  void take(row& reading) const override;
  [[nodiscard]] open_part open(const closing_state& state) const override;
  [[nodiscard]] const char* kind() const noexcept override { return "session"; }
  void close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                   bool by_idle) const override;
  std::int64_t gap_ns_;
};

class state_window final : public closing_window {
public:
  state_window(closing_keys keys, expression condition, std::vector<named_operand> used);

private:
  void take(row& reading) const override;
  void follow(row& reading) const;
  [[nodiscard]] open_part open(const closing_state& state) const override;
  [[nodiscard]] const char* kind() const noexcept override { return "state"; }
  void close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                   bool by_idle) const override;
  expression condition_;
  std::vector<named_operand> used_;
};

} // namespace pollux::domain
