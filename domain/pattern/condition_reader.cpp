// SPDX-License-Identifier: Apache-2.0
// Reading the conditions of a pattern: what the names and functions in them stand for.
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/z_score.hpp"
#include "domain/base/time.hpp"
#include "domain/model/registry.hpp"
#include "domain/pattern/pattern_conditions.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace pollux::domain {
namespace {

using kind = pattern_function::kind;

constexpr std::int64_t default_spike_span_ns = 300 * ns_per_s;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::string_view function_names =
    "first, last, min, max, sum, avg, count, since, prev, changed, rising, falling, spike, dip, "
    "fired, upper, lower, active";

failure wrong(std::string what) { return {errc::invalid_argument, std::move(what)}; }

std::string_view unquoted(std::string_view name) {
  if (name.size() >= 2 && name.front() == '\'' && name.back() == '\'')
    return name.substr(1, name.size() - 2);
  return name;
}

// A finite number; the word `unit` may stand behind it.
std::optional<double> number_of(std::string_view text, std::string_view unit = {}) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest.empty() || rest == unit ? std::optional(value) : std::nullopt;
}

std::optional<kind> look_back_kind(std::string_view name) {
  static constexpr std::pair<std::string_view, kind> all[] = {
      {"first", kind::first}, {"last", kind::last},   {"min", kind::lowest},
      {"max", kind::highest}, {"sum", kind::sum},     {"avg", kind::mean},
      {"mean", kind::mean},   {"count", kind::count}, {"since", kind::since}};
  for (const auto& [known, what] : all)
    if (known == name) return what;
  return std::nullopt;
}

} // namespace

result<condition_id> condition_reader::read(std::string_view text) {
  for (std::size_t i = 0; i < into_.all.size(); ++i)
    if (into_.all[i].text == text) return static_cast<condition_id>(i);
  if (into_.all.size() >= max_pattern_conditions)
    return wrong("more than " + std::to_string(max_pattern_conditions) + " conditions");
  pattern_condition c;
  c.text = text;
  current_ = &c;
  const auto known = operand_names(scope_.so_far());
  auto parsed = expression::parse(
      text, [&](std::string_view n) { return name(n); }, {known.begin(), known.end()},
      [&](std::string_view n, const arguments& given) { return call(n, given); });
  current_ = nullptr;
  if (!parsed) return parsed.error();
  c.test = std::move(*parsed);
  if (c.slots.empty()) c.always = true;
  if (c.always) into_.all_wake = true;
  for (const int slot : c.slots)
    if (std::find(into_.waking.begin(), into_.waking.end(), slot) == into_.waking.end())
      into_.waking.push_back(slot);
  into_.all.push_back(std::move(c));
  return static_cast<condition_id>(into_.all.size() - 1);
}

void condition_reader::wakes(int slot) {
  if (slot < 0)
    current_->always = true;
  else if (std::find(current_->slots.begin(), current_->slots.end(), slot) == current_->slots.end())
    current_->slots.push_back(slot);
}

std::uint32_t condition_reader::add(const pattern_function& f) {
  into_.functions.push_back(f);
  return pattern_function_bit | static_cast<std::uint32_t>(into_.functions.size() - 1);
}

std::optional<std::uint32_t> condition_reader::name(std::string_view name) {
  if (const auto found = resolve_operand(scope_, name)) {
    wakes(found->slot);
    if (scope_.so_far().telemetry_slot(name) >= 0 && !keep(found->slot)) return std::nullopt;
    return found->id;
  }
  // a.temperature: the last one
  const auto last = look_back(kind::last, {name});
  return last && last->ok() ? std::optional(**last) : std::nullopt;
}

result<std::uint16_t> condition_reader::keep(int slot) {
  auto& kept = into_.kept;
  const auto at = std::find(kept.begin(), kept.end(), slot);
  if (at != kept.end()) return static_cast<std::uint16_t>(at - kept.begin());
  if (kept.size() >= max_kept_values)
    return wrong("a pattern may name " + std::to_string(max_kept_values) + " telemetry names");
  kept.push_back(slot);
  return static_cast<std::uint16_t>(kept.size() - 1);
}

