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

void live_search::tell(const char* kind, const std::string& id, std::string document) {
  events_.push_back({++last_number_, kind, id, std::move(document)});
  if (events_.size() <= max_live_events) return;
  events_.pop_front();
  ++missed_;
}

void live_search::take(twin_place place, const domain::searched_twin& twin) {
  if (!scope_.covers(twin.id())) return;
  reader_->look_at(twin);
  if (!domain::holds(scope_.filter, *reader_)) return lost(place);
  item_.clear();
  fields_.write(item_, *reader_);
  const auto digest = messages::hash64(item_);
  const auto [found, entered] = members_.try_emplace(place, known{twin.id(), digest});
  if (entered) return tell("enter", twin.id(), item_);
  if (std::exchange(found->second.digest, digest) != digest) tell("update", twin.id(), item_);
}

void live_search::lost(twin_place place) {
  const auto found = members_.find(place);
  if (found == members_.end()) return;
  tell("leave", found->second.id, id_only(found->second.id));
  members_.erase(found);
}

messages::watch_page live_search::pull(const messages::watch_pull& want) {
  while (!events_.empty() && events_.front().number <= want.acknowledged) events_.pop_front();
  messages::watch_page page;
  const auto limit = std::min<std::size_t>(
      std::clamp<std::uint32_t>(want.limit, 1, messages::max_page), events_.size());
  page.events.assign(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(limit));
  page.missed = std::exchange(missed_, 0);
  return page;
}

} // namespace pollux::actors
