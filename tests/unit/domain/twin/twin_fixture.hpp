// SPDX-License-Identifier: Apache-2.0
// What tests of twins share: models from text (a small strict JSON reader, since domain/ has none),
// a library of models, and a hand that feeds one twin input by input.
#pragma once
#include "domain/twin/twin.hpp"
#include <cstdlib>
#include <deque>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pollux::domain::testing {

/// Reads the JSON of a test's model; throws on anything malformed (a mistake in the test).
class model_text {
public:
  static config_node read(std::string_view text) {
    model_text reader(text);
    auto root = reader.value();
    reader.space();
    if (reader.at_ != text.size()) throw std::runtime_error("more than one JSON value");
    return root;
  }

private:
  explicit model_text(std::string_view text) : text_(text) {}
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char take() {
    const char c = peek();
    ++at_;
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else {
      ++column_;
    }
    return c;
  }
  void space() {
    while (peek() == ' ' || peek() == '\n') take();
  }
  void expect(char c) {
    space();
    if (take() != c) throw std::runtime_error(std::string("expected ") + c);
  }
  bool skip(char c) {
    space();
    if (peek() != c) return false;
    take();
    return true;
  }
  std::string string() {
    expect('"');
    std::string out;
    while (peek() != '"' && peek() != '\0') out += take();
    expect('"');
    return out;
  }
  config_node value() {
    space();
    config_node node;
    node.line = line_;
    node.column = column_;
    const char c = peek();
    if (c == '{') {
      node.kind = config_node::type::object;
      take();
      while (!skip('}')) {
        auto key = string();
        expect(':');
        node.members.emplace_back(std::move(key), value());
        if (!skip(',') && (space(), peek() != '}')) throw std::runtime_error("expected , or }");
      }
    } else if (c == '[') {
      node.kind = config_node::type::array;
      take();
      while (!skip(']')) {
        node.members.emplace_back("", value());
        if (!skip(',') && (space(), peek() != ']')) throw std::runtime_error("expected , or ]");
      }
    } else if (c == '"') {
      node.kind = config_node::type::text;
      node.text = string();
    } else {
      std::string word;
      while (peek() != '\0' && std::string_view(" \n,]}").find(peek()) == std::string_view::npos)
        word += take();
      if (word == "true" || word == "false") {
        node.kind = config_node::type::boolean;
        node.boolean = word == "true";
      } else if (word != "null") {
        node.kind = config_node::type::number;
        char* end = nullptr;
        node.number = std::strtod(word.c_str(), &end);
        if (*end != '\0') throw std::runtime_error("not a value: " + word);
      }
    }
    return node;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1, column_ = 1;
};

/// Models by hash; a test's hash is any short name.
class library final : public model_source {
public:
  void add(const std::string& hash, std::string_view json) {
    auto compiled = compile(model_text::read(json));
    if (!compiled) throw std::runtime_error(compiled.error().what);
    auto m = std::make_shared<model>(std::move(*compiled));
    m->hash = hash;
    models_[hash] = std::move(m);
  }
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view hash) const override {
    const auto found = models_.find(std::string(hash));
    return found == models_.end() ? nullptr : found->second;
  }

private:
  std::map<std::string, std::shared_ptr<const model>, std::less<>> models_;
};

/// "" when the model compiles, else its error.
inline std::string compile_error(std::string_view json) {
  auto compiled = compile(model_text::read(json));
  return compiled ? std::string{} : compiled.error().what;
}

inline std::string saved(const twin_state& state) {
  std::string bytes;
  save(state, bytes);
  return bytes;
}

/// Feeds one twin. Times are given in seconds of ingest and event time; both may be set apart.
class hand {
public:
  explicit hand(const library& models, std::string_view hash = {}) : models_(models) {
    if (hash.empty()) return;
    auto& in = begin(input_kind::twin_created);
    in.model_hash = hash;
    apply();
  }