result<int> condition_reader::numeric_slot(std::string_view name) const {
  const auto& m = scope_.so_far();
  const auto plain = unquoted(name);
  const int slot = m.telemetry_slot(plain);
  if (slot >= 0) {
    const auto type = m.telemetry[static_cast<std::size_t>(slot)].type;
    if (type != telemetry_type::text && type != telemetry_type::samples) return slot;
    return wrong("\"" + std::string(plain) + "\" is not a number");
  }
  std::vector<std::string_view> known;
  for (const auto& t : m.telemetry) known.push_back(t.name);
  const auto near = nearest(plain, known);
  return wrong("no telemetry \"" + std::string(plain.substr(0, 60)) + "\"" +
               (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
}

condition_reader::function_id condition_reader::call(std::string_view name,
                                                     const arguments& given) {
  if (const auto what = look_back_kind(name)) {
    if ((name == "min" || name == "max") && given.size() > 1) return std::nullopt;
    auto found = look_back(*what, given);
    if (found) return found;
    return wrong("expected an earlier stage, as in " + std::string(name) + "(stage.telemetry)" +
                 (stages_.empty() ? "" : "; there is " + stages_.front()));
  }
  if (name == "prev" || name == "changed" || name == "rising" || name == "falling")
    return track(name, given);
  if (name == "spike" || name == "dip") return spike(name, given);
  if (name == "fired" || name == "upper" || name == "lower" || name == "active")
    return ask(name, given);
  if (name == "abs" || name == "sqrt" || name == "min" || name == "max") return std::nullopt;
  return wrong("unknown function \"" + std::string(name.substr(0, 60)) +
               "\"; there are abs, sqrt, " + std::string(function_names));
}

condition_reader::function_id condition_reader::look_back(kind what, const arguments& given) {
  const bool whole = what == kind::count || what == kind::since;
  if (given.size() != 1) return wrong("expected one argument");
  const auto dot = given[0].find('.');
  const auto stage = given[0].substr(0, dot);
  const auto at = std::find(stages_.begin(), stages_.end(), stage);
  if (at == stages_.end()) return std::nullopt;
  pattern_function f;
  f.what = what;
  f.stage = static_cast<std::uint16_t>(at - stages_.begin());
  if ((negatives_ >> f.stage & 1) != 0)
    return wrong("\"" + *at + "\" is what must not come: it has no events");
  if (whole != (dot == std::string_view::npos))
    return wrong(whole ? "expected a stage without a telemetry"
                       : "expected a telemetry of the stage, as in " + *at + ".temperature");
  if (!whole) {
    const auto slot = numeric_slot(given[0].substr(dot + 1));
    if (!slot) return slot.error();
    const auto value = keep(*slot);
    if (!value) return value.error();
    f.value = *value;
  }
  current_->looks_back = true;
  into_.referred |= 1U << f.stage;
  return add(f);
}

condition_reader::function_id condition_reader::track(std::string_view name,
                                                      const arguments& given) {
  const bool runs = name == "rising" || name == "falling";
  if (given.empty() || given.size() > (runs ? 3 : 1)) return wrong("expected a telemetry");
  const auto slot = numeric_slot(given[0]);
  if (!slot) return slot.error();
  tracker t;
  t.slot = *slot;
  if (runs) {
    t.what = name == "rising" ? tracker::kind::rising : tracker::kind::falling;
    const auto count = given.size() > 1 ? number_of(given[1]) : std::optional(2.0);
    if (!count || !(*count >= 1 && *count <= 1000) || *count != std::floor(*count))
      return wrong("expected how many readings in a row, 1 to 1000");
    const auto limit = given.size() > 2 ? number_of(given[2])
                                        : std::optional(name == "rising" ? -infinity : infinity);
    if (!limit) return wrong("expected a number as the limit");
    t.count = static_cast<std::uint32_t>(*count);
    t.limit = *limit;
  }
  auto& trackers = into_.trackers;
  const auto at = std::find(trackers.begin(), trackers.end(), t) - trackers.begin();
  if (static_cast<std::size_t>(at) == trackers.size()) {
    if (trackers.size() >= max_trackers)
      return wrong("more than " + std::to_string(max_trackers) + " different rising, changed, ...");
    trackers.push_back(t);
  }
  if (const auto value = keep(*slot); !value) return value.error();
  pattern_function f;
  f.what = runs ? kind::run : name == "prev" ? kind::previous : kind::changed;
  f.slot = *slot;
  f.tracker = static_cast<std::uint16_t>(at);
  wakes(*slot);
  return add(f);
}

condition_reader::function_id condition_reader::spike(std::string_view name,
                                                      const arguments& given) {
  if (given.empty() || given.size() > 3) return wrong("expected spike(telemetry, 3 sigma, 5m)");
  const auto slot = numeric_slot(given[0]);
  if (!slot) return slot.error();
  const auto limit = given.size() > 1 ? number_of(given[1], "sigma") : std::optional(3.0);
  if (!limit || !(*limit > 0)) return wrong("expected how many sigma, as in 3 sigma");
  pattern_function f;
  f.what = name == "spike" ? kind::spike : kind::dip;
  f.slot = *slot;
  f.limit = *limit;
  f.span_ns = default_spike_span_ns;
  if (given.size() > 2) {
    const auto span = parse_duration(given[2]);
    if (!span) return wrong("expected how long the window is, as in 5m: " + span.error().what);
    if (*span <= 0) return wrong("expected a window longer than nothing");
    f.span_ns = *span;
  }
  if (const auto value = keep(*slot); !value) return value.error();
  scope_.want_series(*slot, f.span_ns, 200'000);
  wakes(*slot);
  return add(f);
}

condition_reader::function_id condition_reader::ask(std::string_view name, const arguments& given) {
  if (given.size() != 1) return wrong("expected an operator above");
  const auto plain = unquoted(given[0]);
  const auto* op = scope_.so_far().find_operator(plain);
  if (op == nullptr) {
    std::vector<std::string_view> known;
    for (const auto& o : scope_.so_far().operators) known.push_back(o->name());
    const auto near = nearest(plain, known);
    return wrong("no operator \"" + std::string(plain.substr(0, 60)) + "\" above this one" +
                 (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  }
  pattern_function f;
  f.op = op;
  f.what = name == "active" ? kind::active : kind::fired;
  if (name == "upper") f.side = verdict::upper;
  if (name == "lower") f.side = verdict::lower;
  if (f.what == kind::active && dynamic_cast<const alert_rule*>(op) == nullptr)
    return wrong("\"" + op->name() + "\" raises no alert");
  scope_.depends_on(*op);
  const auto* z = dynamic_cast<const z_score_operator*>(op);
  wakes(f.what == kind::fired && z != nullptr ? z->slot() : -1);
  if (z != nullptr)
    if (const auto value = keep(z->slot()); !value) return value.error();
  return add(f);
}

} // namespace pollux::domain
