// SPDX-License-Identifier: Apache-2.0
// The readings of one input on their way into a twin: at once, as they come (readings.cpp), or,
// under an event_time block, at their place in time (intake_in_time.cpp).
#pragma once
#include "domain/twin/row.hpp"
#include "domain/twin/timeline.hpp"
#include <span>
#include <string>

namespace pollux::domain {

/// A whole number may come as i64 or as an f64 without a fraction: JSON knows only one kind.
[[nodiscard]] bool fits_declared(const value_view& v, telemetry_type type) noexcept;

// What became of the values of one reading.
struct outcome {
  bool stored = false, late = false, correction = false, duplicate = false, too_old = false;

  void note(series::placed p) noexcept {
    stored = stored || p != series::placed::duplicate;
    late = late || p == series::placed::late || p == series::placed::too_old;
    correction = correction || p == series::placed::correction;
    duplicate = duplicate || p == series::placed::duplicate;
    too_old = too_old || p == series::placed::too_old;
  }
};

// The readings of one input, one after another.
class intake {
public:
  explicit intake(step_context& at) : at_(at), twin_(at.twin), rules_(at.twin.ruling()) {}
  void apply(const reading& r);
  /// After the last one.
  void finish();

private:
  [[nodiscard]] bool is_duplicate(const reading& r);
  void apply_at_once(std::int64_t t, std::span<const field> fields);
  void look_at(row& reading, std::span<const field> fields);
  [[nodiscard]] outcome store(row& reading, std::span<const field> fields);
  series::placed store_declared(int slot, const value_view& v, std::int64_t t);
  void store_undeclared(const field& f, std::int64_t t, outcome& out);
  void complain(int slot, const field& f);
  void complain_once(std::string what);
  std::string& text_of(int slot);

  // With an event_time block (intake_in_time.cpp).
  enum class lane { on_time, reordered, late, too_late };
  [[nodiscard]] bool admit(std::int64_t t, std::span<const field> fields);
  [[nodiscard]] bool gather(std::span<const field> fields);
  [[nodiscard]] lane lane_of(std::int64_t t) const;
  void work_in(std::int64_t t, lane l, std::span<const field> fields);
  void store_measured(std::int64_t t);
  void hear(std::int64_t t);
  void note_kept(std::int64_t t);

  step_context& at_;
  twin_state::body& twin_;
  const model& rules_;
  bit_set<max_telemetry> complained_;
  bool complained_of_names_ = false;
};

} // namespace pollux::domain
