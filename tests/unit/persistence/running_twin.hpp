// SPDX-License-Identifier: Apache-2.0
// A twin that lives as a node would let it live: journaled, stepped, its alerts and states stored.
#pragma once
#include "messages/hash.hpp"
#include "messages/model_codec.hpp"
#include "persistence/history.hpp"
#include "persistence/leveldb_store.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <doctest/doctest.h>
#include <map>

namespace pollux::persistence::testing {

inline constexpr std::uint32_t shard = 1;
inline constexpr const char* twin = "n:press";
inline constexpr const char* model_text = R"({
  "name": "press", "kind": "device",
  "telemetry": {"temperature": {"type": "number"}},
  "operators": [{"name": "hot", "type": "threshold", "value": "temperature", "above": 50, "clear": 40}]
})";

class one_model final : public domain::model_source {
public:
  one_model() {
    auto parsed = messages::parse_model(model_text, "press.json");
    if (!parsed) FAIL(parsed.error().what);
    model_ = *parsed;
  }
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override {
    return hash == model_->hash ? model_ : nullptr;
  }
  [[nodiscard]] const std::string& hash() const { return model_->hash; }

private:
  std::shared_ptr<const domain::model> model_;
};

/// A twin that runs as a node would run it: every input journaled, stepped, its alerts stored.
struct running_twin {
  scratch_folder folder;
  one_model models;
  std::unique_ptr<persistence::log> tail = make_memory_log(4);
  std::unique_ptr<persistence::store> tables;
  domain::twin_state state{twin};
  std::map<std::string, alert_row> alerts;
  std::int64_t now = 1'700'000'000'000'000'000;

  explicit running_twin(bool on_disk = false) {
    if (on_disk) open_log();
    reopen();
    domain::input in;
    in.kind = domain::input_kind::twin_created;
    in.ingest_time_ns = now;
    in.model_hash = models.hash();
    in.model_name = "press";
    in.incarnation = 1;
    apply(in, false);
  }

  /// The log as a node has it, instead of the one in memory.
  void open_log() {
    tail.reset();
    auto opened = open_leveldb_log({.folder = folder / "log", .shards = 4, .min_free_bytes = 0});
    REQUIRE(opened.ok());
    tail = std::move(*opened);
  }

  void reopen() {
    tables.reset();
    auto opened = open_leveldb_store({.folder = folder / "store"});
    REQUIRE(opened.ok());
    tables = std::move(*opened);
  }

  void apply(const domain::input& in, bool wide) {
    messages::segment_builder b;
    b.add(wide ? messages::no_row : 0, wide ? "" : twin, in);
    const segment_ptr s = b.finish();
    REQUIRE(tail->append(shard, s).ok());
    REQUIRE(tail->commit().ok());
    const auto at = tail->poll().at(0).at;
    domain::input decoded;
    s->decode(0, at, decoded);
    domain::effects born;
    domain::step(models, state, decoded, born);
    const auto batch = tables->batch();
    for (const auto& e : born) {
      if (e.kind == domain::effect_kind::alert) {
        auto& row = alerts[domain::to_string(e.alert.incident)];
        row.shard = shard;
        row.twin = twin;
        row.incident = domain::to_string(e.alert.incident);
        row.transitions.push_back(e);
        batch->put_alert(row);
      }
      batch->mark_taken(shard, 0, e.id);
    }
    REQUIRE(tables->write(*batch, false).ok());
  }

  void measure(double temperature) {
    now += 1'000'000'000;
    const simple_input s(temperature, now);
    apply(s.in, false);
  }
  void restart_node() {
    domain::input in;
    in.kind = domain::input_kind::node_started;
    in.ingest_time_ns = now;
    apply(in, true);
  }
  [[nodiscard]] std::string saved() const {
    std::string bytes;
    domain::save(state, bytes);
    return bytes;
  }
  void take_snapshot() {
    snapshot s;
    s.at = state.last_applied();
    s.state = saved();
    s.hash = messages::content_hash(s.state);
    const auto b = tables->batch();
    b->put_snapshot(shard, 0, s);
    REQUIRE(tables->write(*b, false).ok());
  }
  void seal_all() {
    const auto report = seal(*tail, *tables, shard, tail->end(shard), 1'000'000,
                             [](auto, auto) { return std::uint32_t{0}; });
    REQUIRE(report.ok());
    REQUIRE(tail->trim(shard, report->sealed_below).ok());
  }
  /// A history with alerts, restarts, blocks, two snapshots and a tail.
  void live() {
    for (int i = 0; i < 400; ++i) {
      measure(i % 30 < 5 ? 60 + i % 3 : 20 + i % 7);
      if (i % 90 == 0) restart_node();
      if (i == 200 || i == 350) {
        take_snapshot();
        seal_all();
      }
    }
  }
  [[nodiscard]] verify_report verified(const std::string& live = {}) const {
    verify_report report;
    const auto s = verify_twin(*tail, *tables, models, {shard, 0, twin}, live, report);
    if (!s) FAIL(s.error().what);
    return report;
  }
  [[nodiscard]] std::vector<block_info> infos() const {
    std::vector<block_info> out;
    REQUIRE(tables
                ->each_block_info(shard, 0, false,
                                  [&](const block_info& b) {
                                    out.push_back(b);
                                    return true;
                                  })
                .ok());
    return out;
  }
};

} // namespace pollux::persistence::testing
