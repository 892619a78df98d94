// SPDX-License-Identifier: Apache-2.0
// What a model offers to the Web of Things: telemetry as properties, commands as actions, rules as
// events, each with its data schema. Made once of a model version and shared by all its twins.
#pragma once
#include "bridge/http/api/reply.hpp"
#include "domain/base/result.hpp"
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pollux::bridge::http {

struct thing_affordance {
  std::string name;
  json schema; ///< of the value, an action's input, or an event's data
  std::string description;
};

struct thing_shape {
  std::string model, kind, hash, description;
  std::vector<thing_affordance> properties, actions, events; ///< in the model's order

  [[nodiscard]] bool has_property(std::string_view name) const;
  [[nodiscard]] bool has_action(std::string_view name) const;
  [[nodiscard]] bool has_event(std::string_view name) const;
};

/// Reads a model's text as model_text_query gives it. Telemetry of type `samples` is left out: a
/// twin keeps no value of it. Errors: corrupt, when the text is no model.
[[nodiscard]] result<thing_shape> shape_of_model(std::string_view name, std::string_view hash,
                                                 const std::string& text);

/// UCUM for the words that models use for people ("degC" is "Cel"); others are as they are.
[[nodiscard]] std::string_view ucum(std::string_view unit);

/// A schema that fits a value of which nothing but itself is known.
[[nodiscard]] json schema_of_value(const json& value);

/// What an invoked action is answered with.
[[nodiscard]] json action_status_schema();

/// Shapes by model version, so that no model is read twice in a row. Thread-safe.
class shape_memory {
public:
  using pointer = std::shared_ptr<const thing_shape>;
  [[nodiscard]] pointer find(const std::string& model, const std::string& hash) const;
  /// Beyond 256 versions all are forgotten.
  void keep(pointer shape);

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, pointer> shapes_;
};

} // namespace pollux::bridge::http
