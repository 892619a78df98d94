// SPDX-License-Identifier: Apache-2.0
// A back-test tells the very difference that running both versions from the start would have made.
#include "tests/unit/persistence/two_lives.hpp"
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
using domain::testing::random_stream;

namespace {

constexpr std::int64_t start_ns = 1'700'000'000 * ns_per_s;

std::string limit_model(double above, const std::string& more = "") {
  return R"({"name":"m","telemetry":{"x":{}},"operators":[
    {"name":"hot","type":"threshold","value":"x","above":)" +
         std::to_string(above) + R"(},
    {"name":"silent","type":"absence","of":"x","for":"90s"})" +
         more + "]}";
}

domain::input reading(std::int64_t at_ns, double x) {
  domain::input in;
  in.kind = domain::input_kind::readings;
  in.ingest_time_ns = at_ns;
  in.fields.push_back({"x", domain::value_view::of(x)});
  in.readings.push_back({at_ns, 0, 0, 1});
  return in;
}

backtest_result run(const journal_of_lives& j, backtest_order order, std::int64_t alive_ns) {
  backtest test(*j.tail, *j.tables, j.models, j.targets, std::move(order), alive_ns);
  auto found = test.run();
  if (!found) FAIL(found.error().what);
  return std::move(*found);
}

backtest_order order_for(std::shared_ptr<const domain::model> candidate) {
  backtest_order order;
  order.candidate = std::move(candidate);
  order.grace_ns = 0;
  order.differences = 100'000;
  return order;
}

std::string told(const backtest_result& found) {
  const auto c = found.total();
  return std::to_string(c.same) + " same, " + std::to_string(c.moved) + " moved, " +
         std::to_string(c.gained) + " gained, " + std::to_string(c.lost) + " lost";
}

/// A stream of one reading a minute that climbs and falls, a minute a step.
void feed_hills(two_lives& twin, int hills) {
  std::int64_t t = start_ns;
  for (int h = 0; h < hills; ++h)
    for (const double x : {10, 20, 30, 40, 50 + 5 * (h % 4), 40, 30, 20, 10, 5})
      twin.give(reading(t += 60 * ns_per_s, x));
}

} // namespace

TEST_CASE("a tightened limit gains alerts and moves those there were") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(55)), candidate = j.models.add(limit_model(35));
  two_lives twin(j, "n:a", ruling, candidate, start_ns);
  feed_hills(twin, 8); // peaks 50 55 60 65: two in four are above 55
  j.seal_all();
  const auto found = run(j, order_for(candidate), no_time);
  CHECK(told(found) == "0 same, 4 moved, 4 gained, 0 lost");
  CHECK(found.leads_ns == std::vector<std::int64_t>(4, 60 * ns_per_s));
  CHECK(found.rules.at("hot").ruling() == 4);
  CHECK(found.rules.at("hot").candidate() == 8);
  CHECK(found.twins_compared == 1);
  CHECK(found.readings == 80);
  REQUIRE(found.differences.size() == 8);
  for (const auto& d : found.differences) REQUIRE(d.candidate->why != nullptr);
}

TEST_CASE("the same model makes no difference, and a laxer one loses") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(35)), lax = j.models.add(limit_model(62));
  two_lives twin(j, "n:a", ruling, lax, start_ns);
  feed_hills(twin, 8);
  CHECK(told(run(j, order_for(ruling), no_time)) == "8 same, 0 moved, 0 gained, 0 lost");
  CHECK(told(run(j, order_for(lax), no_time)) == "0 same, 2 moved, 0 gained, 6 lost");
}

TEST_CASE("only alerts of the interval count, both ends inclusive") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(55)), candidate = j.models.add(limit_model(49));
  two_lives twin(j, "n:a", ruling, candidate, start_ns);
  feed_hills(twin, 8);
  auto order = order_for(candidate);
  order.from_ns = start_ns + 5 * 60 * ns_per_s; // the first peak
  order.to_ns = start_ns + 15 * 60 * ns_per_s;  // the second
  CHECK(told(run(j, order, no_time)) == "0 same, 0 moved, 2 gained, 0 lost");
  ++order.from_ns;
  CHECK(told(run(j, order, no_time)) == "0 same, 0 moved, 1 gained, 0 lost");
  order.to_ns = order.from_ns - 2;
  backtest backwards(*j.tail, *j.tables, j.models, j.targets, order, no_time);
  CHECK(backwards.run().error().code == errc::invalid_argument);
}

TEST_CASE("the candidate's own timers go off, the old model's ticks do not reach it") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(500));
  const auto candidate =
      j.models.add(limit_model(500, R"(,{"name":"gone","type":"absence","of":"x","for":"20s"})"));
  two_lives twin(j, "n:a", ruling, candidate, start_ns);
  twin.give(reading(start_ns + 10 * ns_per_s, 1));
  twin.give(reading(start_ns + 200 * ns_per_s, 1));
  // silent at 100 under both; gone at 20 (nothing since the creation was heard: from then) or 30
  const auto found = run(j, order_for(candidate), start_ns + 230 * ns_per_s);
  CHECK(found.rules.at("silent").same == 1);
  CHECK(found.rules.at("gone").gained == 2);
  CHECK(run(j, order_for(candidate), no_time).rules.at("gone").gained == 1);
}

