// SPDX-License-Identifier: Apache-2.0
#include "actors/models.hpp"
#include "domain/base/glob.hpp"

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

void model_catalog::add_stored(std::shared_ptr<const domain::model> m, std::string_view hash) {
  std::unique_lock lock{mutex_};
  by_hash_.emplace(m->hash, m);
  by_hash_.emplace(hash, m);
}

std::shared_ptr<const domain::model> model_catalog::ruling(std::string_view name,
                                                           std::string_view twin) const {
  std::shared_lock lock{mutex_};
  if (const auto found = exceptions_.find(name); found != exceptions_.end())
    for (auto e = found->second.rbegin(); e != found->second.rend(); ++e)
      if (matches_glob(e->twins, twin)) return e->version;
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

std::vector<model_exception> model_catalog::exceptions(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const auto found = exceptions_.find(name);
  return found == exceptions_.end() ? std::vector<model_exception>{} : found->second;
}

void model_catalog::set_exception(const std::string& twins,
                                  std::shared_ptr<const domain::model> m) {
  std::unique_lock lock{mutex_};
  by_hash_.emplace(m->hash, m);
  auto& all = exceptions_[m->name];
  std::erase_if(all, [&](const model_exception& e) { return e.twins == twins; });
  all.push_back({twins, std::move(m)});
}

void model_catalog::set_current(std::shared_ptr<const domain::model> m) {
  std::unique_lock lock{mutex_};
  by_hash_.emplace(m->hash, m);
  exceptions_.erase(m->name);
  by_name_.insert_or_assign(m->name, m);
}

std::vector<std::string> model_catalog::names() const {
  std::shared_lock lock{mutex_};
  std::vector<std::string> out;
  for (const auto& [name, m] : by_name_) out.push_back(name);
  return out;
}

} // namespace pollux::actors
