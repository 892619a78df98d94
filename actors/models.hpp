// SPDX-License-Identifier: Apache-2.0
// The models a node knows, by content hash, and which version rules for each name now.
#pragma once
#include "domain/twin/twin.hpp"
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace pollux::actors {

/// Thread-safe. Models are only ever added.
class model_catalog : public domain::model_source {
public:
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override;
  /// The version that rules for `name` now; nullptr when there is no such model.
  [[nodiscard]] std::shared_ptr<const domain::model> current(std::string_view name) const;
  void add(std::shared_ptr<const domain::model> m);
  /// `m` rules for its name from now on.
  void set_current(std::shared_ptr<const domain::model> m);
  [[nodiscard]] std::vector<std::string> names() const;

private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const domain::model>, std::less<>> by_hash_, by_name_;
};

} // namespace pollux::actors
