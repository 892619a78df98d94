// SPDX-License-Identifier: Apache-2.0
// What an answer says of each twin: {"id":..,"telemetry":{"temperature":{"value":..}}}.
#pragma once
#include "domain/search/searched_twin.hpp"
#include <map>
#include <memory>

namespace pollux::domain {

inline constexpr std::size_t max_search_fields = 64;

/// The members of an item, as a tree: "telemetry/a,telemetry/b" share "telemetry".
class search_fields {
public:
  /// "id,telemetry/temperature"; blank: id, kind, model, awake, readings, last_event_time and
  /// active_alerts. Errors: invalid_argument.
  [[nodiscard]] static result<search_fields> parse(std::string_view text,
                                                   std::vector<search_path>& paths);

  /// Appends the item of the reader's twin. What is missing is left out, in the usual fields null.
  /// A telemetry is {"value","event_time","age_s"}, as in the twin's document.
  void write(std::string& out, path_reader& from) const;

private:
  struct member {
    std::string name;
    int path = -1; ///< below 0: an object of `of`
    std::vector<member> of;
  };
  static void add(member& to, const std::vector<std::string>& names, std::size_t depth, int path);
  bool write_members(std::string& out, const member& of, path_reader& from) const;
  void write_value(std::string& out, int path, const found_value& value, path_reader& from) const;
  member root_;
  bool usual_ = false;
};

} // namespace pollux::domain
