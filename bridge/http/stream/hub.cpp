// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/stream/hub.hpp"
#include "domain/base/glob.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::bridge::http {

namespace {

bool is_exact(std::string_view glob) { return glob.find_first_of("*?") == std::string_view::npos; }

std::string key_of(const subscription& s) {
  std::string out{s.state ? 's' : '-', s.alert ? 'a' : '-', s.command ? 'c' : '-'};
  out += s.twins;
  for (const auto& space : s.namespaces) (out += '\n') += space;
  return s.filter.empty() ? out : out + "\n\n" + s.filter;
}

bool wanted(const subscription& s, std::string_view kind, std::string_view twin) {
  if (kind == "state" ? !s.state : kind == "alert" ? !s.alert : !s.command) return false;
  const auto space = twin.substr(0, twin.find(':'));
  return std::any_of(s.namespaces.begin(), s.namespaces.end(),
                     [&](const auto& glob) { return matches_glob(glob, space); }) &&
         matches_glob(s.twins, twin);
}

/// Of an id or kind: what stands between quotes as it is.
void quote(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (u < 0x20)
      out.append("\\u00").append({hex[u >> 4], hex[u & 15]});
    else
      out += c;
  }
  out += '"';
}

std::string lossless(std::string_view name, std::string_view value) {
  return "event: " + std::string(name) + "\ndata: " + std::string(value) + "\n\n";
}

} // namespace

hub::hub(hub_options options, std::string epoch) : options_(options), epoch_(std::move(epoch)) {}

std::shared_ptr<hub::list> hub::list_for(const subscription& wants) {
  auto& found = lists_[key_of(wants)];
  if (found) return found;
  found = std::make_shared<list>();
  found->wants = wants;
  if (!wants.filter.empty()) {
    found->filter = std::make_unique<filter_state>();
    found->filter->number = ++last_filter_;
  }
  if (is_exact(wants.twins))
    exact_.emplace(wants.twins, found.get());
  else
    wild_.push_back(found.get());
  for (const auto& [number, e] : recent_)
    if (wanted(wants, e->kind, e->twin)) found->events.emplace(number, e);
  return found;
}

std::uint64_t hub::join(const subscription& wants, std::shared_ptr<outlet> to, framing how,
                        std::string_view last_id, std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  auto l = list_for(wants);
  const auto number = ++last_reader_;
  auto& r = l->readers[number];
  r.to = std::move(to);
  r.how = how;
  r.place = last_number_;
  r.next_ns = r.silent_since_ns = now_ns;
  if (!last_id.empty()) resume(r, last_id);
  l->least_place = std::min(l->least_place, r.place);
  list_of_.emplace(number, std::move(l));
  return number;
}

/// After a restart ids begin anew: then nobody can say how much was missed.
void hub::resume(reader& r, std::string_view last_id) const {
  const auto dash = last_id.find('-');
  std::uint64_t number = 0;
  const auto digits =
      dash == std::string_view::npos ? std::string_view() : last_id.substr(dash + 1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool ours = dash != std::string_view::npos && last_id.substr(0, dash) == epoch_ &&
                    read.ec == std::errc{} && read.ptr == digits.data() + digits.size() &&
                    number <= last_number_;
  if (!ours) {
    r.unknown_loss = true;
    return;
  }
  r.place = number;
  if (forgotten_ > number) r.missed = forgotten_ - number; // at most: some were not for this reader
}

void hub::leave(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = list_of_.find(number);
  if (found == list_of_.end()) return;
  const auto l = found->second;
  list_of_.erase(found);
  l->readers.erase(number);
  last_left_ns_ = now_ns_;
  if (!l->readers.empty()) return;
  std::erase(wild_, l.get());
  const auto [from, to] = exact_.equal_range(l->wants.twins);
  for (auto it = from; it != to; ++it)
    if (it->second == l.get()) {
      exact_.erase(it);
      break;
    }
  lists_.erase(key_of(l->wants));
}

void hub::offer(list& to, const event_pointer& e, std::uint64_t replaced) {
  if (!wanted(to.wants, e->kind, e->twin)) return;
  if (replaced != 0) to.events.erase(replaced);
  to.events.emplace_hint(to.events.end(), e->number, e);
}

void hub::publish(std::string_view kind, const std::string& twin, std::string_view document) {
  auto e = std::make_shared<event>();
  e->twin = twin;
  e->kind = kind;
  const std::lock_guard lock(mutex_);
  e->number = ++last_number_;
  const auto id = epoch_ + "-" + std::to_string(e->number);
  std::string json = "{\"id\":\"" + id + "\",\"kind\":";
  quote(json, kind);
  json += ",\"twin\":";
  quote(json, twin);
  json += ",\"document\":";
  const auto start = json.size();
  json += document.empty() ? "null" : document;
  json += '}';
  std::replace_if( // JSON has line ends between its words only, and a frame's data is one line
      json.begin() + static_cast<std::ptrdiff_t>(start), json.end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
  std::string frame = "id: " + id + "\nevent: " + e->kind + "\ndata: ";
  e->skip = frame.size();
  e->size = json.size();
  frame += json;
  frame += "\n\n";
  e->frame = std::make_shared<const std::string>(std::move(frame));

  std::uint64_t replaced = 0;
  if (kind == "state") {
    auto& latest = latest_[twin];
    replaced = std::exchange(latest, e->number);
    if (const auto old = recent_.find(replaced); old != recent_.end()) {
      recent_bytes_ -= old->second->frame->size();
      recent_.erase(old);
    }
  }
  recent_.emplace_hint(recent_.end(), e->number, e);
  recent_bytes_ += e->frame->size();
  const auto [from, to] = exact_.equal_range(twin);
  for (auto it = from; it != to; ++it) offer(*it->second, e, replaced);
  for (auto* l : wild_) offer(*l, e, replaced);
  evict();
}

void hub::evict() {
  while ((recent_bytes_ > options_.recent_bytes || recent_.size() > options_.recent_events) &&
         recent_.size() > 1) {
    const auto oldest = recent_.begin()->second;
    recent_.erase(recent_.begin());
    recent_bytes_ -= oldest->frame->size();
    forgotten_ = std::max(forgotten_, oldest->number);
    if (const auto it = latest_.find(oldest->twin);
        it != latest_.end() && it->second == oldest->number)
      latest_.erase(it);
    const auto [from, to] = exact_.equal_range(oldest->twin);
    for (auto it = from; it != to; ++it) outlive(*it->second, *oldest);
    for (auto* l : wild_) outlive(*l, *oldest);
  }
}

/// `e` is no longer among the recent events: it stays for readers who are still to get it, or one
/// busy moment would cost the reader of a quiet twin its only event.
void hub::outlive(list& in, const event& e) {
  const auto it = in.events.find(e.number);
  if (it == in.events.end()) return;
  if (e.number <= in.least_place) {
    in.events.erase(it);
    return;
  }
  in.overdue_bytes += e.frame->size();
  while (in.overdue_bytes > options_.batch_bytes) drop_first(in);
}

void hub::drop_first(list& from) {
  const auto it = from.events.begin();
  from.overdue_bytes -= it->second->frame->size();
  for (auto& [unused, r] : from.readers)
    if (r.place < it->first) ++r.missed;
  from.events.erase(it);
}

/// Overdue events that every reader has.
void hub::forget_read(list& in) const {
  const auto last = std::min(in.least_place, forgotten_);
  while (!in.events.empty() && in.events.begin()->first <= last) drop_first(in);
}

void hub::lost(std::optional<std::uint64_t> events) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, l] : lists_)
    for (auto& [number, r] : l->readers) {
      r.missed += events.value_or(0);
      r.unknown_loss = r.unknown_loss || !events;
    }
}

