// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/lifecycle.hpp"
#include "domain/alert/alert_rule.hpp"
#include "domain/base/glob.hpp"
#include "domain/model/compatibility.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/event_clock.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

void withdraw_all(step_context& at, const std::string& why) { alert_desk(at).close_down(why); }

// All that outlives a twin's content, so that ids, timers and "now" go on rising.
twin_state::body empty_again(const twin_state::body& old) {
  twin_state::body fresh;
  fresh.id = old.id;
  fresh.last_applied = old.last_applied;
  fresh.last_ingest_ns = old.last_ingest_ns;
  fresh.node_started_ns = old.node_started_ns;
  fresh.wakeup_ns = old.wakeup_ns;
  fresh.generation = old.generation;
  fresh.timer = old.timer;
  fresh.incarnation = old.incarnation;
  fresh.connected = old.connected;
  return fresh;
}

// The parts of a twin that belong to one model, taken out while the next one moves in.
struct belongings {
  std::shared_ptr<const model> rules;
  std::unique_ptr<latest_value[]> latest;
  std::vector<series> windows;
  std::vector<std::unique_ptr<operator_state>> states;
  std::vector<std::string> texts;
  std::unique_ptr<timeline, timeline_deleter> line;
};

belongings take_out(twin_state::body& twin) {
  return {twin.rules,
          std::move(twin.latest),
          std::move(twin.windows),
          std::move(twin.states),
          twin.rare ? std::move(twin.rare->texts) : std::vector<std::string>{},
          std::move(twin.line)};
}

void bring_text(twin_state::body& twin, std::size_t slot, std::string text) {
  auto& texts = twin.rarely().texts;
  if (texts.empty()) texts.resize(twin.ruling().telemetry.size());
  texts[slot] = std::move(text);
}

void bring_series(twin_state::body& twin, int slot, belongings& old, int old_slot) {
  auto* window = twin.series_of(slot);
  const auto s = static_cast<std::size_t>(slot);
  const auto o = static_cast<std::size_t>(old_slot);
  const auto index = old.rules->series_index[o];
  if (window == nullptr || index < 0) return;
  auto& content = old.windows[static_cast<std::size_t>(index)];
  const auto& m = twin.ruling();
  if (m.series_span_ns[s] == old.rules->series_span_ns[o] &&
      m.series_entries[s] == old.rules->series_entries[o]) {
    *window = std::move(content);
    return;
  }
  content.each(no_time, content.newest_ns(),
               [&](std::int64_t t, double v) { (void)window->insert(t, v); });
}

bool same_shape(const value_kind kind, telemetry_type type) {
  switch (type) {
  case telemetry_type::number: return kind == value_kind::f64 || kind == value_kind::i64;
  case telemetry_type::integer: return kind == value_kind::i64;
  case telemetry_type::boolean: return kind == value_kind::boolean;
  case telemetry_type::text: return kind == value_kind::text;
  case telemetry_type::samples:
    return kind == value_kind::samples_f32 || kind == value_kind::samples_i16;
  }
  return false;
}

// A name that was undeclared until now and fits its declaration keeps its latest value.
void adopt_undeclared(twin_state::body& twin, std::size_t slot) {
  if (!twin.rare) return;
  auto& known = twin.rare->undeclared;
  const auto& spec = twin.ruling().telemetry[slot];
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const undeclared_value& u) { return u.name == spec.name; });
  if (found == known.end()) return;
  if (same_shape(found->latest.type(), spec.type)) {
    twin.latest[slot] = found->latest;
    if (spec.type == telemetry_type::text) bring_text(twin, slot, std::move(found->text));
  }
  known.erase(found);
}

void bring_telemetry(twin_state::body& twin, belongings& old) {
  const auto& m = twin.ruling();
  for (std::size_t slot = 0; slot < m.telemetry.size(); ++slot) {
    const int before = old.rules->telemetry_slot(m.telemetry[slot].name);
    if (before < 0) {
      adopt_undeclared(twin, slot);
      continue;
    }
    const auto b = static_cast<std::size_t>(before);
    if (old.rules->telemetry[b].type != m.telemetry[slot].type) continue;
    twin.latest[slot] = old.latest[b];
    if (b < old.texts.size() && twin.latest[slot].type() == value_kind::text)
      bring_text(twin, slot, std::move(old.texts[b]));
    bring_series(twin, static_cast<int>(slot), old, before);
  }
}

