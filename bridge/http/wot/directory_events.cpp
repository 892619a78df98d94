// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wot/directory_events.hpp"
#include "bridge/http/api/reply.hpp"
#include "bridge/http/stream/pump.hpp"
#include "bridge/http/wot/thing_description.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

constexpr std::int64_t beat_ns = 100 * ns_per_ms, after_failure_ns = 500 * ns_per_ms;
constexpr std::int64_t kept_after_last_reader_ns = 60 * ns_per_s;
constexpr std::int64_t patience_ns = 30 * ns_per_s; ///< the first search reads sleeping twins
constexpr unsigned models_every = 10;               ///< rounds

/// What of a twin its description is made of, apart from its model's text.
constexpr const char* described_by = "id,model,parent,properties";

} // namespace

directory_events::directory_events(node_link link, std::shared_ptr<hub> readers)
    : link_(std::move(link)), readers_(std::move(readers)) {}

void directory_events::when_live(std::function<void(status)> then) {
  bool live = false, start = false;
  {
    const std::lock_guard lock(mutex_);
    wanted_ns_ = steady_ns();
    live = live_;
    if (!live) waiting_.push_back(std::move(then));
    start = !live && !std::exchange(running_, true);
  }
  if (live) then({});
  if (start) open();
}

void directory_events::open() {
  watch_ = acknowledged_ = 0;
  drained_ = false;
  rules_.clear();
  ask<messages::search_watch>(
      link_, {"", described_by, {}},
      [self = weak_from_this()](result<messages::watch_opened> opened) {
        const auto still = self.lock(); // the door may have closed
        if (!still) return;
        if (!opened) return still->failed(opened.error());
        still->watch_ = opened->watch;
        still->pull();
      },
      patience_ns);
}

/// Only when it can be said that nobody will join meanwhile.
bool directory_events::nobody_is_left() {
  const std::lock_guard lock(mutex_);
  const auto now = steady_ns();
  if (readers_->readers() > 0 || !waiting_.empty()) wanted_ns_ = now;
  if (now - wanted_ns_ < kept_after_last_reader_ns) return false;
  running_ = live_ = false;
  return true;
}

void directory_events::pull() {
  readers_->flush(steady_ns());
  const auto watch = watch_; // once nobody is left the next one who comes may begin anew
  if (nobody_is_left()) {
    ask<messages::watch_close>(link_, {watch}, [](const result<messages::done>&) {});
    return;
  }
  ask<messages::watch_pull>(link_, {watch_, acknowledged_, messages::max_page},
                            [self = weak_from_this()](result<messages::watch_page> page) {
                              const auto still = self.lock();
                              if (!still) return;
                              page ? still->took(*page) : still->failed(page.error());
                            });
}

void directory_events::took(const messages::watch_page& page) {
  if (page.missed > 0 && drained_) readers_->lost(page.missed);
  for (const auto& e : page.events) {
    if (e.number <= acknowledged_) continue;
    acknowledged_ = e.number;
    if (!drained_) continue; // it was there before
    readers_->publish(e.kind == "enter"   ? thing_created
                      : e.kind == "leave" ? thing_deleted
                                          : thing_updated,
                      e.twin, "");
  }
  if (page.events.size() >= messages::max_page) return pull(); // there is more
  drained_ = true;
  if (rounds_++ % models_every == 0 || rules_.empty()) return look_at_models();
  again(beat_ns);
}

/// Another version of a model is another description of its twins.
void directory_events::look_at_models() {
  ask<messages::model_list_query>(
      link_, {}, [self = weak_from_this()](const result<messages::model_list>& models) {
        const auto still = self.lock();
        if (!still) return;
        if (!models) return still->failed(models.error());
        std::map<std::string, std::string> now;
        for (const auto& row : models->rows) now[row.name] += row.twins + " " + row.hash + "\n";
        const auto before = std::exchange(still->rules_, now);
        for (const auto& [name, rules] : now)
          if (const auto known = before.find(name); known != before.end() && known->second != rules)
            still->tell_twins_of(name, "");
        (void)still->tell_waiting({});
        still->again(beat_ns);
      });
}

void directory_events::tell_twins_of(const std::string& model, const std::string& cursor) {
  messages::twin_search q;
  q.filter = "eq(model,\"" + model + "\")";
  q.fields = "id";
  q.cursor = cursor;
  q.limit = messages::max_page;
  ask<messages::twin_search>(
      link_, std::move(q),
      [self = weak_from_this(), model](const result<messages::search_answer>& found) {
        const auto still = self.lock();
        if (!still) return;
        if (!found) return still->readers_->lost({});
        const auto document = parse_document(found->document);
        for (const auto& item : document.value("items", json::array()))
          still->readers_->publish(thing_updated, item.value("id", ""), "");
        if (!found->next.empty()) still->tell_twins_of(model, found->next);
      },
      patience_ns);
}

void directory_events::again(std::int64_t after_ns) {
  later(link_, after_ns, [self = weak_from_this()] {
    if (const auto still = self.lock()) still->watch_ == 0 ? still->open() : still->pull();
  });
}

bool directory_events::tell_waiting(const status& outcome) {
  std::vector<std::function<void(status)>> told;
  bool goes_on = true;
  {
    const std::lock_guard lock(mutex_);
    live_ = outcome.ok();
    // a reader who has joined by now is served; who comes later finds it stopped and begins anew
    goes_on = live_ || readers_->readers() > 0;
    running_ = goes_on;
    told.swap(waiting_);
  }
  for (const auto& then : told) then(outcome);
  return goes_on;
}

/// A question that ran out of time is asked again; a watch that is gone is opened anew.
void directory_events::failed(const failure& why) {
  const bool still_there =
      watch_ != 0 &&
      (why.code == errc::timed_out || why.code == errc::overloaded || why.code == errc::conflict);
  if (still_there) return again(after_failure_ns);
  if (drained_) {
    messages::log::warning("http", "the search behind the directory's events has ended",
                           {{"why", why.what}});
    readers_->lost({});
  }
  watch_ = 0;
  drained_ = false;
  if (tell_waiting(why)) again(after_failure_ns);
}

directory_feed::directory_feed(std::shared_ptr<outlet> to, std::string_view type, bool named)
    : to_(std::move(to)), type_(type), named_(named) {}

bool directory_feed::push(chunk bytes) {
  if (bytes->starts_with(':')) return to_->push(std::move(bytes)); // a sign of life
  std::string text;
  std::string_view rest = *bytes;
  if (rest.starts_with("event: missed")) return !named_ || to_->push(std::move(bytes));
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.starts_with("data: ")) continue;
    const auto event = parse_document(std::string(line.substr(6)));
    if (!event.is_object() || event.value("kind", "") != type_) continue;
    text += "id: " + event.value("id", "") + "\n";
    if (named_) text += "event: " + type_ + "\n";
    text += "data: " + dump({{"id", thing_urn(event.value("twin", ""))}}) + "\n\n";
  }
  return text.empty() || to_->push(std::make_shared<const std::string>(std::move(text)));
}

} // namespace pollux::bridge::http
