// SPDX-License-Identifier: Apache-2.0
// What sealing and both tier moves cost together: CPU of the whole process (user and system, the
// databases' own threads included) for each reading, through the real log, store and cold files.
// Filling the log is not counted.
//   history_moves FOLDER [--data FOLDER] [--job-j MSGS.BIN] [--meters TWINS DAYS] [--daily TWINS
//   DAYS]
// --meters: one value a minute, moved at once; --daily: the same, sealed and moved every day.
#include "messages/segment.hpp"
#include "persistence/leveldb_store.hpp"
#include "persistence/tiering.hpp"
#include "tests/bench/history_data.hpp"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <sys/resource.h>

namespace {

using namespace pollux;
using namespace pollux::persistence;

constexpr std::int64_t minute_ns = 60 * ns_per_s, day_ns = 1440 * minute_ns;
constexpr int for_ever = 1'000'000;

template <class Result> auto must(Result r) {
  if (!r) throw std::runtime_error(r.error().what);
  if constexpr (requires { *r; }) return std::move(*r);
}

double cpu_ns() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto ns = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
  };
  return ns(u.ru_utime) + ns(u.ru_stime);
}

class journal {
public:
  journal(std::string folder, std::size_t twins) : folder_(std::move(folder)), twins_(twins) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    log_ = must(open_leveldb_log({.folder = folder_ + "/log", .shards = 1}));
    store_ = must(open_leveldb_store({.folder = folder_ + "/store"}));
    files_ = must(cold_folder::open(folder_ + "/history"));
    store_->set_cold_source(files_);
    tiering_options options;
    options.shards = 1;
    options.rules = [this](std::uint32_t) -> result<shard_rules> {
      shard_rules out;
      out.rules.push_back(rule_);
      out.rule_of_row.assign(twins_, 0);
      out.key = [](std::uint32_t row) { return id(row); };
      return out;
    };
    tiers_ = std::make_unique<tiering>(*store_, files_, options);
  }
  ~journal() {
    tiers_.reset();
    store_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  void add(std::uint32_t twin, const domain::input& in) {
    builder_.add(twin, id(twin), in);
    readings_ += static_cast<double>(in.readings.size());
    if (builder_.inputs() == 2000) flush();
  }
  void seal_all() {
    flush();
    const auto began = cpu_ns();
    const auto report = must(
        seal(*log_, *store_, 0, log_->end(0), UINT64_MAX, [](std::uint32_t, std::string_view name) {
          return static_cast<std::uint32_t>(std::atoi(name.data() + 2));
        }));
    sealing_ += cpu_ns() - began;
    must(log_->trim(0, report.sealed_below));
  }
  /// CPU of moving all that is due by these rules at that time.
  double move(domain::retention_rule rule, std::int64_t now_ns) {
    rule_ = rule;
    tiers_->sealed(0);
    const auto began = cpu_ns();
    while (must(tiers_->step(now_ns, std::chrono::seconds{1}))) {
    }
    return cpu_ns() - began;
  }
  void print(const char* name, double warm, double cold) const {
    const auto n = readings_;
    std::printf("| %s | %.0f | %.0f | %.0f | %.0f | %.0f |\n", name, n, sealing_ / n, warm / n,
                cold / n, (sealing_ + warm + cold) / n);
    const auto totals = must(count_tiers(*store_, 1));
    for (const auto& t : totals)
      std::fprintf(
          stderr, "  %llu blocks, %.2f bytes a value\n", static_cast<unsigned long long>(t.blocks),
          static_cast<double>(t.bytes) / static_cast<double>(std::max<std::uint64_t>(1, t.values)));
    std::fflush(stdout);
  }

private:
  [[nodiscard]] static std::string id(std::uint32_t row) { return "d:" + std::to_string(row); }
  void flush() {
    if (builder_.empty()) return;
    must(log_->append(0, builder_.finish()));
    must(log_->commit());
    static_cast<void>(log_->poll());
  }
  std::string folder_;
  std::size_t twins_;
  std::unique_ptr<persistence::log> log_;
  std::unique_ptr<store> store_;
  std::shared_ptr<cold_folder> files_;
  std::unique_ptr<tiering> tiers_;
  domain::retention_rule rule_;
  messages::segment_builder builder_;
  double readings_ = 0, sealing_ = 0;
};

