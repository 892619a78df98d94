// SPDX-License-Identifier: Apache-2.0
// How fast a back-test is: a history of N twins with a reading a minute is written into a store as
// sealing would leave it, then decoded, replayed, and back-tested.
//
//   history_backtest FOLDER [twins 100] [days 30] [threads 2] [model file]
#include "messages/model_codec.hpp"
#include "persistence/backtest.hpp"
#include "persistence/shard_history.hpp"
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>

using namespace pollux;
using namespace pollux::persistence;

namespace {

constexpr std::int64_t start_ns = 1'700'000'000 * ns_per_s;

class two_models final : public domain::model_source {
public:
  std::shared_ptr<const domain::model> ruling, candidate;
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override {
    return hash == ruling->hash ? ruling : hash == candidate->hash ? candidate : nullptr;
  }
};

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "history_backtest: %s\n", what.c_str());
  std::exit(1);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  if (at == std::string::npos) give_up("the model does not say " + what);
  return text.replace(at, what.size(), by);
}

std::shared_ptr<const domain::model> read_model(const std::string& text) {
  auto parsed = messages::parse_model(text, "model");
  if (!parsed) give_up(parsed.error().what);
  return *parsed;
}

double rounded(double v, double step) { return std::floor(v / step + 0.5) * step; }

/// Blocks of one twin: its creation, then a reading of three values each minute.
void write_twin(store& tables, std::uint32_t row, int days, const std::string& hash) {
  std::mt19937 random(row);
  std::normal_distribution<double> noise;
  const auto minutes = static_cast<std::size_t>(days) * 1440;
  std::vector<domain::input> inputs(hot_blocks.max_inputs);
  std::vector<const domain::input*> block;
  chain_value chain{};
  const auto batch = tables.batch();
  std::uint64_t position = (std::uint64_t{1} << 40) + 1 + row;
  double vibration = 2, temperature = 60;
  for (std::size_t i = 0; i <= minutes; ++i) {
    auto& in = inputs[block.size()];
    in.clear();
    in.id = {{position += 40 + random() % 8}, 0};
    const auto event = start_ns + static_cast<std::int64_t>(i) * 60 * ns_per_s;
    in.ingest_time_ns = event + 2 * ns_per_ms + static_cast<std::int64_t>(random() % 1'000'000);
    if (i == 0) {
      in.kind = domain::input_kind::twin_created;
      in.model_hash = hash;
      in.model_name = "motor";
      in.incarnation = 1;
    } else {
      in.kind = domain::input_kind::readings;
      const bool worn = i % 2000 > 1970;
      vibration += 0.1 * (2 + (worn ? 6 : 0) - vibration) + 0.05 * noise(random);
      temperature += 0.05 * (60 + (worn ? 40 : 0) - temperature) + 0.2 * noise(random);
      in.fields.push_back({"vibration", domain::value_view::of(rounded(vibration, 0.01))});
      in.fields.push_back({"temperature", domain::value_view::of(rounded(temperature, 0.1))});
      in.fields.push_back({"current", domain::value_view::of(rounded(9 + noise(random), 0.01))});
      in.readings.push_back({event, 0, 0, 3});
    }
    block.push_back(&in);
    if (block.size() < hot_blocks.max_inputs && i != minutes) continue;
    const auto bytes = encode_block(block, chain, hot_blocks);
    const auto head = read_block_header(bytes);
    if (!head) give_up(head.error().what);
    chain = head->chain_after;
    batch->put_block(0, row, block.front()->id, bytes);
    block.clear();
  }
  if (auto s = tables.write(*batch, false); !s) give_up(s.error().what);
}

struct cost {
  double seconds = 0, core_seconds = 0;
};
/// By the clock on the wall and by the cores' time of all threads: others may use the machine, too.
cost cost_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  const auto cores = std::clock();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(),
          static_cast<double>(std::clock() - cores) / CLOCKS_PER_SEC};
}

void tell(const char* what, const cost& c, std::uint64_t readings) {
  const auto n = static_cast<double>(readings);
  std::printf("%-22s %8.2f s %8.2f core s  %7.3f core us a reading  %6.2f M readings/s a core\n",
              what, c.seconds, c.core_seconds, 1e6 * c.core_seconds / n, n / c.core_seconds / 1e6);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) give_up("name a folder for the history");
  const auto number = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  const int twins = number(2, 100), days = number(3, 30), threads = number(4, 2);
  std::ifstream file(argc > 5 ? argv[5] : "config/models/motor.json");
  if (!file) give_up("no model file");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  two_models models;
  models.ruling = read_model(replaced(text, "\"45s\"", "\"3m\"")); // a reading a minute comes
  models.candidate =
      read_model(replaced(replaced(text, "\"45s\"", "\"2m\""), "\"above\": 7.1", "\"above\": 6.4"));
  auto opened = open_leveldb_store({.folder = argv[1]});
  if (!opened) give_up(opened.error().what);
  auto& tables = **opened;
  const auto journal = make_memory_log(1);
  std::vector<verify_target> targets;
  const auto readings = static_cast<std::uint64_t>(twins) * static_cast<std::uint64_t>(days) * 1440;
  tell("written", cost_of([&] {
         for (std::uint32_t row = 0; row < static_cast<std::uint32_t>(twins); ++row) {
           write_twin(tables, row, days, models.ruling->hash);
           targets.push_back({0, row, "n:motor-" + std::to_string(row)});
         }
       }),
       readings);
  const auto shard = shard_history::read(*journal, tables, 0);
  if (!shard) give_up(shard.error().what);
  const auto some = std::min<std::size_t>(targets.size(), 20);
  const auto of_some = readings / targets.size() * some;
  std::uint64_t met = 0;
  tell("decoded", cost_of([&] {
         for (std::size_t i = 0; i < some; ++i)
           static_cast<void>((*shard)->each_input(tables, targets[i].row, targets[i].id, {},
                                                  [&](const domain::input& in) {
                                                    met += in.readings.size();
                                                    return true;
                                                  }));
       }),
       of_some);
  if (met != of_some) give_up("readings are missing");
  tell("replayed", cost_of([&] {
         domain::effects born;
         for (std::size_t i = 0; i < some; ++i) {
           domain::twin_state state(targets[i].id);
           static_cast<void>((*shard)->each_input(tables, targets[i].row, targets[i].id, {},
                                                  [&](const domain::input& in) {
                                                    born.clear();
                                                    domain::step(models, state, in, born);
                                                    return true;
                                                  }));
         }
       }),
       of_some);
  backtest_order order;
  order.candidate = models.candidate;
  order.threads = static_cast<unsigned>(threads);
  backtest test(*journal, tables, models, targets, order, no_time);
  result<backtest_result> found{failure{}};
  tell("back-tested", cost_of([&] { found = test.run(); }), readings);
  if (!found || found->twins_compared != targets.size()) give_up("not all twins were compared");
  const auto c = found->total();
  std::printf("%d threads; alerts: %llu same, %llu moved, %llu gained, %llu lost\n", threads,
              static_cast<unsigned long long>(c.same), static_cast<unsigned long long>(c.moved),
              static_cast<unsigned long long>(c.gained), static_cast<unsigned long long>(c.lost));
  return 0;
}
