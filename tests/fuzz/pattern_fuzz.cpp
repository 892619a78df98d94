// SPDX-License-Identifier: Apache-2.0
// The text form of a pattern, and the automaton made of it: what is accepted judges a stream, and
// its state goes through bytes and back.
#include "domain/model/operator.hpp"
#include "domain/twin/twin.hpp"
#include "fuzz.hpp"
#include <cstdlib>
#include <memory>

using namespace pollux;
using namespace pollux::domain;

namespace {

config_node text_node(std::string_view text) {
  config_node node;
  node.kind = config_node::type::text;
  node.text = text;
  return node;
}

config_node object(std::vector<config_member> members) {
  config_node node;
  node.kind = config_node::type::object;
  node.members = std::move(members);
  return node;
}

class one_model final : public model_source {
public:
  explicit one_model(model m) : model_(std::make_shared<model>(std::move(m))) {}
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view) const override {
    return model_;
  }

private:
  std::shared_ptr<model> model_;
};

void judge_a_stream(model compiled) {
  compiled.hash = "h";
  const one_model models(std::move(compiled));
  twin_state twin("a:b");
  effects out;
  input in;
  const auto apply = [&](std::uint32_t index, input_kind kind) {
    in.id = {{1}, index};
    in.kind = kind;
    in.ingest_time_ns = std::int64_t{index} * 1'000'000'000;
    step(models, twin, in, out);
  };
  in.model_hash = "h";
  apply(1, input_kind::twin_created);
  for (std::uint32_t i = 2; i < 40; ++i) {
    in.clear();
    in.fields.push_back({"x", value_view::of(static_cast<double>(i * 7 % 5))});
    in.fields.push_back({"y", value_view::of(static_cast<double>(i % 3))});
    in.readings.push_back({std::int64_t{i} * 1'000'000'000, 0, 0, 2});
    apply(i, input_kind::readings);
    if (i % 13 != 0) continue;
    std::string before, after;
    save(twin, before);
    auto again = load(models, "a:b", before);
    if (!again) std::abort();
    save(*again, after);
    if (before != after) std::abort();
  }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto op = object({{"name", text_node("p")},
                          {"type", text_node("pattern")},
                          {"pattern", text_node(fuzz::bytes_of(data, size))}});
  config_node operators;
  operators.kind = config_node::type::array;
  operators.members.push_back({"", op});
  const auto root = object({{"name", text_node("m")},
                            {"telemetry", object({{"x", object({})}, {"y", object({})}})},
                            {"operators", operators}});
  auto compiled = compile(root);
  if (compiled)
    judge_a_stream(std::move(*compiled));
  else if (compiled.error().what.empty())
    std::abort(); // a refusal says why
  return 0;
}