TEST_CASE("a timer that went off late in the running node is no difference of the models") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(500));
  two_lives twin(j, "n:a", ruling, ruling, start_ns);
  twin.give(reading(start_ns + 10 * ns_per_s, 1));
  twin.late_timer(start_ns + 100 * ns_per_s + 70 * ns_per_ms); // due at 100
  twin.give(reading(start_ns + 200 * ns_per_s, 1));
  const auto found = run(j, order_for(ruling), no_time);
  CHECK(told(found) == "1 same, 0 moved, 0 gained, 0 lost");
}

TEST_CASE("a warm-up begins with an empty state, which is exact once it is long enough") {
  journal_of_lives j;
  const auto with_mean = [](double above) {
    return R"({"name":"m","telemetry":{"x":{}},"operators":[
      {"name":"w","type":"window","of":"x","span":"5m"},
      {"name":"mean","type":"threshold","value":"w.mean","above":)" +
           std::to_string(above) + "}]}";
  };
  const auto ruling = j.models.add(with_mean(500)), candidate = j.models.add(with_mean(33));
  two_lives twin(j, "n:a", ruling, candidate, start_ns);
  feed_hills(twin, 40);
  j.seal_all();
  auto order = order_for(candidate);
  order.from_ns = start_ns + 254 * 60 * ns_per_s; // up a hill
  const auto exact = run(j, order, no_time);
  CHECK(exact.total().gained > 0);
  order.warm_up_ns = 60 * 60 * ns_per_s;
  const auto warmed = run(j, order, no_time);
  CHECK(told_difference(warmed, "n:a") == told_difference(exact, "n:a"));
  order.warm_up_ns = 0;
  const auto cold = run(j, order, no_time);
  CHECK(told_difference(cold, "n:a") != told_difference(exact, "n:a"));
  const auto document = nlohmann::json::parse(backtest_document(order, cold));
  CHECK(document["warm_up"]["exact"] == false);
  CHECK(document["warm_up"]["longest_memory"] == "5m");
  CHECK(document["warm_up"]["longest_memory_of"] == "w");
  order.from_ns = no_time;
  backtest aimless(*j.tail, *j.tables, j.models, j.targets, order, no_time);
  CHECK(aimless.run().error().code == errc::invalid_argument);
}

TEST_CASE("twins of another model are left out, and a twin that cannot be read is named") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(55)), candidate = j.models.add(limit_model(35));
  auto other_text = limit_model(1);
  other_text.replace(other_text.find("\"m\""), 3, "\"o\"");
  const auto other = j.models.add(other_text);
  two_lives mine(j, "n:a", ruling, candidate, start_ns), theirs(j, "n:b", other, other, start_ns),
      broken(j, "n:c", ruling, candidate, start_ns);
  feed_hills(mine, 4);
  feed_hills(theirs, 4);
  feed_hills(broken, 4);
  j.seal_all();
  std::string first;
  domain::input_id at;
  REQUIRE(j.tables->each_block_info(1, 2, false, [&](const block_info& b) {
    at = b.first;
    return false;
  }));
  auto bytes = j.tables->block(1, 2, at);
  REQUIRE(bytes.ok());
  (*bytes)[bytes->size() / 2] = static_cast<char>((*bytes)[bytes->size() / 2] ^ 1);
  const auto batch = j.tables->batch();
  batch->put_block(1, 2, at, *bytes);
  REQUIRE(j.tables->write(*batch, false).ok());
  const auto found = run(j, order_for(candidate), no_time);
  CHECK(found.twins_compared == 1);
  CHECK(found.twins_of_other_models == 1);
  CHECK(found.twins_failed == 1);
  REQUIRE(found.failures.size() == 1);
  CHECK(found.failures.begin()->first == "n:c");
}

TEST_CASE("an acknowledgement reaches the candidate's alert of the same rule, if there is one") {
  journal_of_lives j;
  const auto latching = [](double above) {
    return R"({"name":"m","telemetry":{"x":{}},"operators":[
      {"name":"hot","type":"threshold","value":"x","above":)" +
           std::to_string(above) + R"(,"latch":true}]})";
  };
  const auto ruling = j.models.add(latching(55)), candidate = j.models.add(latching(45)),
             never_hot = j.models.add(latching(1000));
  two_lives twin(j, "n:a", ruling, candidate, start_ns);
  twin.give(reading(start_ns + 60 * ns_per_s, 50));
  twin.give(reading(start_ns + 120 * ns_per_s, 60));
  twin.give(reading(start_ns + 180 * ns_per_s, 10));
  domain::input reset;
  reset.kind = domain::input_kind::alert_action;
  reset.verb = domain::alert_verb::reset;
  const auto incident = twin.of_ruling.open("hot");
  REQUIRE_FALSE(incident.empty());
  reset.incident = incident;
  reset.by = "ada";
  reset.ingest_time_ns = start_ns + 200 * ns_per_s;
  twin.give(reset);
  twin.give(reading(start_ns + 240 * ns_per_s, 60));
  const auto found = run(j, order_for(candidate), no_time);
  CHECK(told(found) == "1 same, 1 moved, 0 gained, 0 lost");
  CHECK(found.actions_left_out == 0);
  CHECK(run(j, order_for(never_hot), no_time).actions_left_out == 1);
}