/// All sealed, then all moved to warm, then all to cold.
void at_once(const std::string& folder, const bench::data_set& d) {
  journal j(folder, d.streams.size());
  std::int64_t newest = 0;
  std::size_t longest = 0;
  for (const auto& s : d.streams) longest = std::max(longest, s.inputs.size());
  constexpr std::size_t together = 20'000; // inputs of one twin a sealing pass
  for (std::size_t from = 0; from < longest; from += together) {
    for (std::size_t at = from; at < std::min(longest, from + together); ++at)
      for (std::uint32_t twin = 0; twin < d.streams.size(); ++twin) {
        if (at >= d.streams[twin].inputs.size()) continue;
        const auto& in = d.streams[twin].inputs[at];
        j.add(twin, in);
        for (const auto& r : in.readings) newest = std::max(newest, r.event_time_ns);
      }
    j.seal_all();
  }
  domain::retention_rule rule;
  rule.warm_days = for_ever;
  const auto warm = j.move(rule, newest + 40 * day_ns);
  rule.warm_days = 365;
  const auto cold = j.move(rule, newest + 400 * day_ns);
  j.print(d.name.c_str(), warm, cold);
}

struct meter {
  std::mt19937 random;
  explicit meter(std::uint32_t n) : random(n) {}
  /// Arrival is 80 ms after the event and up to 4 ms more, to the nanosecond.
  void live(std::int64_t minute, domain::input& in) {
    const auto at = 1'600'000'000LL / 86'400 * day_ns + minute * minute_ns;
    const double course = 300 * (1 + 0.4 * std::sin(static_cast<double>(minute % 1440) / 229.2));
    const double power = course + (minute % 40 < 15 ? 95 : 2) + (random() % 300 == 0 ? 2000 : 0) +
                         static_cast<double>(random() % 50) / 10;
    in.clear();
    in.kind = domain::input_kind::readings;
    in.ingest_time_ns = at + 80 * ns_per_ms + random() % 4'000'000;
    in.fields.push_back({"power", domain::value_view::of(std::floor(power * 10) / 10)});
    in.readings.push_back({at, static_cast<std::uint64_t>(minute + 1), 0, 1});
  }
};

void meters(const std::string& folder, std::uint32_t twins, int days, bool daily) {
  journal j(folder, twins);
  std::vector<meter> all;
  for (std::uint32_t n = 0; n < twins; ++n) all.emplace_back(n);
  const auto begin = 1'600'000'000LL / 86'400 * day_ns;
  domain::retention_rule rule, no_cold;
  no_cold.warm_days = for_ever;
  double warm = 0, cold = 0;
  domain::input in;
  for (int day = 0; day < days; ++day) {
    for (std::int64_t m = 0; m < 1440; ++m)
      for (std::uint32_t n = 0; n < twins; ++n) {
        all[n].live(day * 1440LL + m, in);
        j.add(n, in);
      }
    if (!daily && day % 10 != 9 && day + 1 != days) continue;
    j.seal_all();
    if (!daily) continue;
    warm += j.move(no_cold, begin + (day + 1) * day_ns);
    cold += j.move(rule, begin + (day + 1) * day_ns);
  }
  // what is left goes its way too, so that every reading has made both moves
  warm += j.move(no_cold, begin + (days + 40) * day_ns);
  cold += j.move(rule, begin + (days + 400) * day_ns);
  j.print(daily ? "meters, every day" : "meters", warm, cold);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2)
    return std::fputs("history_moves FOLDER [--data FOLDER] [--job-j MSGS.BIN] [--meters TWINS "
                      "DAYS] [--daily TWINS DAYS]\n",
                      stderr),
           2;
  const auto folder = std::string(argv[1]) + "/history_moves";
  try {
    std::puts("| ns of CPU a reading | readings | seal | hot to warm | warm to cold | all |");
    std::puts("| --- | --- | --- | --- | --- | --- |");
    for (int i = 2; i + 1 < argc; ++i) {
      const std::string what = argv[i];
      if (what == "--job-j") at_once(folder, bench::load_job_j(argv[i + 1]));
      if (what == "--data")
        for (const auto& d : bench::load_recorded(argv[i + 1])) at_once(folder, d);
      if ((what == "--meters" || what == "--daily") && i + 2 < argc)
        meters(folder, static_cast<std::uint32_t>(std::atoi(argv[i + 1])), std::atoi(argv[i + 2]),
               what == "--daily");
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "history_moves: %s\n", e.what());
    return 1;
  }
  return 0;
}