bool hub::tell_loss(reader& r) {
  if (r.loss_told || (r.missed == 0 && !r.unknown_loss)) return true;
  const auto count = r.unknown_loss ? std::string("null") : std::to_string(r.missed);
  const auto text = r.how == framing::event_stream
                        ? lossless("missed", "{\"events\":" + count + "}")
                        : "{\"type\":\"missed\",\"events\":" + count + "}";
  if (!r.to->push(std::make_shared<const std::string>(text))) return false;
  r.missed = 0;
  r.unknown_loss = false;
  r.loss_told = true; // once between two batches, or it would stand in their way
  return true;
}

hub::batch hub::batch_after(list& l, std::uint64_t place, framing how) const {
  const bool socket = how == framing::web_socket;
  auto& known = l.last[socket ? 1 : 0];
  auto it = l.events.upper_bound(place);
  if (it == l.events.end() || (l.filter && it->first > l.filter->settled))
    return {place, place, nullptr};
  if (known.text && known.from == place) return known; // of this very flush()
  batch out{place, place, nullptr};
  std::string text;
  std::size_t taken = 0;
  const event_pointer first = it->second;
  for (; it != l.events.end(); ++it) {
    const auto& e = *it->second;
    if (l.filter && e.number > l.filter->settled) break;
    const auto size = socket ? e.size + 1 : e.frame->size();
    if (taken != 0 && text.size() + size + 32 > options_.batch_bytes) break;
    if (socket) {
      text += taken == 0 ? "{\"type\":\"events\",\"events\":[" : ",";
      text.append(*e.frame, e.skip, e.size);
    } else {
      text += *e.frame;
    }
    ++taken;
    out.to = e.number;
  }
  if (socket) text += "]}";
  out.text =
      !socket && taken == 1 ? first->frame : std::make_shared<const std::string>(std::move(text));
  known = out;
  return out;
}

/// True when the reader has all there is.
bool hub::hand_on(list& l, reader& r, std::int64_t now_ns) {
  if (!tell_loss(r)) return false;
  const auto next = batch_after(l, r.place, r.how);
  if (!next.text || !r.to->push(next.text)) return !next.text;
  r.place = next.to;
  r.loss_told = false;
  r.next_ns = now_ns + options_.pause_ns;
  r.silent_since_ns = now_ns;
  return true;
}

void hub::flush(std::int64_t now_ns) {
  static const auto comment = std::make_shared<const std::string>(": still here\n\n");
  const std::lock_guard lock(mutex_);
  now_ns_ = now_ns;
  for (auto& [key, l] : lists_) {
    auto least = last_number_;
    for (auto& [number, r] : l->readers) {
      least = std::min(least, r.place); // before this batch: a bound is enough
      if (now_ns < r.next_ns || r.to->unsent() != 0) continue;
      if (hand_on(*l, r, now_ns) && r.how == framing::event_stream &&
          now_ns - r.silent_since_ns >= options_.silence_ns && r.to->push(comment))
        r.silent_since_ns = now_ns;
    }
    l->least_place = least;
    forget_read(*l);
    l->last[0] = l->last[1] = {}; // the text is the readers' from here on
  }
}

std::size_t hub::readers() const {
  const std::lock_guard lock(mutex_);
  return list_of_.size();
}

bool hub::claim_pump() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(pumped_, true);
}

bool hub::give_up_pump(std::int64_t idle_since_ns) {
  const std::lock_guard lock(mutex_);
  if (!list_of_.empty() || last_left_ns_ > idle_since_ns) return false;
  pumped_ = false;
  // what happens from now on will not be known: ids given so far must not look resumable
  forgotten_ = ++last_number_;
  recent_.clear();
  recent_bytes_ = 0;
  latest_.clear();
  return true;
}

} // namespace pollux::bridge::http
