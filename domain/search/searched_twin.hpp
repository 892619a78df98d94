// SPDX-License-Identifier: Apache-2.0
// A twin as a search sees it: awake, by its state; asleep, by what was kept of it when it fell
// asleep, which is far less and cannot change before it wakes.
#pragma once
#include "domain/search/found_value.hpp"
#include "domain/search/geo.hpp"
#include "domain/search/search_path.hpp"
#include "domain/search/twin_column.hpp"
#include "domain/twin/twin_state.hpp"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pollux::domain {

/// About 150 bytes, 24 for each telemetry and 8 for each number that operators offer; alerts,
/// texts and properties come on top for those that have them.
struct resting_twin {
  std::string id;
  std::shared_ptr<const model> rules;
  input_id last_applied;
  std::int64_t last_event_ns = no_time;
  std::uint64_t readings = 0;
  std::unique_ptr<latest_value[]> latest;
  std::unique_ptr<double[]> outputs; ///< of all operators in their order; nan: not known
  std::unique_ptr<rare_parts> rare;  ///< without commands
  bool connected = true;
};

/// What stays of a twin while it sleeps. It must have a model.
[[nodiscard]] resting_twin resting(const twin_state::body& twin);

/// A view; what it looks at must stay as it is meanwhile.
class searched_twin {
public:
  explicit searched_twin(const twin_state::body& awake) noexcept : awake_(&awake) {}
  explicit searched_twin(const resting_twin& asleep) noexcept : asleep_(&asleep) {}

  [[nodiscard]] bool awake() const noexcept { return awake_ != nullptr; }
  [[nodiscard]] const std::string& id() const noexcept {
    return awake_ != nullptr ? awake_->id : asleep_->id;
  }
  [[nodiscard]] const std::shared_ptr<const model>& rules() const noexcept {
    return awake_ != nullptr ? awake_->rules : asleep_->rules;
  }
  [[nodiscard]] input_id last_applied() const noexcept {
    return awake_ != nullptr ? awake_->last_applied : asleep_->last_applied;
  }
  [[nodiscard]] std::int64_t last_event_ns() const noexcept {
    return awake_ != nullptr ? awake_->last_event_ns : asleep_->last_event_ns;
  }
  [[nodiscard]] std::uint64_t readings() const noexcept {
    return awake_ != nullptr ? awake_->readings : asleep_->readings;
  }
  [[nodiscard]] bool connected() const noexcept {
    return awake_ != nullptr ? awake_->connected : asleep_->connected;
  }
  [[nodiscard]] const latest_value* latest() const noexcept {
    return awake_ != nullptr ? awake_->latest.get() : asleep_->latest.get();
  }
  [[nodiscard]] const rare_parts* rare() const noexcept {
    return awake_ != nullptr ? awake_->rare.get() : asleep_->rare.get();
  }
  [[nodiscard]] const twin_state::body* state() const noexcept { return awake_; }
  [[nodiscard]] const double* outputs() const noexcept { return asleep_->outputs.get(); }

private:
  const twin_state::body* awake_ = nullptr;
  const resting_twin* asleep_ = nullptr;
};

/// Reads a question's paths of one twin after the other. What a path means under a model is worked
/// out once for each model. Not for two threads at a time.
class path_reader {
public:
  /// `now_ns` enters ages. `paths` outlives it.
  path_reader(const std::vector<search_path>& paths, std::int64_t now_ns)
      : paths_(paths), now_ns_(now_ns) {}

  void look_at(const searched_twin& twin);
  /// The same of what was read before: a column for each of the first paths, which outlive the
  /// look. With `beside`, the other paths are read of the twin itself.
  void look_at(std::span<const twin_column* const> columns, std::size_t row) noexcept {
    columns_ = columns;
    row_ = row;
  }
  void look_at(std::span<const twin_column* const> columns, std::size_t row,
               const searched_twin& beside) {
    look_at(beside);
    look_at(columns, row);
  }
  /// The value at paths[index]; its text lives until the next call. Cost: no allocation, but for
  /// texts with escapes and times.
  [[nodiscard]] found_value get(std::size_t index);
  /// Of a telemetry's newest value; no_time: none.
  [[nodiscard]] std::int64_t event_time_ns(std::size_t index) const;
  /// The same of all that a column keeps times of: telemetry, and what an age is the age of.
  [[nodiscard]] std::int64_t time_ns(std::size_t index) const;
  [[nodiscard]] std::int64_t now_ns() const noexcept { return now_ns_; }
  /// on_sphere(), remembered for the last place: filters and orders ask one after the other.
  [[nodiscard]] const sphere_point& sphere_of(const geo_place& place) noexcept;
  [[nodiscard]] const search_path& path(std::size_t index) const { return paths_[index]; }

private:
  struct binding {
    int slot = -1;
    const twin_operator* op = nullptr;
    std::uint32_t output = 0, flat = 0;
  };
  struct bound_model {
    std::shared_ptr<const model> rules;
    std::vector<binding> of;
  };
  [[nodiscard]] binding bind(const model& rules, const search_path& path) const;
  [[nodiscard]] const latest_value* latest_of(const search_path& path, const binding& b,
                                              std::string_view& text) const;
  [[nodiscard]] found_value telemetry(const search_path& path, const binding& b) const;
  [[nodiscard]] found_value output(const binding& b) const;
  [[nodiscard]] found_value alert_state(const binding& b) const;
  [[nodiscard]] found_value worst_alert() const;
  [[nodiscard]] found_value age_of(std::int64_t time_ns) const;

  const std::vector<search_path>& paths_;
  std::int64_t now_ns_;
  [[nodiscard]] found_value get_column(std::size_t index) const;
  [[nodiscard]] found_value get_twin(std::size_t index);

  const searched_twin* twin_ = nullptr;
  std::span<const twin_column* const> columns_; ///< of the first paths
  std::size_t row_ = 0;
  const bound_model* bound_ = nullptr;
  std::vector<std::unique_ptr<bound_model>> models_;
  std::string scratch_;
  geo_place last_place_;
  sphere_point last_sphere_ = on_sphere({});
};

} // namespace pollux::domain
