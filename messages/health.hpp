// SPDX-License-Identifier: Apache-2.0
// What a node needs in order to be ready, as named conditions that each part keeps up to date:
// "broker" connected, "store" open, "recovery" done, "disk" not full. /readyz and `stats` show
// them.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::messages {

/// Thread-safe. One per node; parts hold it by reference.
class health {
public:
  struct condition {
    std::string name;
    bool ok = false;
    std::string why; ///< a sentence: why not, or a detail worth showing; may be empty
  };

  /// States a condition; a change of `ok` is logged. Declare one with ok = false before the work
  /// that makes it true, so that the node is not called ready meanwhile.
  void set(std::string_view name, bool ok, std::string_view why = {});
  /// The condition no longer counts (the part was switched off).
  void forget(std::string_view name);

  /// True when at least one condition is known and all are ok.
  [[nodiscard]] bool ready() const;
  /// In byte order of their names.
  [[nodiscard]] std::vector<condition> conditions() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, condition, std::less<>> conditions_;
};

} // namespace pollux::messages