TEST_CASE("a cancelled back-test tells of whole twins only, and says so") {
  journal_of_lives j;
  const auto ruling = j.models.add(limit_model(55)), candidate = j.models.add(limit_model(35));
  two_lives a(j, "n:a", ruling, candidate, start_ns), b(j, "n:b", ruling, candidate, start_ns);
  feed_hills(a, 60);
  feed_hills(b, 60);
  backtest test(*j.tail, *j.tables, j.models, j.targets, order_for(candidate), no_time);
  test.cancel();
  auto found = test.run();
  REQUIRE(found.ok());
  CHECK(found->cancelled);
  CHECK(found->twins_done == 0);
  CHECK(nlohmann::json::parse(backtest_document(test.order(), *found))["state"] == "cancelled");
}

TEST_CASE("property: a back-test is the difference of two lives") {
  static const char* blocks[] = {R"({"disorder":"4s","lateness":"30s","idle":"20s"})",
                                 R"({"disorder":"4s","late":"drop"})",
                                 R"({"disorder":"2s","late":"keep"})"};
  std::size_t differences = 0, same = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    random_stream random(seed), other(seed + 1000);
    journal_of_lives j;
    const auto ruling = j.models.add(random.model(blocks[seed % 3]));
    const auto changed = j.models.add(other.model(blocks[(seed / 3) % 3]));
    const auto candidate = j.models.add(other.model(blocks[seed % 3]));
    std::vector<std::unique_ptr<two_lives>> twins;
    for (const char* id : {"n:a", "n:b"}) {
      auto all = random.readings(250);
      random.shuffle(all, 30 * ns_per_s);
      for (auto& r : all) { // one twin's journal behind the other's, as the clock goes
        r.event_ns += static_cast<std::int64_t>(twins.size()) * 10'000 * ns_per_s;
        r.arrives_ns += static_cast<std::int64_t>(twins.size()) * 10'000 * ns_per_s;
      }
      auto& twin = *twins.emplace_back(
          std::make_unique<two_lives>(j, id, ruling, candidate, all.front().arrives_ns - ns_per_s));
      std::int64_t now = 0;
      for (const auto& r : all) {
        auto in = reading(r.event_ns, 0);
        in.fields.clear();
        for (const auto& [name, v] : r.numbers)
          in.fields.push_back({name, domain::value_view::of(v)});
        in.readings[0].count = static_cast<std::uint32_t>(in.fields.size());
        in.ingest_time_ns = now = r.arrives_ns;
        twin.give(in);
        if (random.chance(60) == 0 && !twin.of_ruling.newest.empty()) {
          domain::input act;
          act.kind = random.chance(2) == 0 ? domain::input_kind::alert_action
                                           : domain::input_kind::alert_acknowledged;
          act.verb = domain::alert_verb::clear;
          const auto incident = twin.of_ruling.newest.begin()->second;
          act.incident = incident;
          act.by = "ada";
          act.ingest_time_ns = now;
          twin.give(act);
        }
        if (twins.size() == 1 && random.chance(100) == 0) { // the other one is made later
          domain::input change;
          change.kind = domain::input_kind::model_changed;
          change.model_name = "m";
          change.model_hash = changed->hash;
          change.ingest_time_ns = now;
          twin.give(change);
        }
      }
      if (random.chance(2) == 0) j.seal_all();
    }
    const auto horizon = start_ns + 100'000 * ns_per_s;
    for (auto& t : twins) t->pass(horizon);
    auto order = order_for(candidate);
    order.tolerance_ns = (1 + random.chance(20)) * ns_per_s;
    if (seed % 4 == 1) {
      order.from_ns = start_ns + 100 * ns_per_s;
      order.to_ns = start_ns + 500 * ns_per_s;
    }
    order.threads = 1 + seed % 2;
    const auto found = run(j, order, horizon);
    REQUIRE(found.failures.empty());
    for (const auto& t : twins) {
      const auto expected = slow_difference(t->of_ruling, t->of_candidate, order.from_ns,
                                            order.to_ns, order.tolerance_ns);
      const auto told = told_difference(found, t->id());
      for (const auto& line : told)
        if (!expected.contains(line)) MESSAGE(t->id() << ": too much: " << line);
      for (const auto& line : expected)
        if (!told.contains(line)) MESSAGE(t->id() << ": missing: " << line);
      REQUIRE(told == expected);
      differences += expected.size();
    }
    same += found.total().same;
    order.threads = 2 - seed % 2;
    CHECK(backtest_document(order, found) == backtest_document(order, run(j, order, horizon)));
  }
  CHECK(differences > 500);
  CHECK(same > 100);
}
