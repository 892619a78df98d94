// SPDX-License-Identifier: Apache-2.0
#include "persistence/tail_view.hpp"

namespace pollux::persistence {

status tail_view::refresh(const log& from, std::uint32_t shard) {
  if (from_ != &from || shard_ != shard) {
    from_ = &from;
    shard_ = shard;
    next_ = {};
    segments_ = 0;
    of_twin_.clear();
    shard_wide_.clear();
    held_.clear();
  }
  auto s = from.scan(shard, next_, [&](const positioned_segment& p) {
    take(p);
    next_.value = p.at.value + 1;
    ++segments_;
    return true;
  });
  if (!s && (s.error().code == errc::corrupt || s.error().code == errc::version_mismatch))
    return {};
  return s;
}

void tail_view::take(const positioned_segment& s) {
  const auto& twins = s.content->twins();
  std::vector<std::vector<entry>*> lists(twins.size());
  bool any = false;
  for (std::size_t t = 0; t < twins.size(); ++t) {
    if (!only_.empty() && twins[t] != only_) continue;
    lists[t] = &of_twin_[twins[t]];
    any = true;
  }
  const auto& entries = s.content->entries();
  const auto here = static_cast<std::uint32_t>(held_.size());
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].twin == messages::shard_wide_twin) {
      shard_wide_.push_back({here, i});
      any = true;
    } else if (auto* list = lists[entries[i].twin]; list != nullptr) {
      list->push_back({here, i});
    }
  }
  if (any) held_.push_back(s);
}

void tail_view::visit_entries(const std::vector<entry>& entries,
                              const std::function<void(const domain::input&)>& visit) const {
  domain::input in;
  for (const auto& e : entries) {
    const auto& s = held_[e.segment];
    s.content->decode(e.index, s.at, in);
    visit(in);
  }
}

void tail_view::each(std::string_view id,
                     const std::function<void(const domain::input&)>& visit) const {
  const auto found = of_twin_.find(id);
  if (found != of_twin_.end()) visit_entries(found->second, visit);
}

void tail_view::each_shard_wide(const std::function<void(const domain::input&)>& visit) const {
  visit_entries(shard_wide_, visit);
}

} // namespace pollux::persistence
