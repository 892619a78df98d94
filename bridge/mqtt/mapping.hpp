// SPDX-License-Identifier: Apache-2.0
// Which topics feed which twins: "telemetry/motor/{name}" to "plant1:{name}".
#pragma once
#include "bridge/mqtt/decode.hpp"
#include "messages/inlet.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge {

struct ingress_mapping {
  std::string topic; ///< {placeholder} or + take one whole level each, a last # takes the rest
  std::string twin;  ///< a twin id with the topic's placeholders
  std::string model; ///< of twins seen for the first time; empty = unknown twins are refused
  decode_options decode;
  int qos = 1;
  std::string connection; ///< topic set; empty = the main one
  std::string share;      ///< group of a shared subscription; empty = none
  messages::durability durability = messages::durability::d1;
};

/// The subscription that brings this mapping's messages: its topic with + for each placeholder,
/// behind $share/group/ when it is shared.
[[nodiscard]] std::string filter_of(const ingress_mapping& mapping);

/// Immutable once built; thread-safe to read. Mappings keep their addresses, also when it moves.
class topic_map {
public:
  /// Errors: invalid_argument, naming the mapping, the place and, for a placeholder that the topic
  /// does not have, the nearest one that it has.
  static result<topic_map> build(std::vector<ingress_mapping> mappings);

  /// The first mapping in order whose topic fits, and the twin's id in `twin_id` (overwritten; its
  /// memory is reused). nullptr when none fits or the id would not be valid: then why_not() tells.
  /// Cost: no allocation once `twin_id` is warm, unless the id is not valid.
  [[nodiscard]] const ingress_mapping* match(std::string_view topic, std::string& twin_id) const;

  /// For people and quarantine, in words: why match() gives nullptr. `at`: the mapping whose topic
  /// fits although the id is not valid, or nullptr.
  [[nodiscard]] std::string why_not(std::string_view topic,
                                    const ingress_mapping** at = nullptr) const;

  [[nodiscard]] const std::vector<ingress_mapping>& mappings() const noexcept { return mappings_; }

private:
  enum class level_kind : std::uint8_t { literal, any, bind, rest };
  struct level {
    level_kind kind = level_kind::literal;
    std::string text; ///< the literal, or the placeholder's name
  };
  struct piece {
    std::string literal;
    int level = -1; ///< of the topic, whose text follows the literal; -1 = none
  };
  struct route {
    std::vector<level> levels;
    std::vector<piece> twin;
  };
  static status parse_topic(std::string_view topic, route& out);
  static status parse_twin(std::string_view twin, route& out);
  static bool fits(const route& r, std::string_view topic) noexcept;
  static void join(const route& r, std::string_view topic, std::string& twin_id);
  std::vector<ingress_mapping> mappings_;
  std::vector<route> routes_; ///< one per mapping
};

} // namespace pollux::bridge
