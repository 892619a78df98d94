// SPDX-License-Identifier: Apache-2.0
// The table of operator types, and what a type's reader is given to resolve names with.
#pragma once
#include "domain/model/config_node.hpp"
#include "domain/model/operator.hpp"
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

/// The model as far as it is read: telemetry, and the operators above the one being read. An
/// operator refers only upwards, which makes cycles impossible and the order of evaluation plain.
class model_scope {
public:
  explicit model_scope(model& so_far) : model_(so_far) {}

  [[nodiscard]] const model& so_far() const noexcept { return model_; }
  /// The slot of the telemetry named by the required text `key`; -1 after an error in `in`.
  int telemetry(object_reader& in, std::string_view key);
  /// The same, but one whose values are numbers (number, integer, boolean).
  int numeric_telemetry(object_reader& in, std::string_view key);
  /// The operator named by the required text `key`, which must be a T; nullptr after an error.
  template <class T>
  const T* earlier(object_reader& in, std::string_view key, std::string_view what) {
    const auto* node = in.require(key, config_node::type::text);
    if (node == nullptr) return nullptr;
    std::vector<std::string_view> known;
    for (const auto& op : model_.operators) {
      const auto* fitting = dynamic_cast<const T*>(op.get());
      if (fitting == nullptr) continue;
      if (op->name() == node->text) {
        depends_on(*op);
        return fitting;
      }
      known.push_back(op->name());
    }
    unknown(in, *node, what, known);
    return nullptr;
  }
  /// Asks that each twin keeps this telemetry's readings for `span_ns`.
  void want_series(int slot, std::int64_t span_ns, std::size_t max_entries);
  /// The operator being read gives other verdicts when `op` changes.
  void depends_on(const twin_operator& op);
  static void unknown(object_reader& in, const config_node& at, std::string_view what,
                      const std::vector<std::string_view>& known);

private:
  friend class model_compiler;
  model& model_;
  std::string dependencies_;
};

struct operator_type {
  std::string_view name;
  /// Raise it when the same definition gives other verdicts than before (decision 23).
  std::uint32_t revision;
  /// Reads the operator's own keys. After an error in `in` the result is not used, may be nullptr.
  std::unique_ptr<twin_operator> (*read)(object_reader& in, model_scope& scope);
};

/// All types, in the order of the table.
[[nodiscard]] const std::vector<operator_type>& operator_types();

} // namespace pollux::domain
