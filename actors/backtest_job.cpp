// SPDX-License-Identifier: Apache-2.0
#include "actors/backtest_job.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "messages/model_codec.hpp"
#include <condition_variable>
#include <nlohmann/json.hpp>
#include <thread>

namespace pollux::actors {

namespace {

using nlohmann::json;

constexpr std::uint32_t most_differences = 100'000;
constexpr unsigned most_threads = 256;

failure wrong(const std::string& what) { return {errc::invalid_argument, "back-test: " + what}; }

/// A whole number within bounds; `otherwise` where it is absent or null.
template <class Number>
bool read(const json& asked, const char* key, Number least, Number most, Number& out) {
  const auto found = asked.find(key);
  if (found == asked.end() || found->is_null()) return true;
  if (!found->is_number_integer()) return false;
  const auto v = found->template get<std::int64_t>();
  if (v < static_cast<std::int64_t>(least) || v > static_cast<std::int64_t>(most)) return false;
  out = static_cast<Number>(v);
  return true;
}

} // namespace

result<backtest_request> read_backtest_request(const std::string& arguments) {
  const auto asked = json::parse(arguments, nullptr, false);
  if (!asked.is_object()) return wrong("the arguments are no JSON object");
  const auto text = asked.find("model");
  if (text == asked.end() || !text->is_string()) return wrong("no model was given");
  backtest_request out;
  const auto file = asked.value("file", json("model"));
  auto model = messages::parse_model(text->get<std::string>(),
                                     file.is_string() ? file.get<std::string>() : "model");
  if (!model) return model.error();
  auto& order = out.order;
  order.candidate = std::move(*model);
  if (const auto twins = asked.find("twins"); twins != asked.end() && twins->is_string())
    out.twins = twins->get<std::string>();
  constexpr std::int64_t zero = 0;
  if (!read(asked, "from", no_time + 1, never, order.from_ns)) return wrong("from is no time");
  if (!read(asked, "to", no_time + 1, never, order.to_ns)) return wrong("to is no time");
  if (!read(asked, "warm_up", persistence::warm_up_all, never, order.warm_up_ns))
    return wrong("warm_up is no duration");
  if (!read(asked, "tolerance", zero, never, order.tolerance_ns))
    return wrong("tolerance is no duration");
  if (!read(asked, "differences", 0U, most_differences, order.differences))
    return wrong("at most 100,000 differences are told one by one");
  if (!read(asked, "threads", 0U, most_threads, order.threads)) return wrong("at most 256 threads");
  return out;
}

result<std::string> run_backtest(persistence::backtest& test,
                                 const std::function<bool(std::uint64_t, std::uint64_t)>& look) {
  std::mutex mutex;
  std::condition_variable ended;
  bool over = false;
  std::thread watch([&] {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, std::chrono::milliseconds(100), [&] { return over; }))
      if (!look(test.done(), test.total())) test.cancel();
  });
  auto found = test.run();
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  ended.notify_one();
  watch.join();
  if (!found) return found.error();
  static_cast<void>(look(test.done(), test.total()));
  return persistence::backtest_document(test.order(), *found);
}

result<std::string> backtest_job(const job_surroundings& with, const std::string& arguments,
                                 job_progress& progress) {
  auto request = read_backtest_request(arguments);
  if (!request) return request.error();
  std::vector<persistence::verify_target> targets;
  for (std::uint32_t shard = 0; shard < with.inlet->shards(); ++shard)
    with.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size(); ++row)
        if (matches_glob(request->twins, split_key(d.key(row)).id))
          targets.push_back({shard, row, std::string{d.key(row)}});
    });
  progress.say("running both versions");
  persistence::backtest test(*with.journal, *with.tables, *with.models, std::move(targets),
                             std::move(request->order), with.now());
  return run_backtest(test, [&](std::uint64_t done, std::uint64_t total) {
    progress.set(done, total);
    return !progress.cancelled();
  });
}

} // namespace pollux::actors
