// SPDX-License-Identifier: Apache-2.0
#include "actors/search_run.hpp"
#include "domain/base/glob.hpp"
#include "messages/node_api.hpp"
#include <algorithm>

namespace pollux::actors {

bool search_scope::covers(std::string_view id) const {
  return within.empty() ||
         std::ranges::any_of(within, [&](const auto& glob) { return matches_glob(glob, id); });
}

result<std::unique_ptr<search_run>> search_run::compile(const messages::twin_search& q,
                                                        std::int64_t now_ns) {
  std::unique_ptr<search_run> out(new search_run);
  auto& scope = out->scope_;
  scope.within = q.within;
  out->limit_ = std::clamp<std::uint32_t>(q.limit, 1, messages::max_page);
  out->count_ = q.count;
  out->now_ns_ = now_ns;
  auto filter = domain::parse_filter(q.filter, scope.paths);
  if (!filter) return filter.error().within("filter");
  scope.filter = std::move(*filter);
  if (!q.group_by.empty() || !q.values.empty()) {
    auto figures = domain::search_figures::parse(q.group_by, q.values, scope.paths);
    if (!figures) return figures.error();
    out->figures_ = std::move(*figures);
    out->looked_at_ = scope.paths.size();
  } else if (auto order = out->compile_order(q); !order) {
    return order.error();
  }
  out->reader_.emplace(scope.paths, out->now_ns_);
  return out;
}

status search_run::compile_order(const messages::twin_search& q) {
  auto sort = domain::parse_sort(q.sort, scope_.paths);
  if (!sort) return sort.error().within("sort");
  sort_ = std::move(*sort);
  looked_at_ = scope_.paths.size(); // fields are read of those that make it into the page
  auto fields = domain::search_fields::parse(q.fields, scope_.paths);
  if (!fields) return fields.error().within("fields");
  fields_ = std::move(*fields);
  if (q.cursor.empty()) return {};
  auto cursor = domain::read_cursor(q.cursor, sort_.size());
  if (!cursor) return cursor.error().within("cursor");
  cursor_ = std::move(*cursor);
  now_ns_ = cursor_->now_ns;
  return {};
}

int search_run::compare(const item& a, const item& b) const noexcept {
  return domain::compare_keys(sort_, a.keys, a.id, b.keys, b.id);
}

void search_run::take(twin_place place, const std::string& id, columns of) {
  if (!scope_.covers(id)) return;
  reader_->look_at(of, place.row);
  if (!domain::holds(scope_.filter, *reader_)) return;
  ++total_;
  if (figures_) {
    if (!figures_->add(*reader_)) too_many_groups_ = true;
    return;
  }
  if (best_.size() == limit_ && domain::is_farther(sort_, *reader_, best_.front().keys)) {
    ++after_cursor_;
    return;
  }
  domain::read_keys(sort_, *reader_, keys_);
  if (cursor_ && domain::compare_keys(sort_, keys_, id, cursor_->keys, cursor_->id) <= 0) return;
  ++after_cursor_;
  if (best_.size() == limit_ &&
      domain::compare_keys(sort_, keys_, id, best_.front().keys, best_.front().id) >= 0)
    return;
  add(place, id);
}

void search_run::add(twin_place place, const std::string& id) {
  const auto before = [this](const item& a, const item& b) { return compare(a, b) < 0; };
  if (best_.size() == limit_)
    std::ranges::pop_heap(best_, before); // the room of the one that is left out is used again
  else
    best_.emplace_back();
  best_.back().keys = keys_;
  best_.back().id = id;
  best_.back().place = place;
  std::ranges::push_heap(best_, before);
}

result<messages::search_answer> search_run::finish(const visit& look_at) {
  messages::search_answer out;
  if (count_ || figures_) out.total = total_;
  if (too_many_groups_)
    return failure{errc::refused, "more than 1000 groups; group by something coarser"};
  if (figures_) {
    out.document = figures_->document();
    return out;
  }
  std::ranges::sort(best_, [this](const item& a, const item& b) { return compare(a, b) < 0; });
  out.document = R"({"items":[)";
  for (const auto& i : best_)
    look_at(i.place, [&](const domain::searched_twin& twin, columns of) {
      reader_->look_at(of, i.place.row, twin);
      if (out.document.back() != '[') out.document += ',';
      fields_.write(out.document, *reader_);
    });
  out.document += "]}";
  if (after_cursor_ > best_.size())
    out.next = domain::write_cursor({now_ns_, best_.back().keys, best_.back().id});
  return out;
}

} // namespace pollux::actors
