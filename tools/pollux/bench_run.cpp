// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_run.hpp"
#include "tools/pollux/bench_broker.hpp"
#include "tools/pollux/cli.hpp"
#include <ctime>

namespace pollux::bench {

using namespace std::chrono_literals;
using json = nlohmann::ordered_json;

namespace {

constexpr auto start_patience = 60s;
constexpr std::int64_t stuck_ns = 30'000'000'000; ///< without progress: no more will be stored

double own_cpu_s() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// A run while it lasts.
class run {
public:
  run(const scene& in, const subject& what) : in_(in), what_(what) {}
  status go();
  outcome found;

private:
  status start();
  status drive();
  status end_of_count();
  status end_of_node();
  status wait_stored();
  status take_answers();
  [[nodiscard]] child& measured() { return node_ ? node_->process() : *client_; }
  [[nodiscard]] std::chrono::milliseconds patience() const {
    return 30min + std::chrono::seconds(
                       in_.rate > 0
                           ? static_cast<std::int64_t>(static_cast<double>(in_.messages) / in_.rate)
                           : 0);
  }
  [[nodiscard]] result<std::unique_ptr<child>> part(std::vector<std::string> words) const;
  void complain(const std::string& what) {
    found.gate = found.gate == "ok" ? what : found.gate + ", " + what;
  }

