// SPDX-License-Identifier: Apache-2.0
// Years of history: what they take on disk, and how long it takes to ask them. Twins with a reading
// a minute live through the years as a node would let them: journaled, stepped, sealed, moved from
// tier to tier month by month. Then the folder is asked, each question with the page cache emptied
// of it first. `pollux serve` can be started on the folder afterwards.
//
//   history_years FOLDER [twins 100] [days 1826]        writes the folder where it is not there
#include "messages/hash.hpp"
#include "messages/model_codec.hpp"
#include "persistence/leveldb_store.hpp"
#include "persistence/replay.hpp"
#include "persistence/series.hpp"
#include "persistence/tiering.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <unistd.h>

using namespace pollux;
using namespace pollux::persistence;

namespace {

constexpr std::int64_t minute_ns = 60 * ns_per_s, day_ns = 1440 * minute_ns;
constexpr std::uint32_t shards = 2;
constexpr const char* model_text = R"({
  "name": "meter", "kind": "device",
  "telemetry": {"power": {"unit": "W"}},
  "operators": [
    {"name": "power_1h", "type": "window", "of": "power", "span": "1h"},
    {"name": "odd", "type": "z_score", "window": "power_1h", "limit": 6},
    {"name": "high", "type": "threshold", "value": "power", "above": 2900, "clear": 2500}]})";

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "history_years: %s\n", what.c_str());
  std::exit(1);
}
template <class Result> auto must(Result r) {
  if (!r) give_up(r.error().what);
  if constexpr (requires { *r; }) return std::move(*r);
}

class one_model final : public domain::model_source {
public:
  std::shared_ptr<const domain::model> model = must(messages::parse_model(model_text, "meter"));
  /// Whatever an earlier release called it: the folder may be older than this program.
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view) const override {
    return model;
  }
};

struct meter {
  std::string id;
  std::uint32_t shard = 0, row = 0;
  std::mt19937 random;
  double base = 0;
  domain::twin_state state;
  explicit meter(std::uint32_t n)
      : id("site:meter-" + std::to_string(n)), random(n), base(300 + n % 7 * 150.0), state(id) {}
  /// Watts, to a tenth: a day's course, a fridge, and now and then a kettle.
  double power(std::int64_t minute) {
    const double course = base * (1 + 0.4 * std::sin(static_cast<double>(minute % 1440) / 229.2));
    const double fridge = minute % 40 < 15 ? 95 : 2;
    const double kettle = random() % 300 == 0 ? 2000 : 0;
    return std::floor((course + fridge + kettle + static_cast<double>(random() % 50) / 10) * 10) /
           10;
  }
};

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

class years {
public:
  years(const std::string& folder, std::uint32_t twins, int days)
      : folder_(folder), days_(days),
        begin_ns_(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                          .count() /
                      day_ns * day_ns -
                  days * day_ns) {
    std::array<std::uint32_t, shards> rows{};
    for (std::uint32_t n = 0; n < twins; ++n) {
      meters_.emplace_back(n);
      auto& m = meters_.back();
      m.shard = messages::shard_of(m.id, shards);
      m.row = rows[m.shard]++;
    }
  }

  void open() {
    log_ = must(open_leveldb_log({.folder = folder_ + "/log", .shards = shards}));
    store_ = must(open_leveldb_store({.folder = folder_ + "/store"}));
    files_ = must(cold_folder::open(folder_ + "/history"));
    store_->set_cold_source(files_);
  }
  void close() {
    tiers_.reset();
    store_.reset();
    log_.reset();
  }

  void live() {
    std::filesystem::create_directories(folder_);
    open();
    introduce();
    std::uint64_t readings = 0;
    const auto began = std::chrono::steady_clock::now();
    double moving = 0;
    for (int day = 0; day < days_; ++day) {
      live_a_day(day);
      readings += meters_.size() * 1440;
      if (day % 30 != 29 && day + 1 != days_) continue;
      const auto moved = std::chrono::steady_clock::now();
      move(begin_ns_ + (day + 1) * day_ns);
      moving += seconds_since(moved);
      std::fprintf(stderr, "\rday %d of %d, %.0f s ", day + 1, days_, seconds_since(began));
    }
    std::fprintf(stderr, "\n");
    std::printf("%llu readings of %zu twins over %d days: %.0f s, of these tier moves %.0f s (%.2f "
                "us a reading)\n",
                static_cast<unsigned long long>(readings), meters_.size(), days_,
                seconds_since(began), moving, 1e6 * moving / static_cast<double>(readings));
  }

