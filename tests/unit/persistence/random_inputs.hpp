// SPDX-License-Identifier: Apache-2.0
// Random inputs of every kind, and inputs as text, so that tests can compare them bit for bit.
#pragma once
#include "domain/twin/input.hpp"
#include <bit>
#include <deque>
#include <memory>
#include <random>
#include <sstream>
#include <string>

namespace pollux::persistence::testing {

/// Bits of every sort: decimals, integers, tiny, huge, either zero.
inline double random_double(std::mt19937_64& random) {
  const auto r = static_cast<double>(static_cast<std::int64_t>(random()));
  switch (random() % 7) {
  case 0: return static_cast<double>(static_cast<std::int64_t>(random() % 200'000) - 100'000) / 100;
  case 1: return static_cast<double>(random() % 1000);
  case 2: return random() % 2 == 0 ? 0.0 : -0.0;
  case 3: return r * 0x1p-1070;
  case 4: return r * 0x1p+950;
  case 5: return r / 3.0;
  default: return static_cast<double>(static_cast<float>(r * 1e-12));
  }
}

inline std::string text_of(const domain::value_view& v) {
  std::ostringstream out;
  out << static_cast<int>(v.kind) << ':';
  switch (v.kind) {
  case domain::value_kind::f64: out << std::bit_cast<std::uint64_t>(v.f64); break;
  case domain::value_kind::i64: out << v.i64; break;
  case domain::value_kind::boolean: out << v.boolean; break;
  default: out << v.bytes;
  }
  return out.str();
}

/// Every member of an input; two inputs are equal when their texts are.
inline std::string text_of(const domain::input& in) {
  std::ostringstream out;
  out << in.id.at.value << '-' << in.id.index << " kind " << static_cast<int>(in.kind) << " ingest "
      << in.ingest_time_ns;
  for (const auto& r : in.readings) {
    out << "\n  " << r.event_time_ns << " #" << r.sequence;
    for (std::size_t i = r.first; i < r.first + r.count; ++i)
      out << ' ' << in.fields[i].name << '=' << text_of(in.fields[i].value);
  }
  if (in.readings.empty())
    for (const auto& f : in.fields) out << "\n  " << f.name << '=' << text_of(f.value);
  out << "\n  " << in.command_id << '|' << in.command_name << '|' << in.expires_at_ns << '|'
      << in.accepted << '|' << in.incident << '|' << in.by << '|' << in.detail << '|' << in.timer
      << '|' << in.generation << '|' << in.model_hash << '|' << in.model_name << '|'
      << in.incarnation << '|' << in.connected << '|' << in.skipped.at.value << '-'
      << in.skipped.index << '|' << static_cast<int>(in.verb) << '|' << in.rule;
  return out.str();
}

struct owned_input {
  domain::input in;
  std::shared_ptr<std::deque<std::string>> texts = std::make_shared<std::deque<std::string>>();
  std::string_view keep(std::string text) { return texts->emplace_back(std::move(text)); }
};

/// One twin's inputs, ids rising.
class input_factory {
public:
  explicit input_factory(unsigned seed) : random_(seed) {}

  owned_input next() {
    owned_input made;
    advance();
    made.in.id = {{position_}, index_};
    made.in.ingest_time_ns = now_ + static_cast<std::int64_t>(random_() % 3'000'000);
    if (random_() % 8 != 0)
      fill_readings(made);
    else
      fill_other(made);
    return made;
  }

private:
  void advance() {
    if (random_() % 4 == 0) {
      ++index_;
    } else {
      position_ += 1 + random_() % 20;
      if (random_() % 50 == 0) position_ = ((position_ >> 40) + 1) << 40;
      index_ = static_cast<std::uint32_t>(random_() % 3);
    }
    now_ += static_cast<std::int64_t>(random_() % 2'000'000'000);
  }

  domain::value_view value(owned_input& made) {
    using domain::value_view;
    switch (random_() % 10) {
    case 0: return value_view::of(static_cast<std::int64_t>(random_()));
    case 1: return value_view::of(random_() % 2 == 0);
    case 2: return value_view::text(made.keep(std::string(random_() % 20, 'x')));
    case 3:
      return value_view::samples(random_() % 2 == 0 ? domain::value_kind::samples_f32
                                                    : domain::value_kind::samples_i16,
                                 made.keep(std::string(4 * (random_() % 30), 's')));
    case 4: return value_view::of(static_cast<std::int64_t>(random_() % 100));
    default: return value_view::of(random_double(random_));
    }
  }

  void add_field(owned_input& made) {
    static constexpr const char* names[] = {"temperature", "speed", "x", "a.b", ""};
    made.in.fields.push_back({names[random_() % 5], value(made)});
  }

  void fill_readings(owned_input& made) {
    made.in.kind = domain::input_kind::readings;
    const auto readings = random_() % 5 == 0 ? random_() % 10 : 1;
    for (unsigned i = 0; i < readings; ++i) {
      // duplicate, late and far-off times, too
      const auto back = random_() % 6 == 0 ? static_cast<std::int64_t>(random_() % 9'000'000'000)
                                           : std::int64_t{0};
      domain::reading r{.event_time_ns = random_() % 40 == 0 ? static_cast<std::int64_t>(random_())
                                                             : now_ / 1'000'000 * 1'000'000 - back,
                        .sequence = random_() % 3 == 0 ? random_() : 0,
                        .first = static_cast<std::uint32_t>(made.in.fields.size()),
                        .count = static_cast<std::uint32_t>(random_() % 4)};
      for (unsigned f = 0; f < r.count; ++f) add_field(made);
      made.in.readings.push_back(r);
    }
  }

  void fill_other(owned_input& made) {
    auto& in = made.in;
    switch (random_() % 7) {
    case 0:
      in.kind = domain::input_kind::twin_created;
      in.model_hash = made.keep("0123456789abcdef0123456789abcdef");
      in.model_name = "motor";
      in.incarnation = 2;
      break;
    case 1:
      in.kind = domain::input_kind::tick;
      in.timer = static_cast<std::uint32_t>(random_());
      in.generation = random_();
      break;
    case 2:
      in.kind = domain::input_kind::alert_acknowledged;
      in.incident = "00000000000000ff-1-2";
      in.by = "operator";
      break;
    case 3:
      in.kind = domain::input_kind::command_requested;
      in.command_id = made.keep("id-" + std::to_string(random_()));
      in.command_name = "set_setpoint";
      in.expires_at_ns = now_;
      add_field(made);
      break;
    case 4:
      in.kind = domain::input_kind::connection_changed;
      in.connected = random_() % 2 == 0;
      break;
    case 5:
      in.kind = domain::input_kind::alert_action;
      in.verb = domain::alert_verb::shelve;
      in.rule = "overheat";
      in.by = "operator";
      in.detail = "sensor exchange";
      in.expires_at_ns = now_ + 5;
      break;
    default:
      in.kind = domain::input_kind::input_skipped;
      in.skipped = {{random_()}, 3};
      in.detail = "three times";
    }
  }

  std::mt19937_64 random_;
  std::uint64_t position_ = (std::uint64_t{1} << 40) + 1;
  std::uint32_t index_ = 0;
  std::int64_t now_ = 1'700'000'000'123'456'789;
};

} // namespace pollux::persistence::testing
