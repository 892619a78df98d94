// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/stream/routes.hpp"
#include "bridge/http/stream/filter_follower.hpp"
#include "bridge/http/stream/pump.hpp"
#include "domain/search/search_filter.hpp"
#include <mutex>
#include <random>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t longest_id = 64;

struct source {
  node_link link;
  std::shared_ptr<hub> to;
};

std::string random_epoch() {
  std::random_device dice;
  char text[16];
  std::snprintf(text, sizeof text, "%08x", dice());
  return text;
}

chunk text_of(std::string_view text) { return std::make_shared<const std::string>(text); }

/// The namespaces in which they may read.
std::vector<std::string> readable(const identity& who) {
  std::vector<std::string> out;
  for (const auto& g : who.grants)
    if (g.what >= role::viewer) out.push_back(g.namespaces);
  return out;
}

status set_kinds(subscription& s, std::string_view words) {
  s.state = s.alert = s.command = false;
  while (!words.empty()) {
    const auto end = std::min(words.find(','), words.size());
    const auto one = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    if (one == "state")
      s.state = true;
    else if (one == "alert")
      s.alert = true;
    else if (one == "command")
      s.command = true;
    else
      return failure{errc::invalid_argument,
                     "kinds: '" + std::string(one) + "' is none of state, alert, command"};
  }
  if (!s.state && !s.alert && !s.command)
    return failure{errc::invalid_argument, "kinds: at least one of state, alert, command"};
  return {};
}

status set_word(wanted_events& out, std::string_view name, const std::string& value) {
  if (name == "twins") {
    if (value.empty() || value.size() > longest_glob)
      return failure{errc::invalid_argument, "twins: a glob of 1 to 512 characters"};
    out.what.twins = value;
  } else if (name == "kinds") {
    return set_kinds(out.what, value);
  } else if (name == "filter") {
    std::vector<domain::search_path> paths;
    if (auto read = domain::parse_filter(value, paths); !read) return read.error().within("filter");
    out.what.filter = value;
  } else if (name == "last_event_id") {
    out.last_id = value.substr(0, longest_id);
  } else {
    return failure{errc::invalid_argument, "no word '" + std::string(name) +
                                               "' here; there are twins, kinds, "
                                               "filter, last_event_id"};
  }
  return {};
}

response event_stream(const source& from, const identity& who, const wanted_events& wanted,
                      std::optional<std::uint64_t> watch) {
  response out;
  out.content_type = "text/event-stream";
  out.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  const auto number = std::make_shared<std::uint64_t>(0);
  auto on = std::make_shared<stream>();
  on->opened = [from, who, wanted, watch, number](const std::shared_ptr<outlet>& to) {
    to->push(text_of(": pollux\nretry: 1000\n\n"));
    *number = from.to->join(wanted.what, to, framing::event_stream, wanted.last_id, steady_ns());
    keep_pumping(from.link, from.to);
    keep_following(from.link, from.to, who, wanted.what, *number, watch);
  };
  on->closed = [from, number] { from.to->leave(*number); };
  out.goes_on = std::move(on);
  return out;
}

void serve_events(const source& from, const request& r, const responder& respond) {
  const auto wanted = wanted_by(r);
  if (!wanted) return respond(problem(wanted.error()));
  open_filter(from.link, from.to, r.who, wanted->what,
              [from, who = r.who, wanted = *wanted,
               respond](const result<std::optional<std::uint64_t>>& watch) {
                if (!watch) return respond(problem(watch.error()));
                respond(event_stream(from, who, wanted, *watch));
              });
}

