// SPDX-License-Identifier: Apache-2.0
// The load of a measured run: job J's readings over four connections, one thread that sleeps in
// poll(), and the alerts they raise, checked one by one as they come back.
#include "tools/pollux/bench_parts.hpp"
#include "tools/pollux/bench_process.hpp"
#include "tools/pollux/bench_traffic.hpp"
#include "tools/pollux/bench_wire.hpp"
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace pollux::bench {

namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t connections = 4;
constexpr std::uint64_t window = 1'000;      ///< QoS 1: unacknowledged messages of one connection
constexpr std::size_t chunk_bytes = 1 << 16; ///< composed before they are sent
constexpr std::int64_t quiet_ns = 10'000'000'000; ///< without an answer: what is missing stays so
constexpr std::int64_t linger_ns = 200'000'000;   ///< after the last one: for those too many
constexpr std::int64_t never_due = INT64_MAX;

/// The messages of every fourth device, in the traffic's order.
struct sender {
  wire link;
  std::uint64_t device, first_message_of_round = 0, published = 0;
};

class load {
public:
  explicit load(const load_options& o)
      : options_(o), traffic_(o.devices, o.messages, o.batch),
        ns_a_message_(o.rate > 0 ? 1e9 / o.rate : 0) {}

  status connect() {
    if (options_.expect != answers::none) {
      auto back = wire::open(options_.port, "pollux-bench-alerts");
      if (!back) return back.error();
      back_.emplace(std::move(*back));
      if (auto s = back_->subscribe("alerts/+", options_.qos); !s) return s;
    }
    for (std::uint64_t i = 0; i < std::min(connections, options_.devices); ++i) {
      auto link = wire::open(options_.port, "pollux-bench-load-" + std::to_string(i));
      if (!link) return link.error();
      senders_.push_back({std::move(*link), i});
    }
    if (options_.expect != answers::none) expected_ = what_must_come();
    return {};
  }

  /// Sends all, in time. On return the broker has acknowledged all of it (QoS 1).
  status send() {
    start_ns_ = monotonic_ns();
    for (;;) {
      std::int64_t next = never_due;
      bool open = false;
      for (auto& s : senders_) {
        if (auto done = fill(s, next); !done) return done;
        open = open || has_message(s) || s.link.waiting() > 0 || unacknowledged(s) > 0;
      }
      if (!open) return {};
      if (auto done = wait(next, false); !done) return done;
    }
  }

  /// Answers until all that is expected has come, and a moment longer.
  status finish() {
    last_answer_ns_ = std::max(last_answer_ns_, monotonic_ns());
    for (;;) {
      const auto patience = came_.size() >= expected_.size() ? linger_ns : quiet_ns;
      const auto until = last_answer_ns_ + patience;
      if (!back_ || expected_.empty() || monotonic_ns() >= until) return {};
      if (auto done = wait(until, false); !done) return done;
    }
  }

  /// Takes answers until a line can be read from stdin.
  status serve_until_told() {
    while (!told_)
      if (auto done = wait(never_due, true); !done) return done;
    return {};
  }

  [[nodiscard]] json sent_report() const {
    return {{"start_ns", start_ns_}, {"sent_ns", monotonic_ns()}, {"sent", traffic_.messages()}};
  }
  [[nodiscard]] json answers_report();

private:
  std::vector<std::uint64_t> what_must_come() const;
  [[nodiscard]] bool has_message(const sender& s) const {
    return s.first_message_of_round + s.device < options_.messages;
  }
  [[nodiscard]] std::uint64_t unacknowledged(const sender& s) const {
    return options_.qos > 0 ? s.published - s.link.acknowledged() : 0;
  }
  [[nodiscard]] std::int64_t due_ns(std::uint64_t message) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(message) * ns_a_message_);
  }
  status fill(sender& s, std::int64_t& next);
  void compose(sender& s, std::uint64_t message);
  status wait(std::int64_t until_ns, bool for_stdin);
  void take(const incoming& answer, std::int64_t now_ns);

  load_options options_;
  traffic traffic_;
  double ns_a_message_;
  std::optional<wire> back_;
  std::vector<sender> senders_;
  std::string topic_, payload_;
  bool told_ = false;
  std::int64_t start_ns_ = 0, last_answer_ns_ = 0;
  std::vector<std::uint64_t> expected_, came_;
  std::vector<double> ways_ms_; ///< of those in came_
};

