// SPDX-License-Identifier: Apache-2.0
// The keys of the operator type "window", for each of its kinds.
#include "domain/model/registry.hpp"
#include "domain/window/count_window.hpp"
#include "domain/window/keyed_window.hpp"
#include "domain/window/pane_window.hpp"
#include "domain/window/run_window.hpp"
#include "domain/window/sliced_window.hpp"
#include "domain/window/window_operator.hpp"
#include <cmath>
#include <numeric>

namespace pollux::domain {
namespace {

using window_reader = std::unique_ptr<twin_operator> (*)(object_reader&, model_scope&);

const config_node* given(object_reader& in, std::string_view key, config_node::type kind) {
  return in.optional(key, kind);
}

/// A whole number from `least` to `most`; 0 after an error.
std::size_t whole(object_reader& in, std::string_view key, double fallback, double least,
                  double most) {
  const double value = in.number_or(key, fallback);
  if (value >= least && value <= most && value == std::floor(value))
    return static_cast<std::size_t>(value);
  if (const auto* node = given(in, key, config_node::type::number))
    in.fail(*node, std::string(key) + " lies between " +
                       std::to_string(static_cast<long long>(least)) + " and " +
                       std::to_string(static_cast<long long>(most)));
  return 0;
}

std::size_t entries(object_reader& in) { return whole(in, "max_entries", 200'000, 2, 10'000'000); }

closing_keys read_closing(object_reader& in, model_scope& scope) {
  closing_keys keys;
  keys.slot = scope.numeric_telemetry(in, "of");
  if (keys.slot >= 0)
    keys.field = scope.so_far().telemetry[static_cast<std::size_t>(keys.slot)].name;
  keys.plan = read_aggregates(in);
  return keys;
}

void read_emit(object_reader& in, closing_keys& keys) {
  keys.each = in.choice_or("emit", {"none", "each"}, 0) == 1;
  keys.alert = read_alert_keys(in);
  // An aggregate is news, not a warning, unless the model says otherwise.
  if (given(in, "severity", config_node::type::text) == nullptr) keys.alert.level = severity::info;
}

std::unique_ptr<twin_operator> read_keyed(object_reader& in, model_scope& scope) {
  keyed_shape shape;
  shape.key_slot = scope.telemetry(in, "by");
  if (given(in, "of", config_node::type::text) != nullptr)
    shape.value_slot = scope.numeric_telemetry(in, "of");
  shape.span_ns = in.duration_ns("span");
  shape.max_keys = whole(in, "max_keys", 256, 1, 65'536);
  shape.max_entries = whole(in, "max_entries", 256, 1, 65'536);
  auto plan = read_aggregates(in);
  if (shape.key_slot < 0) return nullptr;
  const auto& by = scope.so_far().telemetry[static_cast<std::size_t>(shape.key_slot)];
  if (by.type == telemetry_type::number || by.type == telemetry_type::samples)
    if (const auto* node = given(in, "by", config_node::type::text))
      in.fail(*node, "a key is a text, an integer or a boolean");
  if (shape.span_ns <= 0 || shape.max_keys == 0 || shape.max_entries == 0) return nullptr;
  return std::make_unique<keyed_window>(shape, std::move(plan), by.name);
}

std::unique_ptr<twin_operator> read_sliced(object_reader& in, model_scope& scope) {
  auto keys = read_closing(in, scope);
  const auto span = in.duration_ns("span");
  const auto slices = whole(in, "slices", 64, 4, sliced_window::max_slices);
  const auto most = entries(in);
  if (keys.slot < 0 || span <= 0 || slices == 0 || most == 0) return nullptr;
  const std::int64_t slice =
      std::max<std::int64_t>(1, (span - 1) / static_cast<std::int64_t>(slices) + 1);
  scope.want_series(keys.slot, slice, most);
  return std::make_unique<sliced_window>(std::move(keys), span, slice);
}

std::unique_ptr<twin_operator> read_sliding(object_reader& in, model_scope& scope) {
  if (given(in, "by", config_node::type::text) != nullptr) return read_keyed(in, scope);
  if (given(in, "slices", config_node::type::number) != nullptr) return read_sliced(in, scope);
  const int slot = scope.numeric_telemetry(in, "of");
  const auto span = in.duration_ns("span");
  const auto most = entries(in);
  const auto plan = read_aggregates(in);
  if (slot < 0 || span <= 0 || most == 0) return nullptr;
  scope.want_series(slot, span, most);
  return std::make_unique<window_operator>(slot, span, plan);
}

std::unique_ptr<twin_operator> make_panes(object_reader& in, model_scope& scope, bool hopping) {
  auto keys = read_closing(in, scope);
  read_emit(in, keys);
  pane_shape shape;
  shape.size_ns = in.duration_ns("size");
  shape.hop_ns = hopping ? in.duration_ns("hop") : shape.size_ns;
  shape.offset_ns = in.duration_ns_or("offset", 0);
  const auto most = entries(in);
  if (keys.slot < 0 || shape.size_ns <= 0 || shape.hop_ns <= 0 || most == 0) return nullptr;
  const auto refuse = [&](std::string_view key, const char* why) {
    if (const auto* node = given(in, key, config_node::type::text)) in.fail(*node, why);
    return nullptr;
  };
  if (shape.hop_ns > shape.size_ns)
    return refuse("hop", "hop must not be above size: readings between two windows would be lost");
  if (shape.offset_ns >= shape.hop_ns)
    return refuse("offset", hopping ? "offset must be below hop" : "offset must be below size");
  shape.pane_ns = std::gcd(shape.size_ns, shape.hop_ns);
  if (shape.size_ns / shape.pane_ns > static_cast<std::int64_t>(closing_window::max_panes) / 2)
    return refuse("hop", "size and hop have too small a common divisor: at most 512 times it is "
                         "the size");
  shape.kept_ns = shape.size_ns;
  scope.want_series(keys.slot, shape.kept_ns, most);
  return std::make_unique<pane_window>(std::move(keys), shape);
}

std::unique_ptr<twin_operator> read_tumbling(object_reader& in, model_scope& scope) {
  return make_panes(in, scope, false);
}
std::unique_ptr<twin_operator> read_hopping(object_reader& in, model_scope& scope) {
  return make_panes(in, scope, true);
}

std::unique_ptr<twin_operator> read_session(object_reader& in, model_scope& scope) {
  auto keys = read_closing(in, scope);
  read_emit(in, keys);
  const auto gap = in.duration_ns("gap");
  if (keys.slot < 0 || gap <= 0) return nullptr;
  return std::make_unique<session_window>(std::move(keys), gap);
}

std::unique_ptr<twin_operator> read_count(object_reader& in, model_scope& scope) {
  auto keys = read_closing(in, scope);
  const auto* required = in.require("last", config_node::type::number);
  const auto last = whole(in, "last", 0, 1, count_window::most);
  if (keys.slot < 0 || required == nullptr || last == 0) return nullptr;
  return std::make_unique<count_window>(keys.slot, last, std::move(keys.plan),
                                        std::move(keys.field));
}

std::unique_ptr<twin_operator> read_state(object_reader& in, model_scope& scope) {
  auto keys = read_closing(in, scope);
  read_emit(in, keys);
  std::vector<named_operand> used;
  auto condition = read_expression(in, scope, "while", used);
  if (keys.slot < 0 || !condition) return nullptr;
  if (used.empty()) {
    if (const auto* node = given(in, "while", config_node::type::text))
      in.fail(*node, "the expression names no telemetry: it could never change");
    return nullptr;
  }
  return std::make_unique<state_window>(std::move(keys), std::move(*condition), std::move(used));
}

} // namespace

std::unique_ptr<twin_operator> read_window(object_reader& in, model_scope& scope) {
  constexpr window_reader readers[] = {read_sliding, read_tumbling, read_hopping,
                                       read_session, read_count,    read_state};
  const auto kind =
      in.choice_or("kind", {"sliding", "tumbling", "hopping", "session", "count", "state"}, 0);
  return readers[kind](in, scope);
}

} // namespace pollux::domain
