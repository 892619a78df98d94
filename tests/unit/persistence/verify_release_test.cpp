// SPDX-License-Identifier: Apache-2.0
// verify across a release that revised an operator: what was stored before it is seen and not
// judged, what comes after it is judged as ever.
#include "tests/unit/persistence/running_twin.hpp"

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

/// Today's models of a node whose earlier release called this version by another hash, and whose
/// "hot" fired from 50 on where today's code fires from 55 on.
class revised_models final : public domain::model_source {
public:
  explicit revised_models(std::string old_hash) : old_hash_(std::move(old_hash)) {
    std::string text = model_text;
    text.replace(text.find("\"above\": 50"), 11, "\"above\": 55");
    auto parsed = messages::parse_model(text, "press.json");
    REQUIRE(parsed.ok());
    today_ = *parsed;
  }
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override {
    return hash == old_hash_ || hash == today_->hash ? today_ : nullptr;
  }
  [[nodiscard]] const std::string& hash() const { return today_->hash; }

private:
  std::string old_hash_;
  std::shared_ptr<const domain::model> today_;
};

std::string all_of(const verify_report& r) {
  std::string out;
  for (const auto& f : r.findings) out += f.twin + ": " + f.what + "\n";
  return out;
}

/// The life before the release, the release's record, and what today's node makes of it.
struct upgraded_twin {
  running_twin t;
  revised_models today{t.models.hash()};
  domain::twin_state state{twin};
  std::string before_last; ///< the state before the newest reading

  upgraded_twin() {
    for (int i = 0; i < 60; ++i) t.measure(i % 10 < 3 ? 52 : 20); // hot only for the old code
    t.take_snapshot();
    auto loaded = domain::load(today, twin, t.saved());
    REQUIRE(loaded.ok());
    state = std::move(*loaded);
    domain::input release;
    release.kind = domain::input_kind::model_changed;
    release.ingest_time_ns = t.now;
    release.model_hash = today.hash();
    release.model_name = "press";
    journal(release, true);
    for (int i = 0; i < 30; ++i) {
      t.now += 1'000'000'000;
      before_last = saved();
      const simple_input s(i % 10 < 3 ? 58 : 20, t.now);
      journal(s.in, false);
    }
  }
  void journal(const domain::input& in, bool wide) {
    messages::segment_builder b;
    b.add(wide ? messages::no_row : 0, wide ? "" : twin, in);
    const segment_ptr s = b.finish();
    REQUIRE(t.tail->append(shard, s).ok());
    REQUIRE(t.tail->commit().ok());
    domain::input decoded;
    s->decode(0, t.tail->poll().at(0).at, decoded);
    domain::effects born;
    domain::step(today, state, decoded, born);
    const auto batch = t.tables->batch();
    for (const auto& e : born) {
      auto& row = t.alerts[domain::to_string(e.alert.incident)];
      row.shard = shard;
      row.twin = twin;
      row.incident = domain::to_string(e.alert.incident);
      row.transitions.push_back(e);
      batch->put_alert(row);
      batch->mark_taken(shard, 0, e.id);
    }
    REQUIRE(t.tables->write(*batch, false).ok());
  }
  [[nodiscard]] std::string saved() const {
    std::string bytes;
    domain::save(state, bytes);
    return bytes;
  }
  [[nodiscard]] verify_report verified(const std::string& live) const {
    verify_report report;
    REQUIRE(verify_twin(*t.tail, *t.tables, today, {shard, 0, twin}, live, report).ok());
    return report;
  }
};

} // namespace

TEST_CASE("verify: a release that revised an operator is no damage, and what follows is judged") {
  const upgraded_twin u;
  const auto r = u.verified(u.saved());
  CHECK(all_of(r).empty());
  CHECK(r.findings_total == 0);
  CHECK(r.revised_alerts > 0);
  CHECK(r.alerts_compared > 0);
}

TEST_CASE("verify: behind the release a state that differs is found") {
  const upgraded_twin u;
  domain::effects born;
  domain::input wrong;
  const simple_input s(99, u.t.now + 5);
  wrong = s.in;
  wrong.id = {{u.state.last_applied().at.value}, 0};
  auto other = domain::load(u.today, twin, u.before_last);
  REQUIRE(other.ok());
  domain::step(u.today, *other, wrong, born);
  std::string bytes;
  domain::save(*other, bytes);
  CHECK(u.verified(bytes).findings_total == 1);
}
