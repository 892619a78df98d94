// SPDX-License-Identifier: Apache-2.0
#include "domain/search/searched_twin.hpp"
#include "domain/alert/alert_words.hpp"
#include "domain/model/operator.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {

resting_twin resting(const twin_state::body& twin) {
  resting_twin out;
  const auto& rules = *twin.rules;
  out.id = twin.id;
  out.rules = twin.rules;
  out.last_applied = twin.last_applied;
  out.last_event_ns = twin.last_event_ns;
  out.readings = twin.readings;
  out.connected = twin.connected;
  out.latest = std::make_unique<latest_value[]>(rules.telemetry.size());
  std::copy_n(twin.latest.get(), rules.telemetry.size(), out.latest.get());
  std::vector<double> numbers;
  for (const auto& op : rules.operators)
    for (std::uint32_t i = 0, count = static_cast<std::uint32_t>(op->outputs().size()); i < count;
         ++i)
      numbers.push_back(op->output(twin, i).value_or(std::numeric_limits<double>::quiet_NaN()));
  if (!numbers.empty()) {
    out.outputs = std::make_unique<double[]>(numbers.size());
    std::ranges::copy(numbers, out.outputs.get());
  }
  if (twin.rare) {
    out.rare = std::make_unique<rare_parts>(*twin.rare);
    out.rare->commands = {};
  }
  return out;
}

void path_reader::look_at(const searched_twin& twin) {
  twin_ = &twin;
  columns_ = {};
  const auto& rules = twin.rules();
  if (bound_ != nullptr && bound_->rules == rules) return;
  for (const auto& m : models_)
    if (m->rules == rules) {
      bound_ = m.get();
      return;
    }
  auto made = std::make_unique<bound_model>();
  made->rules = rules;
  for (const auto& path : paths_) made->of.push_back(bind(*rules, path));
  models_.push_back(std::move(made));
  bound_ = models_.back().get();
}

path_reader::binding path_reader::bind(const model& rules, const search_path& path) const {
  binding out;
  if (path.kind == path_kind::telemetry || path.kind == path_kind::telemetry_age)
    out.slot = rules.telemetry_slot(path.first);
  if (path.kind == path_kind::alert_state) out.op = rules.find_operator(path.first);
  if (path.kind != path_kind::output) return out;
  std::uint32_t flat = 0;
  for (const auto& op : rules.operators) {
    const auto offered = op->outputs();
    for (std::uint32_t i = 0; i < offered.size(); ++i)
      if (op->name() == path.first && offered[i].name == path.second) {
        out.op = op.get();
        out.output = i;
        out.flat = flat + i;
      }
    flat += static_cast<std::uint32_t>(offered.size());
  }
  return out;
}

found_value path_reader::get(std::size_t index) {
  return index < columns_.size() ? get_column(index) : get_twin(index);
}

found_value path_reader::get_column(std::size_t index) const {
  const auto& column = *columns_[index];
  const auto kind = paths_[index].kind;
  if (kind == path_kind::age || kind == path_kind::telemetry_age)
    return age_of(column.event_time_ns(row_));
  return column.get(row_);
}

found_value path_reader::get_twin(std::size_t index) {
  const auto& path = paths_[index];
  const auto& b = bound_->of[index];
  const auto& twin = *twin_;
  const std::string_view id = twin.id();
  switch (path.kind) {
  case path_kind::id: return found_value::of(id);
  case path_kind::name_space: return found_value::of(id.substr(0, id.find(':')));
  case path_kind::name: return found_value::of(id.substr(std::min(id.size(), id.find(':') + 1)));
  case path_kind::kind: return found_value::of(std::string_view(bound_->rules->kind));
  case path_kind::model: return found_value::of(std::string_view(bound_->rules->name));
  case path_kind::connected: return found_value::of(twin.connected());
  case path_kind::awake: return found_value::of(twin.awake());
  case path_kind::age: return age_of(twin.last_event_ns());
  case path_kind::last_event_time: return found_time(twin.last_event_ns());
  case path_kind::readings: return found_value::of(static_cast<std::int64_t>(twin.readings()));
  case path_kind::revision:
    return found_value::of(static_cast<std::int64_t>(twin.last_applied().at.value));
  case path_kind::parent:
    return twin.rare() == nullptr || twin.rare()->alerts.parent.empty()
               ? found_value{}
               : found_value::of(std::string_view(twin.rare()->alerts.parent));
  case path_kind::telemetry:
  case path_kind::telemetry_age: return telemetry(path, b);
  case path_kind::property:
    if (twin.rare() == nullptr || twin.rare()->properties.empty()) return {};
    return json_value(find_json(twin.rare()->properties, path.first), scratch_);
  case path_kind::output: return output(b);
  case path_kind::alert_count:
    return found_value::of(
        static_cast<std::int64_t>(twin.rare() == nullptr ? 0 : twin.rare()->alerts.open_count()));
  case path_kind::alert_severity: return worst_alert();
  case path_kind::alert_state: return alert_state(b);
  }
  return {};
}

