// SPDX-License-Identifier: Apache-2.0
// Searching a data folder for a twin's id: in the bytes of every file, in every row of both
// databases as it reads, and inside blocks and frames, which are compressed.
#pragma once
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include <functional>
#include <string>
#include <vector>

namespace pollux::persistence {

/// The ids of other twins that begin with or contain the one searched for are no findings.
class id_pattern {
public:
  id_pattern(std::string id, std::vector<std::string> others);
  [[nodiscard]] bool in(std::string_view bytes) const;
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

private:
  std::string id_;
  std::vector<std::string> others_; ///< only those that contain id_
};

/// Where the id still stands; empty = nowhere. At most 100 places are named. `data`: the node's
/// folder. Cost: all of it is read and unpacked. Errors: io.
[[nodiscard]] result<std::vector<std::string>>
find_id(const std::string& data, const log& journal, const store& tables, const id_pattern& wanted);

} // namespace pollux::persistence
