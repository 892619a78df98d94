// SPDX-License-Identifier: Apache-2.0
// A twin's state as it lies in a snapshot. Random bytes hardly get past a state's header, hence
// itself_or_patched().
#include "domain/base/ensure.hpp"
#include "domain/twin/twin.hpp"
#include "messages/model_codec.hpp"
#include "patched.hpp"

using namespace pollux;
using namespace pollux::domain;

namespace {

constexpr std::string_view model_json = R"({
  "name": "fuzzed", "kind": "motor",
  "telemetry": {"a": {"type": "number"}, "b": {"type": "number"}, "s": {"type": "text"}},
  "commands": {"set": {"argument": "value", "min": 0, "max": 10, "ttl": "10s"}},
  "operators": [
    {"name": "w", "type": "window", "of": "a", "span": "5m"},
    {"name": "z", "type": "z_score", "window": "w", "limit": 3, "sides": "upper"},
    {"name": "t", "type": "threshold", "value": "b", "above": 7, "clear": 4},
    {"name": "p", "type": "sequence", "rises": {"of": "b", "above": 4.0, "count": 3},
     "then": "z", "within": "10m"},
    {"name": "q", "type": "absence", "of": "*", "for": "45s"}
  ]
})";

/// One model, by whatever hash it is asked for: seeds outlive a new revision of an operator.
class one_model final : public model_source {
public:
  one_model() {
    auto parsed = messages::parse_model(model_json, "fuzz");
    if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().what.c_str());
    fuzz::require(parsed.ok(), "the model of the fuzz target is valid");
    model_ = *parsed;
  }
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view) const override {
    return model_;
  }
  [[nodiscard]] const model& get() const { return *model_; }

private:
  std::shared_ptr<const model> model_;
};

input reading_at(std::uint32_t index, double a, double b) {
  input in;
  in.id = {position{1}, index};
  in.kind = input_kind::readings;
  in.ingest_time_ns = 1'700'000'000'000'000'000 + std::int64_t{index} * 10'000'000'000;
  in.readings.push_back({in.ingest_time_ns, 0, 0, 4});
  in.fields = {{"a", value_view::of(a)},
               {"b", value_view::of(b)},
               {"s", value_view::text("run")},
               {"undeclared", value_view::of(std::int64_t{index})}};
  return in;
}

std::string good_state(const one_model& models) {
  twin_state state("fuzz:twin");
  effects out;
  input created;
  created.id = {position{1}, 0};
  created.kind = input_kind::twin_created;
  created.ingest_time_ns = 1'700'000'000'000'000'000;
  created.model_hash = models.get().hash;
  step(models, state, created, out);
  for (std::uint32_t i = 1; i <= 40; ++i) // ends in a spike, with alerts that are active
    step(models, state, reading_at(i, i < 40 ? 20.0 + i % 3 : 90.0, i < 35 ? 1.0 : i), out);
  input command;
  command.id = {position{1}, 50};
  command.kind = input_kind::command_requested;
  command.ingest_time_ns = 1'700'000'500'000'000'000;
  command.command_id = "c1";
  command.command_name = "set";
  command.fields = {{"value", value_view::of(5.0)}};
  step(models, state, command, out);
  std::string bytes;
  save(state, bytes);
  return bytes;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const one_model models;
  static const std::string good = good_state(models);
  const auto bytes = fuzz::itself_or_patched(fuzz::bytes_of(data, size), good);
  auto state = load(models, "fuzz:twin", bytes);
  if (!state) return 0;
  std::string saved, again;
  save(*state, saved);
  auto reloaded = load(models, "fuzz:twin", saved);
  fuzz::require(reloaded.ok(), "what load() took, save() writes so that load() takes it");
  save(*reloaded, again);
  fuzz::require(saved == again, "a state has one form");
  try {
    effects out;
    auto in = reading_at(60, 90.0, 9.0);
    in.id.at.value = ~std::uint64_t{0};
    step(models, *state, in, out);
    static_cast<void>(describe(models, *state, in.ingest_time_ns));
  } catch (const broken_invariant&) { // what a shell would catch, too
  }
  return 0;
}