// A name that the model no longer declares goes on being shown, as any undeclared one.
void release_undeclared(twin_state::body& twin, belongings& old) {
  for (std::size_t b = 0; b < old.rules->telemetry.size(); ++b) {
    const auto& name = old.rules->telemetry[b].name;
    if (twin.ruling().telemetry_slot(name) >= 0 || old.latest[b].event_time_ns == no_time) continue;
    auto& known = twin.rarely().undeclared;
    if (known.size() >= max_undeclared) return;
    const auto place = std::lower_bound(
        known.begin(), known.end(), name,
        [](const undeclared_value& u, const std::string& n) { return u.name < n; });
    known.insert(place, {name, old.latest[b], b < old.texts.size() ? old.texts[b] : std::string{}});
  }
}

void bring_operators(twin_state::body& twin, belongings& old) {
  std::vector<int> now(old.rules->operators.size(), -1);
  for (const auto& before : old.rules->operators) {
    const auto* op = counterpart(*old.rules, *before, twin.ruling());
    if (op == nullptr) continue;
    if (op->hooks().state)
      twin.states[op->identity().state] = std::move(old.states[before->identity().state]);
    now[before->index()] = static_cast<int>(op->index());
  }
  if (twin.rare) twin.rare->alerts.renumber(now);
}

} // namespace

void create_twin(step_context& at, const model_source& models) {
  auto& twin = at.twin;
  if (twin.rules && !twin.deleted && at.in.incarnation <= twin.incarnation) return;
  withdraw_all(at, "the twin was created anew");
  auto next = models.find(at.in.model_hash);
  twin = empty_again(twin);
  twin.incarnation = at.in.incarnation;
  twin.created_ns = at.now_ns;
  if (!next) at.fault("model " + std::string(at.in.model_hash) + " is not known");
  twin.come_under(std::move(next), at.now_ns);
}

void change_model(step_context& at, const model_source& models) {
  auto& twin = at.twin;
  if (twin.deleted || !twin.rules || twin.rules->name != at.in.model_name ||
      twin.rules->hash == at.in.model_hash)
    return;
  if (!at.in.detail.empty() && !matches_glob(at.in.detail, twin.id)) return;
  auto next = models.find(at.in.model_hash);
  if (!next) {
    at.fault("model " + std::string(at.in.model_hash) + " is not known");
    return;
  }
  if (next->hash == twin.rules->hash) return; // the same text, named by an earlier revision
  work_in_late(at); // under the rules it came under, while all of their alerts are there
  for (const auto& op : twin.ruling().operators)
    if (const auto* rule = dynamic_cast<const alert_rule*>(op.get()))
      if (counterpart(twin.ruling(), *op, *next) == nullptr)
        rule->withdraw(at, (next->find_operator(op->name()) != nullptr
                                ? "the rule was changed by model version "
                                : "the rule is gone in model version ") +
                               next->hash);
  auto old = take_out(twin);
  twin.come_under(std::move(next), at.now_ns);
  bring_telemetry(twin, old);
  release_undeclared(twin, old);
  bring_operators(twin, old);
  bring_clock(twin, old.line.get());
}

void delete_twin(step_context& at) {
  auto& twin = at.twin;
  if (twin.deleted || (at.in.incarnation != 0 && at.in.incarnation != twin.incarnation)) return;
  withdraw_all(at, "the twin was deleted");
  auto rules = twin.rules;
  twin = empty_again(twin);
  twin.deleted = true;
  twin.come_under(std::move(rules), at.now_ns); // its kind and model can still be shown
}

void change_properties(step_context& at) {
  auto& twin = at.twin;
  if (twin.deleted) return at.fault("the twin is deleted");
  if (at.in.detail.size() > max_properties_bytes) return at.fault("properties of more than 64 KiB");
  const auto before = twin.rare ? twin.rare->properties_revision : 0;
  if (at.in.generation != 0 && at.in.generation != before + 1)
    return at.fault("the properties changed meanwhile");
  auto& rare = twin.rarely();
  rare.properties = at.in.detail;
  rare.properties_revision = before + 1;
}

} // namespace pollux::domain
