// SPDX-License-Identifier: Apache-2.0
// The yardsticks of `pollux bench ingest`: subscribers that do nothing but count. The sink is a raw
// socket and tells what the broker can send at most; the others are the two sources' libraries.
#include "bridge/mqtt/receiver/receiver.hpp"
#include "tools/pollux/bench_parts.hpp"
#include "tools/pollux/bench_process.hpp"
#include "tools/pollux/bench_wire.hpp"
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <iostream>
#include <mqtt/async_client.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <thread>

namespace pollux::bench {

namespace {

constexpr const char* topics = "telemetry/+";
constexpr std::int64_t quiet_ns = 15'000'000'000; ///< without a message: no more will come

double own_cpu_s() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// Counts up to the expected number; notes time and CPU when it is reached.
class tally {
public:
  explicit tally(std::uint64_t expected) : expected_(expected) {}

  void begin() {
    cpu_at_begin_ = own_cpu_s();
    std::cout << "ready" << std::endl;
  }
  /// By one thread at a time.
  void add() {
    const auto n = count_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (n == expected_) note_end();
  }
  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

  /// Until all have come, or none for a while after the first.
  void wait() {
    for (std::uint64_t before = 0;;) {
      std::unique_lock lock(mutex_);
      if (ended_.wait_for(lock, std::chrono::nanoseconds(quiet_ns), [this] { return done_; }))
        return;
      if (count() == before && before > 0) return;
      before = count();
    }
  }
  /// Prints what was found; gives the exit code.
  int tell() {
    const bool all = done_;
    if (!all) note_end();
    const nlohmann::ordered_json out{
        {"received", count()}, {"last_ns", last_ns_}, {"cpu_s", cpu_at_end_ - cpu_at_begin_}};
    std::cout << out.dump() << std::endl;
    return all ? 0 : 1;
  }

private:
  void note_end() {
    last_ns_ = monotonic_ns();
    cpu_at_end_ = own_cpu_s();
    std::lock_guard lock(mutex_);
    done_ = true;
    ended_.notify_all();
  }

  const std::uint64_t expected_;
  std::atomic<std::uint64_t> count_{0};
  double cpu_at_begin_ = 0, cpu_at_end_ = 0;
  std::int64_t last_ns_ = 0;
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
};

int failed(const std::string& why) {
  std::cerr << "count: " << why << '\n';
  return 1;
}

int count_by_socket(const count_options& o) {
  auto link = wire::open(o.port, "pollux-bench-sink");
  if (!link) return failed(link.error().what);
  if (auto s = link->subscribe(topics, o.qos); !s) return failed(s.error().what);
  tally counts(o.expected);
  counts.begin();
  while (counts.count() < o.expected) {
    pollfd one{link->fd(), static_cast<short>(POLLIN | (link->waiting() > 0 ? POLLOUT : 0)), 0};
    const int timeout = counts.count() > 0 ? static_cast<int>(quiet_ns / 1'000'000) : -1;
    if (::poll(&one, 1, timeout) == 0) break;
    auto s = link->receive([&](const incoming&) { counts.add(); });
    if (s) s = link->send_some();
    if (!s) return failed(s.error().what);
  }
  return counts.tell();
}

class paho_counter : public mqtt::callback {
public:
  explicit paho_counter(tally& counts) : counts_(counts) {}
  void message_arrived(mqtt::const_message_ptr) override { counts_.add(); }

private:
  tally& counts_;
};

/// Paho MQTT C++ as everybody uses it: its defaults, MQTT 3.1.1, a clean session.
int count_by_paho(const count_options& o) {
  mqtt::async_client client("tcp://127.0.0.1:" + std::to_string(o.port), "pollux-bench-paho");
  tally counts(o.expected);
  paho_counter counter(counts);
  client.set_callback(counter);
  client.connect(mqtt::connect_options_builder().clean_session(true).finalize())->wait();
  client.subscribe(topics, static_cast<int>(o.qos))->wait();
  counts.begin();
  counts.wait();
  const int code = counts.tell();
  client.disable_callbacks();
  client.disconnect()->wait_for(std::chrono::seconds(2));
  return code;
}

class counting_handler final : public bridge::arrival_handler {
public:
  explicit counting_handler(tally& counts) : counts_(counts) {}
  bridge::verdict handle(const bridge::arrival&) override {
    counts_.add();
    const messages::ticket ticket{counts_.count()};
    return {bridge::disposition::submitted, messages::durability::d1, ticket, ticket};
  }

private:
  tally& counts_;
};

/// Where everything is durable as soon as it is taken.
class instant_inlet final : public messages::inlet {
public:
  result<messages::ticket> submit(std::string_view, std::string_view,
                                  const domain::input&) override {
    return failure{errc::internal, "nothing is submitted when only counting"};
  }
  status flush(messages::durability, messages::ticket) override { return {}; }
  [[nodiscard]] messages::ticket durable_upto(messages::durability) const override {
    return {UINT64_MAX};
  }
  [[nodiscard]] bool accepting() const override { return true; }
};

/// Our own subscriber, as a node uses it, but for what is behind it.
int count_by_receiver(const count_options& o) {
  bridge::broker_options options;
  options.url = "tcp://127.0.0.1:" + std::to_string(o.port);
  options.client_id = "pollux-bench-receiver";
  options.version = 3;
  options.clean_start = true;
  options.keep_alive_s = 600;
  options.will_topic.clear();
  tally counts(o.expected);
  counting_handler handler(counts);
  instant_inlet inlet;
  messages::metrics metrics;
  const auto source = bridge::make_receiver(
      options, {{"", {{topics, static_cast<std::uint8_t>(o.qos)}}}}, handler, inlet, metrics);
  if (auto s = source->start(); !s) return failed(s.error().what);
  const auto until = steady::now() + std::chrono::seconds(10);
  while (source->state().phase != bridge::source_phase::connected) {
    if (steady::now() > until) return failed("not connected: " + source->state().why);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  counts.begin();
  counts.wait();
  const int code = counts.tell();
  source->stop();
  return code;
}

} // namespace

int run_count(const count_options& options) {
  try {
    if (options.source == "sink") return count_by_socket(options);
    if (options.source == "paho") return count_by_paho(options);
    if (options.source == "receiver") return count_by_receiver(options);
    return failed("no source '" + options.source + "'");
  } catch (const std::exception& e) {
    return failed(e.what());
  }
}

} // namespace pollux::bench