  input& begin(input_kind kind) {
    in_.clear();
    in_.id = {{1}, ++index_};
    in_.kind = kind;
    in_.ingest_time_ns = now_s * ns_per_s;
    return in_;
  }
  /// Applies the input begun; its effects are in `out` (only its own).
  effects& apply() {
    out.clear();
    step(models_, state, in_, out);
    return out;
  }
  /// One reading of numbers at event time `t_s` (seconds); the ingest time is `now_s`.
  effects& reading(double t_s, std::initializer_list<std::pair<const char*, double>> values,
                   std::uint64_t sequence = 0) {
    auto& in = begin(input_kind::readings);
    for (const auto& [name, v] : values) in.fields.push_back({name, value_view::of(v)});
    in.readings.push_back({static_cast<std::int64_t>(t_s * 1e9), sequence, 0,
                           static_cast<std::uint32_t>(values.size())});
    return apply();
  }
  effects& value(double t_s, std::string_view name, value_view v) {
    auto& in = begin(input_kind::readings);
    in.fields.push_back({name, v});
    in.readings.push_back({static_cast<std::int64_t>(t_s * 1e9), 0, 0, 1});
    return apply();
  }
  /// The tick the twin asked for, at `now_s`.
  effects& tick() {
    auto& in = begin(input_kind::tick);
    in.timer = state.next_timer();
    in.generation = state.timer_generation();
    return apply();
  }
  effects& simple(input_kind kind) {
    begin(kind);
    return apply();
  }
  [[nodiscard]] twin_description seen() const { return describe(models_, state, now_s * ns_per_s); }
  [[nodiscard]] std::string why(std::string_view rule) const {
    for (const auto& r : seen().rules)
      if (r.name == rule) return r.state + ": " + r.explanation;
    return "no such rule";
  }
  void reload() {
    auto again = load(models_, seen().id, saved(state));
    if (!again) throw std::runtime_error(again.error().what);
    state = std::move(*again);
  }

  twin_state state{"test:twin"};
  effects out;
  std::int64_t now_s = 0;

private:
  const library& models_;
  input in_;
  std::uint32_t index_ = 0;
};

inline double number(const evidence& proof, std::string_view name) {
  for (const auto& n : proof.numbers)
    if (n.name == name) return n.value;
  throw std::runtime_error("no number " + std::string(name) + " in the evidence");
}
inline std::int64_t time(const evidence& proof, std::string_view name) {
  for (const auto& t : proof.times)
    if (t.name == name) return t.time_ns;
  throw std::runtime_error("no time " + std::string(name) + " in the evidence");
}

/// Job J: three anomalies against the earlier readings, and rise then spike.
inline constexpr std::string_view job_j = R"({
  "name": "job_j", "kind": "device",
  "telemetry": {"temperature": {"type": "number"}, "vibration": {}, "current": {}},
  "operators": [
    {"name": "temperature_5m", "type": "window", "of": "temperature", "span": "5m"},
    {"name": "vibration_5m", "type": "window", "of": "vibration", "span": "5m"},
    {"name": "current_5m", "type": "window", "of": "current", "span": "5m"},
    {"name": "temperature_anomaly", "type": "z_score", "window": "temperature_5m", "limit": 3,
     "sd": "population", "sides": "both", "min_samples": 10, "min_stddev": 0, "emit": "each",
     "poison": "include"},
    {"name": "vibration_anomaly", "type": "z_score", "window": "vibration_5m", "limit": 3,
     "sd": "population", "sides": "both", "min_samples": 10, "min_stddev": 0, "emit": "each",
     "poison": "include"},
    {"name": "current_anomaly", "type": "z_score", "window": "current_5m", "limit": 3,
     "sd": "population", "sides": "both", "min_samples": 10, "min_stddev": 0, "emit": "each",
     "poison": "include"},
    {"name": "wear_then_spike", "type": "sequence", "rises": {"of": "vibration", "above": 4.0,
     "count": 3}, "then": "temperature_anomaly", "within": "10m"}
  ]})";

} // namespace pollux::domain::testing