  const scene& in_;
  const subject& what_;
  std::unique_ptr<scratch_folder> folder_; // goes last
  std::unique_ptr<broker> broker_;
  std::unique_ptr<node> node_;
  std::unique_ptr<child> client_, load_;
  std::int64_t start_ns_ = 0;
};

/// One of our hidden verbs, which says when it is ready.
result<std::unique_ptr<child>> run::part(std::vector<std::string> words) const {
  words.insert(words.begin(), {own_program(), "bench"});
  words.insert(words.end(),
               {"--port", std::to_string(broker_->port()), "--qos", std::to_string(in_.qos)});
  auto out = child::start(words, folder_->path() / (words[2] + ".log"));
  if (!out) return out;
  const auto line = (*out)->listen(start_patience);
  if (!line) return line.error().within(words[2]);
  if (*line != "ready") return failure{errc::unavailable, words[2] + " said: " + *line};
  return out;
}

status run::start() {
  auto folder = scratch_folder::make(in_.data);
  if (!folder) return folder.error();
  folder_ = std::move(*folder);
  auto made = broker::start(folder_->path(), in_.nodelay);
  if (!made) return made.error();
  broker_ = std::move(*made);
  if (what_.kind == subject_kind::full) {
    auto started = node::start(folder_->path() / "node",
                               {broker_->port(), what_.source, in_.qos, what_.durability});
    if (!started) return started.error();
    node_ = std::move(*started);
  } else {
    auto words = what_.kind == subject_kind::echo
                     ? std::vector<std::string>{"echo"}
                     : std::vector<std::string>{"count", "--source", what_.source, "--expected",
                                                std::to_string(in_.messages)};
    auto started = part(std::move(words));
    if (!started) return started.error();
    client_ = std::move(*started);
  }
  constexpr const char* expect[] = {"none", "alerts", "echoes"};
  auto started = part({"load", "--devices", std::to_string(in_.devices), "--messages",
                       std::to_string(in_.messages), "--batch", std::to_string(in_.batch), "--rate",
                       std::to_string(in_.rate), "--expect", expect[static_cast<int>(what_.kind)]});
  if (!started) return started.error();
  load_ = std::move(*started);
  return {};
}

status run::go() {
  if (auto s = start(); !s) return s;
  const double cpu = measured().cpu_s(), broker_cpu = broker_->process().cpu_s(),
               load_cpu = load_->cpu_s(), own = own_cpu_s(), machine = machine_cpu_s();
  const auto began = steady::now();
  if (auto s = drive(); !s) return s;
  const std::chrono::duration<double> took = steady::now() - began;
  if (what_.kind != subject_kind::count) found.cpu_s = measured().cpu_s() - cpu;
  found.broker_cpu_s = broker_->process().cpu_s() - broker_cpu;
  found.load_cpu_s = load_->cpu_s() - load_cpu;
  const double ours =
      measured().cpu_s() - cpu + found.broker_cpu_s + found.load_cpu_s + own_cpu_s() - own;
  found.other_cores = std::max(0.0, (machine_cpu_s() - machine - ours) / took.count());
  return node_ ? end_of_node() : status{};
}

/// Sends everything and waits until it has arrived.
status run::drive() {
  result<bucket_counts> syncs = bucket_counts{};
  if (node_ && !(syncs = node_->sync_times())) return syncs.error();
  if (auto s = load_->say("go"); !s) return s;
  const auto line = load_->listen(patience());
  if (!line) return line.error().within("the load");
  const auto sent = json::parse(*line, nullptr, false);
  if (!sent.is_object()) return failure{errc::internal, "the load said: " + *line};
  start_ns_ = sent.value("start_ns", std::int64_t{0});
  if (what_.kind == subject_kind::count) return end_of_count();
  if (node_)
    if (auto s = wait_stored(); !s) return s;
  if (auto s = take_answers(); !s) return s;
  if (!node_) return {};
  const auto now = node_->sync_times();
  if (!now) return now.error();
  found.sync_p99_ms = quantile(*syncs, *now, 0.99) * 1e3;
  return {};
}

status run::end_of_count() {
  const auto line = client_->listen(patience());
  if (!line) return line.error().within("the counting subscriber");
  const auto counted = json::parse(*line, nullptr, false);
  if (!counted.is_object()) return failure{errc::internal, "count said: " + *line};
  const auto received = counted.value("received", std::uint64_t{0});
  if (received != in_.messages)
    complain(std::to_string(received) + " of " + std::to_string(in_.messages) +
             " messages received");
  found.cpu_s = counted.value("cpu_s", 0.0);
  found.seconds = static_cast<double>(counted.value("last_ns", std::int64_t{0}) - start_ns_) * 1e-9;
  found.rate = static_cast<double>(received * in_.batch) / found.seconds;
  return {};
}

/// Asks seldom while much is missing, so that asking costs the node nothing to speak of.
status run::wait_stored() {
  std::uint64_t done = 0;
  for (auto moved_ns = start_ns_;;) {
    const auto counts = node_->counts();
    if (!counts) return counts.error();
    const auto now = monotonic_ns();
    if (counts->done() != done) moved_ns = now;
    done = counts->done();
    if (done >= in_.readings() || now - moved_ns > stuck_ns) {
      found.seconds = static_cast<double>(now - start_ns_) * 1e-9;
      found.rate = static_cast<double>(done) / found.seconds;
      if (done != in_.readings())
        complain(std::to_string(done) + " of " + std::to_string(in_.readings()) + " stored");
      if (counts->quarantined > 0) complain(std::to_string(counts->quarantined) + " quarantined");
      return {};
    }
    const double remaining_ns = static_cast<double>(now - start_ns_) *
                                static_cast<double>(in_.readings() - done) /
                                static_cast<double>(std::max<std::uint64_t>(done, 1));
    const auto nap = std::clamp(remaining_ns / 2e3, 10e3, 250e3);
    if (!pause_for(std::chrono::microseconds(static_cast<std::int64_t>(nap))))
      return interrupted_failure();
  }
}

status run::take_answers() {
  if (auto s = load_->say("finish"); !s) return s;
  const auto line = load_->listen(patience());
  if (!line) return line.error().within("the load");
  const auto came = json::parse(*line, nullptr, false);
  if (!came.is_object()) return failure{errc::internal, "the load said: " + *line};
  found.alerts = came.value("expected", std::uint64_t{0});
  const char* what = node_ ? " alerts " : " echoes ";
  for (const char* wrong : {"missing", "spurious", "duplicate"})
    if (const auto n = came.value(wrong, std::uint64_t{0}); n > 0)
      complain(std::to_string(n) + what + wrong);
  if (in_.rate > 0 && found.alerts == 0)
    complain("no alerts are due: fewer devices or a longer run");
  found.p50_ms = came.value("p50_ms", 0.0);
  found.p99_ms = came.value("p99_ms", 0.0);
  found.max_ms = came.value("max_ms", 0.0);
  return {};
}

status run::end_of_node() {
  found.resident_mb = node_->process().resident_mb();
  const auto on_disk = node_->stop_and_count();
  if (!on_disk) return on_disk.error();
  if (*on_disk != in_.readings())
    complain(std::to_string(*on_disk) + " of " + std::to_string(in_.readings()) + " on disk");
  return {};
}

} // namespace

std::string name_of(const subject& s) {
  if (s.kind == subject_kind::echo) return "echo client";
  if (s.kind == subject_kind::full)
    return s.source + " D" + std::to_string(static_cast<int>(s.durability));
  return s.source == "sink" ? "broker to a sink" : "count " + s.source;
}

result<outcome> measure(const scene& in, const subject& what) {
  run one(in, what);
  if (auto s = one.go(); !s) {
    const auto code = s.error().code;
    if (cli::interrupted() || code == errc::not_found || code == errc::io) return s.error();
    one.found.gate = s.error().what;
  }
  return std::move(one.found);
}

json to_json(const outcome& o) {
  json out{{"gate", o.gate},
           {"cpu_s", o.cpu_s},
           {"seconds", o.seconds},
           {"readings_per_s", o.rate},
           {"broker_cpu_s", o.broker_cpu_s},
           {"load_cpu_s", o.load_cpu_s},
           {"other_cores", o.other_cores},
           {"alerts", o.alerts}};
  if (o.resident_mb > 0) out["resident_mb"] = o.resident_mb;
  if (o.p99_ms > 0) out.update({{"p50_ms", o.p50_ms}, {"p99_ms", o.p99_ms}, {"max_ms", o.max_ms}});
  if (o.sync_p99_ms > 0) out["fsync_p99_ms"] = o.sync_p99_ms;
  return out;
}

} // namespace pollux::bench
