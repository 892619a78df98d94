// SPDX-License-Identifier: Apache-2.0
// Inputs that own their text, for tests of codecs: made by hand or at random.
#pragma once
#include "domain/twin/input.hpp"
#include <bit>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>

namespace pollux::tests {

class input_fixture {
public:
  [[nodiscard]] domain::input& get() noexcept { return in_; }
  [[nodiscard]] const domain::input& get() const noexcept { return in_; }

  void reading(std::int64_t event_time_ns, std::uint64_t sequence) {
    in_.kind = domain::input_kind::readings;
    in_.readings.push_back(
        {event_time_ns, sequence, static_cast<std::uint32_t>(in_.fields.size()), 0});
  }
  /// A field of the last reading, or an argument where there is no reading.
  void field(std::string_view name, domain::value_view value) {
    in_.fields.push_back({keep(std::string(name)), value});
    if (!in_.readings.empty()) ++in_.readings.back().count;
  }
  std::string_view keep(std::string text) {
    return *texts_->emplace_back(std::make_unique<std::string>(std::move(text)));
  }

  static input_fixture random(std::mt19937& random) {
    using domain::input_kind;
    static constexpr input_kind kinds[] = {input_kind::readings,
                                           input_kind::readings,
                                           input_kind::command_requested,
                                           input_kind::command_replied,
                                           input_kind::tick,
                                           input_kind::twin_created,
                                           input_kind::alert_acknowledged,
                                           input_kind::alert_action,
                                           input_kind::child_alert,
                                           input_kind::parent_changed,
                                           input_kind::properties_changed,
                                           input_kind::model_changed,
                                           input_kind::twin_deleted,
                                           input_kind::connection_changed,
                                           input_kind::ingress_changed,
                                           input_kind::input_skipped,
                                           input_kind::node_started};
    input_fixture out;
    out.in_.kind = kinds[random() % std::size(kinds)];
    out.in_.ingest_time_ns = out.number(random);
    if (out.in_.kind == input_kind::readings) {
      const auto rows = random() % 6;
      for (unsigned i = 0; i < rows; ++i) {
        out.reading(out.number(random), random() % 3 ? random() : 0);
        const auto fields = random() % 5;
        for (unsigned f = 0; f < fields; ++f) out.random_field(random);
      }
    } else {
      out.fill_event(random);
    }
    return out;
  }

private:
  std::int64_t number(std::mt19937& random) {
    const auto bits = std::uint64_t{random()} << 32 | random();
    return static_cast<std::int64_t>(bits >> (random() % 64));
  }
  std::string_view text(std::mt19937& random, std::size_t most) {
    std::string out(random() % (most + 1), ' ');
    for (auto& c : out) c = static_cast<char>('a' + random() % 26);
    return keep(std::move(out));
  }
  void random_field(std::mt19937& random) {
    using domain::value_kind;
    using domain::value_view;
    const auto name = "name" + std::to_string(random() % 300);
    switch (random() % 7) {
    case 0: return field(name, value_view{});
    case 1: return field(name, value_view::of(number(random)));
    case 2: return field(name, value_view::of(random() % 2 == 0));
    case 3: return field(name, value_view::text(text(random, 300)));
    case 4: return field(name, value_view::samples(value_kind::samples_f32, text(random, 40)));
    case 5: return field(name, value_view::samples(value_kind::samples_i16, text(random, 200)));
    default: return field(name, value_view::of(std::bit_cast<double>(number(random))));
    }
  }
  void fill_event(std::mt19937& random) {
    const auto fields = random() % 4;
    for (unsigned f = 0; f < fields; ++f) random_field(random);
    in_.command_id = text(random, 40);
    in_.command_name = text(random, 20);
    in_.expires_at_ns = number(random);
    in_.accepted = random() % 2;
    in_.incident = text(random, 30);
    in_.by = text(random, 10);
    in_.detail = text(random, 200);
    in_.timer = static_cast<std::uint32_t>(random());
    in_.generation = static_cast<std::uint64_t>(number(random));
    in_.model_hash = text(random, 32);
    in_.model_name = text(random, 16);
    in_.incarnation = static_cast<std::uint32_t>(random() % 300);
    in_.connected = random() % 2;
    in_.verb = static_cast<domain::alert_verb>(random() % 10);
    in_.rule = text(random, 20);
    in_.skipped = {{static_cast<std::uint64_t>(number(random))},
                   static_cast<std::uint32_t>(random())};
  }
  domain::input in_;
  std::unique_ptr<std::deque<std::unique_ptr<std::string>>> texts_ =
      std::make_unique<std::deque<std::unique_ptr<std::string>>>();
};

/// Equal to the bit, NaN included.
inline bool same(const domain::value_view& a, const domain::value_view& b) {
  using domain::value_kind;
  if (a.kind != b.kind) return false;
  if (a.kind == value_kind::f64)
    return std::bit_cast<std::uint64_t>(a.f64) == std::bit_cast<std::uint64_t>(b.f64);
  if (a.kind == value_kind::i64) return a.i64 == b.i64;
  if (a.kind == value_kind::boolean) return a.boolean == b.boolean;
  return a.bytes == b.bytes;
}

/// Equal in all but the id.
inline bool same(const domain::input& a, const domain::input& b) {
  if (a.readings.size() != b.readings.size() || a.fields.size() != b.fields.size()) return false;
  for (std::size_t i = 0; i < a.readings.size(); ++i) {
    const auto &x = a.readings[i], &y = b.readings[i];
    if (x.event_time_ns != y.event_time_ns || x.sequence != y.sequence || x.first != y.first ||
        x.count != y.count)
      return false;
  }
  for (std::size_t i = 0; i < a.fields.size(); ++i)
    if (a.fields[i].name != b.fields[i].name || !same(a.fields[i].value, b.fields[i].value))
      return false;
  return a.kind == b.kind && a.ingest_time_ns == b.ingest_time_ns && a.command_id == b.command_id &&
         a.command_name == b.command_name && a.expires_at_ns == b.expires_at_ns &&
         a.accepted == b.accepted && a.incident == b.incident && a.by == b.by &&
         a.detail == b.detail && a.timer == b.timer && a.generation == b.generation &&
         a.model_hash == b.model_hash && a.model_name == b.model_name &&
         a.incarnation == b.incarnation && a.connected == b.connected && a.skipped == b.skipped;
}

} // namespace pollux::tests