const latest_value* path_reader::latest_of(const search_path& path, const binding& b,
                                           std::string_view& text) const {
  const auto* rare = twin_->rare();
  if (b.slot >= 0) {
    const auto slot = static_cast<std::size_t>(b.slot);
    if (rare != nullptr && !rare->texts.empty()) text = rare->texts[slot];
    return &twin_->latest()[slot];
  }
  if (rare == nullptr) return nullptr;
  for (const auto& u : rare->undeclared)
    if (u.name == path.first) {
      text = u.text;
      return &u.latest;
    }
  return nullptr;
}

std::int64_t path_reader::event_time_ns(std::size_t index) const {
  if (index < columns_.size()) return columns_[index]->event_time_ns(row_);
  std::string_view text;
  const auto* value = latest_of(paths_[index], bound_->of[index], text);
  return value == nullptr ? no_time : value->event_time_ns;
}

const sphere_point& path_reader::sphere_of(const geo_place& place) noexcept {
  if (place.latitude != last_place_.latitude || place.longitude != last_place_.longitude) {
    last_place_ = place;
    last_sphere_ = on_sphere(place);
  }
  return last_sphere_;
}

std::int64_t path_reader::time_ns(std::size_t index) const {
  switch (paths_[index].kind) {
  case path_kind::age: return twin_->last_event_ns();
  case path_kind::telemetry:
  case path_kind::telemetry_age: return event_time_ns(index);
  default: return no_time;
  }
}

found_value path_reader::telemetry(const search_path& path, const binding& b) const {
  std::string_view text;
  const auto* value = latest_of(path, b, text);
  if (value == nullptr || value->event_time_ns == no_time) return {};
  if (path.kind == path_kind::telemetry_age) return age_of(value->event_time_ns);
  switch (value->type()) {
  case value_kind::f64: return found_value::of(value->f64);
  case value_kind::i64: return found_value::of(value->i64);
  case value_kind::boolean: return found_value::of(value->boolean);
  case value_kind::text: return found_value::of(text);
  default: return {};
  }
}

found_value path_reader::output(const binding& b) const {
  if (b.op == nullptr) return {};
  if (twin_->awake()) {
    const auto number = b.op->output(*twin_->state(), b.output);
    return number ? found_value::of(*number) : found_value{};
  }
  const auto number = twin_->outputs()[b.flat];
  return std::isnan(number) ? found_value{} : found_value::of(number);
}

found_value path_reader::alert_state(const binding& b) const {
  if (b.op == nullptr) return {};
  if (twin_->rare() != nullptr)
    for (const auto& a : twin_->rare()->alerts.all())
      if (a.rule == b.op->index() && a.open())
        return found_value::of(std::string_view(state_word(a)));
  return found_value::of(std::string_view("ok"));
}

found_value path_reader::worst_alert() const {
  std::int64_t worst = 0;
  if (twin_->rare() != nullptr)
    for (const auto& a : twin_->rare()->alerts.all())
      if (a.open()) worst = std::max(worst, static_cast<std::int64_t>(a.level));
  return found_severity(worst);
}

found_value path_reader::age_of(std::int64_t time_ns) const {
  if (time_ns == no_time) return {};
  return found_value::of(static_cast<double>(elapsed_ns(now_ns_, time_ns)) /
                         static_cast<double>(ns_per_s));
}

} // namespace pollux::domain
