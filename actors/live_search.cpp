// SPDX-License-Identifier: Apache-2.0
#include "actors/live_search.hpp"
#include "messages/hash.hpp"
#include <algorithm>

namespace pollux::actors {

namespace {

/// The document of a leaving twin, whose other values nobody knows.
std::string id_only(const std::string& id) {
  std::string out = R"({"id":)";
  domain::append_json(out, std::string_view(id));
  return out + "}";
}

} // namespace

result<std::unique_ptr<live_search>> live_search::compile(const messages::search_watch& q) {
  std::unique_ptr<live_search> out(new live_search);
  out->scope_.within = q.within;
  auto filter = domain::parse_filter(q.filter, out->scope_.paths);
  if (!filter) return filter.error().within("filter");
  out->scope_.filter = std::move(*filter);
  // an age that is only shown changes all the time: it is told with the next real change
  out->ages_ = std::ranges::any_of(out->scope_.paths, [](const domain::search_path& p) {
    return p.kind == domain::path_kind::age || p.kind == domain::path_kind::telemetry_age;
  });
  auto fields = domain::search_fields::parse(q.fields, out->scope_.paths);
  if (!fields) return fields.error().within("fields");
  out->fields_ = std::move(*fields);
  return out;
}

void live_search::at(std::int64_t now_ns) { reader_.emplace(scope_.paths, now_ns); }

bool live_search::covers(const domain::searched_twin& twin) {
  if (!scope_.covers(twin.id())) return false;
  reader_->look_at(twin);
  return domain::holds(scope_.filter, *reader_);
}

void live_search::wait(twin_place place, known& of) {
  if (of.waiting != 0) return;
  of.waiting = ++last_place_;
  waiting_.emplace_hint(waiting_.end(), of.waiting, place);
}

void live_search::take(twin_place place, const domain::searched_twin& twin, bool changed) {
  if (!covers(twin)) return lost(place);
  const auto [found, entered] = members_.try_emplace(place);
  auto& of = found->second;
  if (entered) of.id = twin.id();
  if (changed || entered || !of.inside) wait(place, of);
  of.inside = true;
}

void live_search::lost(twin_place place) {
  const auto found = members_.find(place);
  if (found == members_.end()) return;
  found->second.inside = false;
  wait(place, found->second);
}

void live_search::tell(const char* kind, const std::string& id, std::string document) {
  events_.push_back({++last_number_, kind, id, std::move(document)});
}

/// What the watcher does not know yet of the twin that waits longest; maybe nothing.
void live_search::tell_next(const visit& look_at) {
  const auto place = waiting_.begin()->second;
  waiting_.erase(waiting_.begin());
  const auto found = members_.find(place);
  auto& of = found->second;
  of.waiting = 0;
  of.inside = false; // unless it is seen to be
  look_at(place, [&](const domain::searched_twin& twin) {
    of.inside = covers(twin);
    if (!of.inside) return;
    item_.clear();
    fields_.write(item_, *reader_);
    const auto digest = messages::hash64(item_);
    const bool changed = std::exchange(of.digest, digest) != digest;
    if (!std::exchange(of.told, true))
      tell("enter", of.id, item_);
    else if (changed)
      tell("update", of.id, item_);
  });
  if (of.inside) return;
  if (of.told) tell("leave", of.id, id_only(of.id));
  members_.erase(found);
}

messages::watch_page live_search::pull(const messages::watch_pull& want, const visit& look_at) {
  while (!events_.empty() && events_.front().number <= want.acknowledged) events_.pop_front();
  const auto limit = std::clamp<std::uint32_t>(want.limit, 1, messages::max_page);
  while (events_.size() < limit && !waiting_.empty()) tell_next(look_at);
  messages::watch_page page;
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>(limit, events_.size()));
  page.events.assign(events_.begin(), events_.begin() + count);
  return page;
}

} // namespace pollux::actors