/// One WebSocket: a subscription that each message of the client replaces.
class conversation : public std::enable_shared_from_this<conversation> {
public:
  conversation(source from, identity who) : from_(std::move(from)), who_(std::move(who)) {}
  void opened(const std::shared_ptr<outlet>& to) {
    const std::lock_guard lock(mutex_);
    to_ = to;
  }
  void closed() {
    const std::lock_guard lock(mutex_);
    if (number_ != 0) from_.to->leave(number_);
    to_.reset();
  }
  /// Stands when the filter, if there is one, is known to the node; until then the one before does.
  /// One filter is opened at a time, however quickly the client changes its mind: it costs the node
  /// a look at all twins. Of what comes meanwhile the newest is kept.
  void subscribe(const wanted_events& wanted) {
    std::uint64_t turn = 0;
    {
      const std::lock_guard lock(mutex_);
      turn = ++turn_;
      if (opening_) {
        next_ = wanted;
        return;
      }
      opening_ = true;
    }
    open(wanted, turn);
  }
  void received(std::string_view message) {
    const auto wanted = wanted_by(who_, message);
    if (wanted) return subscribe(*wanted);
    const std::lock_guard lock(mutex_);
    complain(wanted.error());
  }

private:
  void open(const wanted_events& wanted, std::uint64_t turn) {
    open_filter(from_.link, from_.to, who_, wanted.what,
                [self = shared_from_this(), wanted,
                 turn](const result<std::optional<std::uint64_t>>& watch) {
                  self->stand(wanted, turn, watch);
                  self->open_next();
                });
  }
  void open_next() {
    std::optional<wanted_events> wanted;
    std::uint64_t turn = 0;
    {
      const std::lock_guard lock(mutex_);
      wanted = std::exchange(next_, {});
      opening_ = wanted.has_value() && to_;
      if (!opening_) return;
      turn = turn_;
    }
    open(*wanted, turn);
  }
  /// What does not fit, because the client reads nothing, is not worth keeping.
  void complain(const failure& f) {
    to_->push(text_of(json{{"type", "error"}, {"detail", f.what}}.dump(
        -1, ' ', false, json::error_handler_t::replace)));
  }
  void stand(const wanted_events& wanted, std::uint64_t turn,
             const result<std::optional<std::uint64_t>>& watch) {
    const std::lock_guard lock(mutex_);
    const bool late = !to_ || turn != turn_; // gone, or it wants something else by now
    if (late && watch) return keep_following(from_.link, from_.to, who_, wanted.what, 0, *watch);
    if (late) return;
    if (!watch) return complain(watch.error());
    if (number_ != 0) from_.to->leave(number_);
    json told{{"type", "subscribed"}, {"twins", wanted.what.twins}};
    if (!wanted.what.filter.empty()) told["filter"] = wanted.what.filter;
    to_->push(text_of(told.dump(-1, ' ', false, json::error_handler_t::replace)));
    number_ = from_.to->join(wanted.what, to_, framing::web_socket, wanted.last_id, steady_ns());
    keep_pumping(from_.link, from_.to);
    keep_following(from_.link, from_.to, who_, wanted.what, number_, *watch);
  }

  source from_;
  identity who_;
  std::mutex mutex_;
  std::shared_ptr<outlet> to_;
  std::uint64_t number_ = 0, turn_ = 0;
  bool opening_ = false;
  std::optional<wanted_events> next_; ///< what is wanted once that is done
};

void serve_socket(const source& from, const request& r, const responder& respond) {
  if (r.header("upgrade").empty()) {
    auto out = problem(426, "this is a WebSocket: ask for an upgrade, or use /api/v1/events");
    out.headers.emplace_back("Upgrade", "websocket");
    return respond(std::move(out));
  }
  const auto wanted = wanted_by(r);
  if (!wanted) return respond(problem(wanted.error()));
  const auto talk = std::make_shared<conversation>(from, r.who);
  auto on = std::make_shared<stream>();
  on->web_socket = true;
  const bool at_once = !r.query.empty(); // else the first message says what is wanted
  on->opened = [talk, at_once, wanted = *wanted](const std::shared_ptr<outlet>& to) {
    talk->opened(to);
    if (at_once) talk->subscribe(wanted);
  };
  on->received = [talk](std::string_view message) { talk->received(message); };
  on->closed = [talk] { talk->closed(); };
  response out;
  out.goes_on = std::move(on);
  respond(std::move(out));
}

} // namespace

result<wanted_events> wanted_by(const request& r) {
  wanted_events out;
  out.what.namespaces = readable(r.who);
  for (const auto& [name, value] : r.query)
    if (auto set = set_word(out, name, value); !set) return set.error();
  // a browser that reconnects by itself sends the newer one in the header
  if (const auto last = r.header("last-event-id"); !last.empty())
    out.last_id = last.substr(0, longest_id);
  return out;
}

result<wanted_events> wanted_by(const identity& who, std::string_view message) {
  const auto document = json::parse(message, nullptr, false);
  if (!document.is_object() || document.value("type", json()) != "subscribe")
    return failure{errc::invalid_argument,
                   R"(a message is {"type":"subscribe","twins":"*","kinds":"state,alert"})"};
  wanted_events out;
  out.what.namespaces = readable(who);
  for (const auto& [name, value] : document.items()) {
    if (name == "type") continue;
    std::string text;
    if (value.is_array())
      for (const auto& one : value) {
        if (!one.is_string()) return failure{errc::invalid_argument, name + ": texts are wanted"};
        text += (text.empty() ? "" : ",") + one.get<std::string>();
      }
    else if (value.is_string())
      text = value.get<std::string>();
    else
      return failure{errc::invalid_argument, name + ": a text is wanted"};
    if (auto set = set_word(out, name, text); !set) return set.error();
  }
  return out;
}

std::shared_ptr<hub> make_hub(const hub_options& options) {
  return std::make_shared<hub>(options, random_epoch());
}

void add_stream_routes(route_table& to, const node_link& link, const std::shared_ptr<hub>& events) {
  const source from{link, events};
  to.push_back(
      {"GET", "/api/v1/events", role::viewer, reach::somewhere,
       [from](const request& r, const responder& respond) { serve_events(from, r, respond); }});
  to.push_back(
      {"GET", "/api/v1/ws", role::viewer, reach::somewhere,
       [from](const request& r, const responder& respond) { serve_socket(from, r, respond); }});
}

} // namespace pollux::bridge::http
