// SPDX-License-Identifier: Apache-2.0
#include "persistence/effect_codec.hpp"

namespace pollux::persistence {

namespace {

namespace proto = pollux::stored;

void put(const domain::effect_id& from, proto::EffectId& to) {
  to.set_position(from.cause.at.value);
  to.set_index(from.cause.index);
  to.set_ordinal(from.ordinal);
}

domain::effect_id get(const proto::EffectId& from) {
  return {{{from.position()}, from.index()}, from.ordinal()};
}

void put(const domain::evidence& from, proto::Evidence& to) {
  to.set_field(from.field);
  for (const auto& n : from.numbers) {
    auto& added = *to.add_numbers();
    added.set_name(n.name);
    added.set_value(n.value);
  }
  for (const auto& t : from.times) {
    auto& added = *to.add_times();
    added.set_name(t.name);
    added.set_time_ns(t.time_ns);
  }
  for (const auto t : from.event_times_ns) to.add_event_times_ns(t);
  to.set_explanation(from.explanation);
  for (const auto& w : from.windows) {
    auto& added = *to.add_windows();
    added.set_name(w.name);
    added.set_count(w.count);
    added.set_mean(w.mean);
    added.set_m2(w.m2);
    added.set_min(w.min);
    added.set_max(w.max);
    added.set_from_ns(w.from_ns);
    added.set_to_ns(w.to_ns);
  }
  for (const auto& s : from.path) {
    auto& added = *to.add_path();
    added.set_stage(s.stage);
    added.set_event_time_ns(s.event_time_ns);
    for (const auto& n : s.numbers) {
      auto& number = *added.add_numbers();
      number.set_name(n.name);
      number.set_value(n.value);
    }
  }
}

void get(const proto::Evidence& from, domain::evidence& to) {
  to.field = from.field();
  for (const auto& n : from.numbers()) to.numbers.push_back({n.name(), n.value()});
  for (const auto& t : from.times()) to.times.push_back({t.name(), t.time_ns()});
  to.event_times_ns.assign(from.event_times_ns().begin(), from.event_times_ns().end());
  to.explanation = from.explanation();
  for (const auto& w : from.windows())
    to.windows.push_back(
        {w.name(), w.count(), w.mean(), w.m2(), w.min(), w.max(), w.from_ns(), w.to_ns()});
  for (const auto& s : from.path()) {
    auto& added = to.path.emplace_back();
    added.stage = s.stage();
    added.event_time_ns = s.event_time_ns();
    for (const auto& n : s.numbers()) added.numbers.push_back({n.name(), n.value()});
  }
}

void put(const domain::alert_effect& from, proto::Alert& to) {
  to.set_transition(static_cast<std::uint32_t>(from.transition));
  put(from.incident, *to.mutable_incident());
  to.set_rule(from.rule);
  to.set_level(static_cast<std::uint32_t>(from.level));
  to.set_event_time_ns(from.event_time_ns);
  to.set_message(from.message);
  to.set_by(from.by);
  put(from.proof, *to.mutable_proof());
  to.set_late(from.late);
  to.set_quiet(static_cast<std::uint32_t>(from.quiet));
  to.set_to(from.to);
  to.set_until_ns(from.until_ns);
  to.set_type(from.type);
  to.set_revision(from.revision);
  to.set_parent(from.parent);
  to.set_group(from.group);
  to.set_depth(from.depth);
  for (const auto& m : from.members) to.add_members(m);
}

bool get(const proto::Alert& from, domain::alert_effect& to) {
  if (from.transition() < 1 ||
      from.transition() > static_cast<std::uint32_t>(domain::alert_transition::members_changed))
    return false;
  if (from.quiet() > static_cast<std::uint32_t>(domain::silence::maintenance)) return false;
  if (from.level() < 1 || from.level() > 3) return false;
  to.transition = static_cast<domain::alert_transition>(from.transition());
  to.incident = get(from.incident());
  to.rule = from.rule();
  to.level = static_cast<domain::severity>(from.level());
  to.event_time_ns = from.event_time_ns();
  to.message = from.message();
  to.by = from.by();
  get(from.proof(), to.proof);
  to.late = from.late();
  to.quiet = static_cast<domain::silence>(from.quiet());
  to.to = from.to();
  to.until_ns = from.until_ns();
  to.type = from.type();
  to.revision = from.revision();
  to.parent = from.parent();
  to.group = from.group();
  to.depth = from.depth();
  to.members.assign(from.members().begin(), from.members().end());
  return true;
}

void put(const domain::command_effect& from, proto::Command& to) {
  to.set_phase(static_cast<std::uint32_t>(from.phase));
  to.set_command_id(from.command_id);
  to.set_name(from.name);
  for (const auto& n : from.numbers) {
    auto& added = *to.add_numbers();
    added.set_name(n.name);
    added.set_value(n.value);
  }
  for (const auto& t : from.texts) {
    auto& added = *to.add_texts();
    added.set_name(t.first);
    added.set_value(t.second);
  }
  to.set_expires_at_ns(from.expires_at_ns);
  to.set_detail(from.detail);
}

bool get(const proto::Command& from, domain::command_effect& to) {
  if (from.phase() < 1 || from.phase() > 6) return false;
  to.phase = static_cast<domain::command_phase>(from.phase());
  to.command_id = from.command_id();
  to.name = from.name();
  for (const auto& n : from.numbers()) to.numbers.push_back({n.name(), n.value()});
  for (const auto& t : from.texts()) to.texts.emplace_back(t.name(), t.value());
  to.expires_at_ns = from.expires_at_ns();
  to.detail = from.detail();
  return true;
}

} // namespace

void to_proto(const domain::effect& from, proto::Effect& to) {
  put(from.id, *to.mutable_id());
  to.set_kind(static_cast<std::uint32_t>(from.kind));
  to.set_ingest_time_ns(from.ingest_time_ns);
  to.set_model_hash(from.model_hash);
  switch (from.kind) {
  case domain::effect_kind::alert: put(from.alert, *to.mutable_alert()); break;
  case domain::effect_kind::command: put(from.command, *to.mutable_command()); break;
  case domain::effect_kind::fault: to.set_fault(from.fault.what); break;
  }
}

status from_proto(const proto::Effect& from, domain::effect& to) {
  to = {};
  to.id = get(from.id());
  to.ingest_time_ns = from.ingest_time_ns();
  to.model_hash = from.model_hash();
  bool known = from.kind() >= 1 && from.kind() <= 3;
  if (known) {
    to.kind = static_cast<domain::effect_kind>(from.kind());
    switch (to.kind) {
    case domain::effect_kind::alert: known = get(from.alert(), to.alert); break;
    case domain::effect_kind::command: known = get(from.command(), to.command); break;
    case domain::effect_kind::fault: to.fault.what = from.fault(); break;
    }
  }
  if (!known) return failure{errc::corrupt, "effect of an unknown kind"};
  return {};
}

std::string encode_effect(const domain::effect& e) {
  proto::Effect p;
  to_proto(e, p);
  return p.SerializeAsString();
}

result<domain::effect> decode_effect(std::string_view bytes) {
  proto::Effect p;
  if (!p.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return failure{errc::corrupt, "effect is damaged"};
  domain::effect e;
  if (auto s = from_proto(p, e); !s) return s.error();
  return e;
}

} // namespace pollux::persistence
