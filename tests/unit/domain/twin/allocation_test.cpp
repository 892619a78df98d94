// SPDX-License-Identifier: Apache-2.0
// A warm twin takes readings without touching the heap. Counts every operator new of this binary.
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <new>

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// Not inlined: beside an inlined free() the compiler would see a mismatch with operator new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

struct feeder {
  explicit feeder(const library& from) : models(from) {
    in.kind = input_kind::twin_created;
    in.model_hash = "m";
    in.id.at.value = 1;
    step(models, state, in, out);
    in.kind = input_kind::readings;
    in.fields = {{"temperature", value_view::of(0.0)},
                 {"vibration", value_view::of(0.0)},
                 {"current", value_view::of(0.0)},
                 {"label", value_view::text("steady")}};
    in.readings = {{0, 0, 0, 3}};
  }
  void feed(std::uint64_t i) {
    in.id.at.value = i + 2;
    in.ingest_time_ns = static_cast<std::int64_t>(i) * 10 * ns_per_s;
    in.readings[0].event_time_ns = in.ingest_time_ns;
    in.readings[0].sequence = i + 1;
    in.fields[0].value = value_view::of(45 + 0.37 * static_cast<double>(i * 7 % 11));
    in.fields[1].value = value_view::of(2 + 0.11 * static_cast<double>(i * 5 % 13));
    in.fields[2].value = value_view::of(10 + 0.05 * static_cast<double>(i * 3 % 17));
    step(models, state, in, out);
  }
  const library& models;
  twin_state state{"test:d000001"};
  input in;
  effects out;
};

} // namespace

TEST_CASE("a warm twin takes readings without a single allocation") {
  library models;
  SUBCASE("job J") { models.add("m", job_j); }
  SUBCASE("thresholds, absence, texts") {
    models.add("m",
               R"({"name": "m", "telemetry": {"temperature": {}, "vibration": {}, "current": {},
      "label": {"type": "text"}}, "operators": [
      {"name": "w", "type": "window", "of": "temperature", "span": "5m"},
      {"name": "hot", "type": "threshold", "value": "w.mean + abs(w.sd) - vibration", "above": 900},
      {"name": "z", "type": "z_score", "window": "w"},
      {"name": "silent", "type": "absence", "of": "*", "for": "1m"},
      {"name": "gone", "type": "absence", "of": "current", "for": "1m"}]})");
  }
  feeder device(models);
  device.in.readings[0].count = device.models.find("m")->telemetry_slot("label") < 0 ? 3 : 4;
  for (std::uint64_t i = 0; i < 200; ++i) device.feed(i);
  REQUIRE(device.out.empty());
  const auto before = allocations.load();
  for (std::uint64_t i = 200; i < 1200; ++i) device.feed(i);
  CHECK(allocations.load() == before);
  CHECK(device.out.empty());
  CHECK(describe(models, device.state, 0).readings == 1200);
}

TEST_CASE("measure: a job J reading" * doctest::skip()) {
  library models;
  models.add("m", job_j);
  feeder device(models);
  for (std::uint64_t i = 0; i < 1000; ++i) device.feed(i);
  const std::clock_t start = std::clock(); // CPU time: other load must not count
  for (std::uint64_t i = 1000; i < 1'001'000; ++i) device.feed(i);
  const double each_us = double(std::clock() - start) / CLOCKS_PER_SEC;
  MESSAGE("took " << each_us << " us a reading (3 fields, 3 windows of 30)");
  CHECK(device.out.empty());
}