  void tell_size() {
    const auto totals = must(count_tiers(*store_, shards));
    const char* names[] = {"hot", "warm", "cold"};
    for (std::size_t t = 0; t < totals.size(); ++t)
      std::printf("%-5s %9llu blocks %12llu readings %12llu bytes  %.2f bytes a value\n", names[t],
                  static_cast<unsigned long long>(totals[t].blocks),
                  static_cast<unsigned long long>(totals[t].readings),
                  static_cast<unsigned long long>(totals[t].bytes),
                  static_cast<double>(totals[t].bytes) /
                      static_cast<double>(std::max<std::uint64_t>(1, totals[t].values)));
    std::uint64_t disk = 0;
    for (const auto& f : std::filesystem::recursive_directory_iterator(folder_))
      if (f.is_regular_file()) disk += f.file_size();
    std::printf("on disk %.1f MB\n", static_cast<double>(disk) / 1e6);
  }

  void ask() {
    std::mt19937 random(1);
    const auto place = [&] {
      const auto& m = meters_[random() % meters_.size()];
      return series_place{m.shard, m.row, m.id};
    };
    const auto any_day = [&] {
      return begin_ns_ +
             static_cast<std::int64_t>(random() % static_cast<unsigned>(days_)) * day_ns;
    };
    measure("one day of one twin, values", 200, [&] {
      const auto p = place();
      const auto from = any_day();
      const auto found = must(values_between(*log_, *store_, p.shard, p.row, p.id, "power", from,
                                             from + day_ns - 1, 10'000));
      if (found.size() != 1440) give_up("a day has " + std::to_string(found.size()));
    });
    measure(
        "one day, warm cache", 200,
        [&] {
          const auto p = place();
          const auto from = any_day();
          static_cast<void>(must(values_between(*log_, *store_, p.shard, p.row, p.id, "power", from,
                                                from + day_ns - 1, 10'000)));
        },
        false);
    measure("all years of one twin, mean", 5, [&] {
      summary all;
      series_origin origin;
      must(each_stretch(*log_, *store_, place(), {"power"}, {no_time + 1, never - 1}, origin,
                        [&](const std::string&, std::span<const point> points) {
                          for (const auto& p : points) all.add(p);
                        }));
      if (all.count() != static_cast<std::uint64_t>(days_) * 1440) give_up("values are missing");
    });
    measure("all years of one twin, M4", 5, [&] {
      bucketing drawn(begin_ns_, days_ * day_ns / 1000 + 1);
      series_origin origin;
      must(each_stretch(*log_, *store_, place(), {"power"}, {no_time + 1, never - 1}, origin,
                        [&](const std::string&, std::span<const point> points) {
                          for (const auto& p : points) drawn.add(p);
                        }));
      if (m4(drawn.buckets()).size() < 1000) give_up("nothing to draw");
    });
    measure("a twin as it was", 20, [&] {
      const auto p = place();
      const auto at = any_day() + static_cast<std::int64_t>(random() % 1440) * minute_ns;
      const auto then = must(replay(*log_, *store_, models_, {p.shard, p.row, p.id},
                                    {replay_clock::ingest, no_time, at, {}}, false, {}));
      if (then.state.model_hash().empty()) give_up("no such twin then");
    });
  }

private:
  void introduce() {
    auto batch = store_->batch();
    batch->put_model(models_.model->hash, "meter", model_text);
    batch->put_meta("ruling-model:meter", models_.model->hash);
    for (const auto& m : meters_)
      batch->put_registry(m.shard, {.row = m.row,
                                    .id = m.id,
                                    .incarnation = 1,
                                    .model_name = "meter",
                                    .model_hash = models_.model->hash,
                                    .created_at_ns = begin_ns_,
                                    .deleted = false});
    must(store_->write(*batch, true));
    domain::input in;
    in.kind = domain::input_kind::twin_created;
    in.ingest_time_ns = begin_ns_;
    in.model_hash = models_.model->hash;
    in.model_name = "meter";
    in.incarnation = 1;
    for (auto& m : meters_) builders_[m.shard].add(m.row, m.id, in);
    flush();
  }

  /// An hour is one flush: what a node writes at once is a matter of its load, not of history.
  void live_a_day(int day) {
    domain::input in;
    for (int hour = 0; hour < 24; ++hour) {
      for (auto& m : meters_)
        for (int i = 0; i < 60; ++i) {
          const auto minute = (day * 24LL + hour) * 60 + i;
          const auto at = begin_ns_ + minute * minute_ns;
          in.clear();
          in.kind = domain::input_kind::readings;
          in.ingest_time_ns = at + 80 * ns_per_ms + m.random() % 4'000'000;
          in.fields.push_back({"power", domain::value_view::of(m.power(minute))});
          in.readings.push_back({at, static_cast<std::uint64_t>(minute + 1), 0, 1});
          builders_[m.shard].add(m.row, m.id, in);
        }
      flush();
    }
    seal_all();
  }

  void flush() {
    for (std::uint32_t s = 0; s < shards; ++s)
      if (!builders_[s].empty()) must(log_->append(s, builders_[s].finish()));
    must(log_->commit());
    domain::input in;
    for (const auto& segment : log_->poll()) {
      const auto& entries = segment.content->entries();
      for (std::uint32_t i = 0; i < entries.size(); ++i) {
        segment.content->decode(i, segment.at, in);
        auto& m = *find(segment.content->twins()[entries[i].twin]);
        born_.clear();
        domain::step(models_, m.state, in, born_);
        alerts_ += born_.size();
      }
    }
  }
  meter* find(std::string_view id) {
    return &meters_[static_cast<std::size_t>(std::atoi(id.data() + id.find('-') + 1))];
  }

  void seal_all() {
    auto batch = store_->batch();
    for (auto& m : meters_) {
      snapshot s;
      s.at = m.state.last_applied();
      s.next_wakeup_ns = m.state.next_wakeup_ns();
      domain::save(m.state, s.state);
      s.hash = messages::content_hash(s.state);
      s.readings = domain::describe(models_, m.state, 0).readings;
      batch->put_snapshot(m.shard, m.row, s);
    }
    must(store_->write(*batch, false));
    for (std::uint32_t s = 0; s < shards; ++s) {
      const auto report =
          must(seal(*log_, *store_, s, log_->end(s), UINT64_MAX,
                    [&](std::uint32_t, std::string_view id) { return find(id)->row; }));
      must(log_->trim(s, report.sealed_below));
    }
  }

  void move(std::int64_t now_ns) {
    if (!tiers_) {
      tiering_options options;
      options.shards = shards;
      options.rules = [this](std::uint32_t shard) -> result<shard_rules> {
        shard_rules out;
        out.rules.push_back({});
        for (const auto& m : meters_)
          if (m.shard == shard) out.rule_of_row.push_back(0);
        out.key = [this, shard](std::uint32_t row) {
          for (const auto& m : meters_)
            if (m.shard == shard && m.row == row) return m.id;
          return std::string();
        };
        return out;
      };
      tiers_ = std::make_unique<tiering>(*store_, files_, options);
    }
    for (std::uint32_t s = 0; s < shards; ++s) tiers_->sealed(s);
    while (must(tiers_->step(now_ns, std::chrono::seconds{1}))) {
    }
  }

  void drop_caches() const {
    for (const auto& f : std::filesystem::recursive_directory_iterator(folder_)) {
      if (!f.is_regular_file()) continue;
      const int fd = ::open(f.path().c_str(), O_RDONLY);
      if (fd < 0) continue;
      static_cast<void>(::fsync(fd));
      static_cast<void>(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
      ::close(fd);
    }
  }

  /// `cold`: before each question the databases are opened anew, which empties LevelDB's cache, and
  /// the kernel is asked to forget the folder's pages.
  template <class Question>
  void measure(const char* what, int times, Question&& question, bool cold = true) {
    std::vector<double> ms;
    for (int i = 0; i < times; ++i) {
      if (cold) {
        close();
        drop_caches();
        open();
      }
      const auto began = std::chrono::steady_clock::now();
      question();
      ms.push_back(1e3 * seconds_since(began));
    }
    std::sort(ms.begin(), ms.end());
    std::printf("%-30s n %3d  p50 %8.2f ms  p99 %8.2f ms  most %8.2f ms\n", what, times,
                ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back());
    std::fflush(stdout);
  }

  std::string folder_;
  int days_;
  std::int64_t begin_ns_;
  one_model models_;
  std::vector<meter> meters_;
  std::unique_ptr<persistence::log> log_;
  std::unique_ptr<store> store_;
  std::shared_ptr<cold_folder> files_;
  std::unique_ptr<tiering> tiers_;
  std::array<messages::segment_builder, shards> builders_;
  domain::effects born_;
  std::uint64_t alerts_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) give_up("name a folder");
  const int twins = argc > 2 ? std::atoi(argv[2]) : 100,
            days = argc > 3 ? std::atoi(argv[3]) : 1826;
  years all(argv[1], static_cast<std::uint32_t>(twins), days);
  if (std::filesystem::exists(std::string(argv[1]) + "/store"))
    all.open();
  else
    all.live();
  all.tell_size();
  all.ask();
  return 0;
}
