// SPDX-License-Identifier: Apache-2.0
// What tests of state machines share: a model around one machine. In the JSON of a test ~ stands
// for the double quote inside of an expression.
#pragma once
#include "tests/unit/domain/twin/twin_fixture.hpp"

namespace pollux::domain::testing {

inline void put_quotes(config_node& node) {
  for (auto& c : node.text)
    if (c == '~') c = '"';
  for (auto& [key, child] : node.members) put_quotes(child);
}

inline result<model> compile_text(const std::string& json) {
  auto tree = model_text::read(json);
  put_quotes(tree);
  return compile(tree);
}

/// A model with the telemetry x, y (numbers), on (boolean), word (text), the alerts a and b, and a
/// machine "m" of these members.
inline std::string machine_model(const std::string& members) {
  return R"({"name": "m", "telemetry": {"x": {}, "y": {}, "on": {"type": "boolean"},
    "word": {"type": "text"}}, "commands": {"go": {"argument": "to"}, "stop": {}}, "operators": [
    {"name": "a", "type": "machine_alert"}, {"name": "b", "type": "machine_alert"},
    {"name": "m", "type": "state_machine", )" +
         members + "}]}";
}

inline std::string machine_error(const std::string& members) {
  const auto compiled = compile_text(machine_model(members));
  return compiled ? std::string{} : compiled.error().what;
}

/// One model under the hash "m".
class one_model final : public model_source {
public:
  explicit one_model(const std::string& json) {
    auto compiled = compile_text(json);
    if (!compiled) throw std::runtime_error(compiled.error().what);
    compiled->hash = "m";
    model_ = std::make_shared<model>(std::move(*compiled));
  }
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view hash) const override {
    return hash == "m" ? model_ : nullptr;
  }

private:
  std::shared_ptr<const model> model_;
};

/// Feeds one twin with readings and ticks at given milliseconds.
class driver {
public:
  explicit driver(const model_source& models) : models_(models) {
    begin(input_kind::twin_created, 0).model_hash = "m";
    apply();
  }
  input& begin(input_kind kind, std::int64_t now_ms) {
    in_.clear();
    in_.id = {{1}, ++index_};
    in_.kind = kind;
    in_.ingest_time_ns = now_ms * ns_per_ms;
    return in_;
  }
  const effects& apply() {
    out.clear();
    step(models_, state, in_, out);
    return out;
  }
  const effects& reading(std::int64_t now_ms,
                         const std::vector<std::pair<std::string, value_view>>& values) {
    auto& in = begin(input_kind::readings, now_ms);
    for (const auto& [name, v] : values) in.fields.push_back({name, v});
    in.readings.push_back({now_ms * ns_per_ms, 0, 0, static_cast<std::uint32_t>(in.fields.size())});
    return apply();
  }
  const effects& tick(std::int64_t now_ms) {
    auto& in = begin(input_kind::tick, now_ms);
    in.timer = state.next_timer();
    in.generation = state.timer_generation();
    return apply();
  }
  void reload() {
    auto again = load(models_, "test:m", saved(state));
    if (!again) throw std::runtime_error(again.error().what);
    state = std::move(*again);
  }
  [[nodiscard]] std::string why(std::string_view rule) const {
    for (const auto& r : describe(models_, state, 0).rules)
      if (r.name == rule) return r.state + ": " + r.explanation;
    return "no such rule";
  }

  twin_state state{"test:m"};
  effects out;

private:
  const model_source& models_;
  input in_;
  std::uint32_t index_ = 0;
};

} // namespace pollux::domain::testing
