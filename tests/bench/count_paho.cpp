// SPDX-License-Identifier: Apache-2.0
// The yardstick of the cost goal: a Paho MQTT C++ subscriber that does nothing but count. Prints
// one JSON line: messages, user+sys CPU seconds from "subscribed" to the last message, and the
// rate.
//   count_paho PORT QOS EXPECTED [TOPIC-FILTER]
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mqtt/async_client.h>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <thread>

namespace {

using clock_type = std::chrono::steady_clock;

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

class counter : public mqtt::callback {
public:
  explicit counter(std::uint64_t expected) : expected_(expected) {}
  void message_arrived(mqtt::const_message_ptr) override {
    const auto n = count_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (n == 1) first_ = clock_type::now();
    if (n == expected_) {
      last_ = clock_type::now();
      cpu_ = cpu_seconds();
      std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
  }
  /// Waits until all have come, or nothing has come for 15 s.
  bool wait() {
    std::uint64_t before = 0;
    for (;;) {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, std::chrono::seconds(15), [this] { return done_; })) return true;
      if (count_ == before && before > 0) return false;
      before = count_;
    }
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double cpu() const { return done_ ? cpu_ : cpu_seconds(); }
  [[nodiscard]] double span_s() const {
    return std::chrono::duration<double>((done_ ? last_ : clock_type::now()) - first_).count();
  }

private:
  std::uint64_t expected_;
  std::atomic<std::uint64_t> count_{0};
  clock_type::time_point first_{}, last_{};
  double cpu_ = 0;
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

int run(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: count_paho PORT QOS EXPECTED [TOPIC-FILTER]\n", stderr);
    return 2;
  }
  const std::string url = std::string("tcp://127.0.0.1:") + argv[1];
  const int qos = std::atoi(argv[2]);
  counter counts(std::strtoull(argv[3], nullptr, 10));
  mqtt::async_client client(url, "count-paho");
  client.set_callback(counts);
  client.connect(mqtt::connect_options_builder().clean_session(true).finalize())->wait();
  client.subscribe(argc > 4 ? argv[4] : "telemetry/#", qos)->wait();
  const double before = cpu_seconds();
  std::puts("ready");
  std::fflush(stdout);
  const bool all = counts.wait();
  const double cpu = counts.cpu() - before;
  const auto n = static_cast<double>(counts.count());
  std::printf("{\"received\":%llu,\"cpu_s\":%.3f,\"cpu_s_per_M\":%.3f,\"rate\":%.0f}\n",
              static_cast<unsigned long long>(counts.count()), cpu, cpu / n * 1e6,
              n / counts.span_s());
  std::fflush(stdout);
  client.disable_callbacks();
  client.disconnect()->wait_for(std::chrono::seconds(2));
  return all ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "count_paho: %s\n", e.what());
    return 1;
  }
}
