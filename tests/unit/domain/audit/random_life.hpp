// SPDX-License-Identifier: Apache-2.0
// A twin that lives through random readings, and the journal of it.
#pragma once
#include "domain/audit/second_opinion.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <random>

namespace pollux::domain::testing {

using namespace pollux::domain::audit;

// A twin's life: what was journaled, and every alert that left.
struct life {
  record journal;
  effects alerts;
};

class random_life {
public:
  /// `step_ns`: readings come up to three of them apart.
  random_life(unsigned seed, std::string_view model, std::int64_t step_ns = ns_per_s)
      : random_(seed), step_ns_(step_ns) {
    models_.add("one", model);
  }

  /// Half of the readings also bring one of these texts.
  random_life& with_texts(std::string name, std::vector<std::string> texts) {
    text_name_ = std::move(name);
    texts_ = std::move(texts);
    return *this;
  }

  life run(int inputs) {
    life out;
    twin_state twin("test:all");
    for (int i = 0; i < inputs; ++i) {
      input in;
      in.id = {{static_cast<std::uint64_t>(i) / 3 + 1}, static_cast<std::uint32_t>(i % 3)};
      now_ns_ += step_ns_ * chance(4) - (chance(40) == 0 ? 2 * step_ns_ : 0);
      in.ingest_time_ns = now_ns_;
      if (i == 0) {
        in.kind = input_kind::twin_created;
        in.model_hash = "one";
      } else if (chance(50) == 0) {
        in.kind = input_kind::node_started;
      } else if (chance(4) == 0) {
        in.kind = input_kind::tick;
        in.timer = twin.next_timer();
        in.generation = twin.timer_generation();
      } else {
        readings(in);
      }
      out.journal.add(in);
      effects born;
      step(models_, twin, in, born);
      for (auto& e : born)
        if (e.kind == effect_kind::alert) out.alerts.push_back(std::move(e));
    }
    return out;
  }

private:
  int chance(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }
  double noise() { return std::normal_distribution<double>{0, 1}(random_); }
  void readings(input& in) {
    in.kind = input_kind::readings;
    for (int k = 1 + chance(3); k > 0; --k) {
      event_ns_ += step_ns_ * chance(4);
      reading r;
      r.event_time_ns = event_ns_ - (chance(10) == 0 ? step_ns_ * chance(80) : 0);
      r.first = static_cast<std::uint32_t>(in.fields.size());
      if (chance(4) != 0)
        in.fields.push_back({"t", value_view::of(50 + noise() + (chance(12) == 0 ? 9 : 0))});
      if (chance(3) != 0) in.fields.push_back({"v", value_view::of(4 + noise())});
      if (chance(5) == 0) in.fields.push_back({"open", value_view::of(chance(2) == 0)});
      if (!texts_.empty() && chance(2) == 0)
        in.fields.push_back(
            {text_name_,
             value_view::text(
                 texts_[static_cast<std::size_t>(chance(static_cast<int>(texts_.size())))])});
      r.count = static_cast<std::uint32_t>(in.fields.size()) - r.first;
      in.readings.push_back(r);
    }
  }
  library models_;
  std::mt19937 random_;
  std::int64_t step_ns_;
  std::string text_name_;
  std::vector<std::string> texts_;
  std::int64_t now_ns_ = 1'700'000'000 * ns_per_s, event_ns_ = now_ns_;
};

inline std::string told(const second_opinion& o) {
  std::string text = to_string(o.says);
  for (const auto& f : o.findings) text += std::string(f.agrees ? "\n  + " : "\n  - ") + f.what;
  return text;
}

} // namespace pollux::domain::testing
