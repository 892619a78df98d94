// SPDX-License-Identifier: Apache-2.0
#include "actors/models.hpp"

namespace pollux::actors {

std::shared_ptr<const domain::model> model_catalog::find(std::string_view hash) const {
  std::shared_lock lock{mutex_};
  const auto it = by_hash_.find(hash);
  return it == by_hash_.end() ? nullptr : it->second;
}

std::shared_ptr<const domain::model> model_catalog::current(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

void model_catalog::add(std::shared_ptr<const domain::model> m) {
  std::unique_lock lock{mutex_};
  by_hash_.emplace(m->hash, m);
}

void model_catalog::set_current(std::shared_ptr<const domain::model> m) {
  std::unique_lock lock{mutex_};
  by_hash_.emplace(m->hash, m);
  by_name_.insert_or_assign(m->name, m);
}

std::vector<std::string> model_catalog::names() const {
  std::shared_lock lock{mutex_};
  std::vector<std::string> out;
  for (const auto& [name, m] : by_name_) out.push_back(name);
  return out;
}

} // namespace pollux::actors