std::vector<std::uint64_t> load::what_must_come() const {
  auto keys = traffic_.expected_alerts();
  if (options_.expect == answers::alerts) return keys;
  for (auto& key : keys) key &= ~std::uint64_t{0xf}; // one echo, however many alerts
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void load::compose(sender& s, std::uint64_t message) {
  bool marked = false;
  if (options_.expect == answers::echoes) {
    const auto first = message / options_.devices * options_.batch;
    for (auto k = first; k < first + options_.batch; ++k)
      marked = marked || traffic_.alerts(s.device, k) != 0;
  }
  topic_ = marked ? "echo/" : "telemetry/";
  traffic::append_device(topic_, s.device);
  payload_.clear();
  traffic_.append_payload(payload_, message);
  s.link.publish(topic_, payload_, options_.qos,
                 static_cast<std::uint16_t>(s.published % 65'535 + 1));
  ++s.published;
}

/// Composes and sends what is due now; `next` becomes the time of the next one if that is earlier.
status load::fill(sender& s, std::int64_t& next) {
  for (;;) {
    while (s.link.waiting() < chunk_bytes && has_message(s) && unacknowledged(s) < window) {
      const auto message = s.first_message_of_round + s.device;
      if (ns_a_message_ > 0 && due_ns(message) > monotonic_ns()) {
        next = std::min(next, due_ns(message));
        break;
      }
      compose(s, message);
      s.device += connections;
      if (s.device < options_.devices) continue;
      s.device %= connections;
      s.first_message_of_round += options_.devices;
    }
    const bool full = s.link.waiting() >= chunk_bytes;
    if (auto done = s.link.send_some(); !done) return done;
    if (!full || s.link.waiting() > 0) return {};
  }
}

/// Sleeps until a socket has something for us, or `until_ns`.
status load::wait(std::int64_t until_ns, bool for_stdin) {
  std::vector<pollfd> all;
  for (const auto& s : senders_)
    all.push_back(
        {s.link.fd(), static_cast<short>(POLLIN | (s.link.waiting() > 0 ? POLLOUT : 0)), 0});
  if (back_)
    all.push_back(
        {back_->fd(), static_cast<short>(POLLIN | (back_->waiting() > 0 ? POLLOUT : 0)), 0});
  if (for_stdin) all.push_back({STDIN_FILENO, POLLIN, 0});
  const auto left = std::max<std::int64_t>(0, until_ns - monotonic_ns());
  const timespec limit{static_cast<time_t>(left / 1'000'000'000),
                       static_cast<long>(left % 1'000'000'000)};
  if (::ppoll(all.data(), all.size(), until_ns == never_due ? nullptr : &limit, nullptr) <= 0)
    return {};
  const auto nothing = [](const incoming&) {};
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    auto& link = senders_[i].link;
    if ((all[i].revents & POLLOUT) != 0)
      if (auto s = link.send_some(); !s) return s;
    if ((all[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      if (auto s = link.receive(nothing); !s) return s;
  }
  if (back_ && all[senders_.size()].revents != 0) {
    std::int64_t now = 0;
    auto s = back_->receive([&](const incoming& answer) {
      if (now == 0) now = monotonic_ns();
      take(answer, now);
    });
    if (s) s = back_->send_some();
    if (!s) return s;
  }
  told_ = told_ || (for_stdin && all.back().revents != 0);
  return {};
}

/// Notes an answer: {"rule":"anomaly","field":F,"ts":T,...} or {"rule":"sequence","ts":T,...} on
/// alerts/d<device>; or an echo, which is the message itself.
void load::take(const incoming& answer, std::int64_t now_ns) {
  last_answer_ns_ = now_ns;
  const auto number = [](std::string_view text, auto& out) {
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
  };
  const auto name = answer.topic.find("/d");
  const auto mark = answer.payload.find("\"ts\":");
  std::uint64_t device = 0;
  std::int64_t time = 0;
  const bool ours = name != std::string_view::npos && mark != std::string_view::npos &&
                    number(answer.topic.substr(name + 2), device) &&
                    number(answer.payload.substr(mark + 5), time) && device < options_.devices;
  if (!ours) {
    came_.push_back(~std::uint64_t{0}); // certainly none we expect
    ways_ms_.push_back(0);
    return;
  }
  std::uint8_t bit = 0;
  if (options_.expect == answers::alerts) {
    const auto has = [&](const char* text) {
      return answer.payload.find(text) != std::string_view::npos;
    };
    bit = has("\"sequence\"")      ? alert_sequence
          : has("\"temperature\"") ? alert_temperature
          : has("\"vibration\"")   ? alert_vibration
                                   : alert_current;
  }
  const auto reading = traffic::reading_at(device, time);
  came_.push_back(traffic::alert_key(device, reading, bit));
  const auto message = reading / options_.batch * options_.devices + device;
  ways_ms_.push_back(static_cast<double>(now_ns - due_ns(message)) * 1e-6);
}

json load::answers_report() {
  std::vector<std::uint64_t> came = came_, once, missing, spurious;
  std::sort(came.begin(), came.end());
  std::unique_copy(came.begin(), came.end(), std::back_inserter(once));
  std::set_difference(expected_.begin(), expected_.end(), once.begin(), once.end(),
                      std::back_inserter(missing));
  std::set_difference(once.begin(), once.end(), expected_.begin(), expected_.end(),
                      std::back_inserter(spurious));
  json out{{"expected", expected_.size()},
           {"missing", missing.size()},
           {"spurious", spurious.size()},
           {"duplicate", came.size() - once.size()}};
  if (options_.rate > 0 && !ways_ms_.empty()) {
    std::sort(ways_ms_.begin(), ways_ms_.end());
    const auto at = [&](double share) {
      const auto rank = static_cast<std::size_t>(share * static_cast<double>(ways_ms_.size()));
      return ways_ms_[std::min(ways_ms_.size() - 1, rank)];
    };
    out["p50_ms"] = at(0.5);
    out["p99_ms"] = at(0.99);
    out["max_ms"] = ways_ms_.back();
  }
  return out;
}

int failed(const failure& f) {
  std::cerr << "load: " << f.what << '\n';
  return 1;
}

/// Whether the next line of stdin is this one.
bool told(const char* word) {
  std::string line;
  return std::getline(std::cin, line) && line == word;
}

} // namespace

int run_load(const load_options& options) {
  ::prctl(PR_SET_TIMERSLACK, 1'000); // ns; paced messages leave when they are due
  load l(options);
  if (auto s = l.connect(); !s) return failed(s.error());
  std::cout << "ready" << std::endl;
  if (!told("go")) return 1;
  if (auto s = l.send(); !s) return failed(s.error());
  std::cout << l.sent_report().dump() << std::endl;
  if (auto s = l.serve_until_told(); !s) return failed(s.error());
  if (!told("finish")) return 1;
  if (auto s = l.finish(); !s) return failed(s.error());
  std::cout << l.answers_report().dump() << std::endl;
  return 0;
}

} // namespace pollux::bench
