// SPDX-License-Identifier: Apache-2.0
// Twins to search, made the way all twins are: a model and inputs.
#pragma once
#include "domain/search/search_fields.hpp"
#include "domain/search/search_figures.hpp"
#include "domain/search/search_order.hpp"
#include "domain/twin/twin.hpp"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pollux::domain::testing {

inline config_node text_node(std::string_view text) {
  config_node node;
  node.kind = config_node::type::text;
  node.text = text;
  return node;
}
inline config_node number_node(double number) {
  config_node node;
  node.kind = config_node::type::number;
  node.number = number;
  return node;
}
inline config_node node_of(config_node::type kind, std::vector<config_member> members) {
  config_node node;
  node.kind = kind;
  node.members = std::move(members);
  return node;
}

/// telemetry t, lat, lon, state, on; window w over t (5m); threshold hot above 80.
class search_models final : public model_source {
public:
  search_models() {
    const auto object = [](std::vector<config_member> m) {
      return node_of(config_node::type::object, std::move(m));
    };
    const auto window = object({{"name", text_node("w")},
                                {"type", text_node("window")},
                                {"of", text_node("t")},
                                {"span", text_node("5m")}});
    const auto hot = object({{"name", text_node("hot")},
                             {"type", text_node("threshold")},
                             {"value", text_node("t")},
                             {"above", number_node(80)},
                             {"severity", text_node("critical")}});
    const auto telemetry = object({{"t", object({})},
                                   {"lat", object({})},
                                   {"lon", object({})},
                                   {"state", object({{"type", text_node("text")}})},
                                   {"on", object({{"type", text_node("boolean")}})}});
    for (const char* name : {"motor", "pump"}) {
      auto made = compile(
          object({{"name", text_node(name)},
                  {"kind", text_node("machine")},
                  {"telemetry", telemetry},
                  {"operators", node_of(config_node::type::array, {{"", window}, {"", hot}})}}));
      if (!made) throw std::runtime_error(made.error().what);
      made->hash = name;
      models_[name] = std::make_shared<const model>(std::move(*made));
    }
  }
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view hash) const override {
    const auto found = models_.find(std::string(hash));
    return found == models_.end() ? nullptr : found->second;
  }

private:
  std::map<std::string, std::shared_ptr<const model>> models_;
};

inline constexpr std::int64_t start_ns = 1'700'000'000'000'000'000;

/// One twin and its next input.
class made_twin {
public:
  made_twin(const search_models& models, const std::string& id, std::string_view model)
      : models_(models), state(id) {
    input in;
    in.kind = input_kind::twin_created;
    in.model_hash = model;
    apply(in);
  }
  made_twin& reading(std::vector<field> fields) {
    input in;
    in.kind = input_kind::readings;
    in.fields = std::move(fields);
    in.readings.push_back(
        {start_ns + clock_ * ns_per_s, 0, 0, static_cast<std::uint32_t>(in.fields.size())});
    return apply(in);
  }
  made_twin& properties(std::string_view json) {
    input in;
    in.kind = input_kind::properties_changed;
    in.detail = json;
    in.generation = state.get().rare ? state.get().rare->properties_revision + 1 : 1;
    return apply(in);
  }
  made_twin& apply(input& in) {
    ++clock_;
    in.id = {{static_cast<std::uint64_t>(clock_)}, 0};
    in.ingest_time_ns = start_ns + clock_ * ns_per_s;
    effects out;
    step(models_, state, in, out);
    return *this;
  }
  [[nodiscard]] std::int64_t now_ns() const { return start_ns + clock_ * ns_per_s; }

private:
  const search_models& models_;
  std::int64_t clock_ = 0;

public:
  twin_state state;
};

/// Whether the filter holds, awake and asleep alike; -1 when the two differ, -2 when it is wrong.
inline int found(const made_twin& twin, std::string_view filter, std::int64_t now_ns) {
  std::vector<search_path> paths;
  const auto parsed = parse_filter(filter, paths);
  if (!parsed) return -2;
  path_reader reader(paths, now_ns);
  const searched_twin awake(twin.state.get());
  reader.look_at(awake);
  const bool a = holds(*parsed, reader);
  const auto rest = resting(twin.state.get());
  const searched_twin asleep(rest);
  reader.look_at(asleep);
  const bool b = holds(*parsed, reader);
  return a == b ? int{a} : -1;
}
inline int found(const made_twin& twin, std::string_view filter) {
  return found(twin, filter, twin.now_ns());
}

/// What is wrong with a filter; empty: nothing.
inline std::string fault(std::string_view filter) {
  std::vector<search_path> paths;
  const auto parsed = parse_filter(filter, paths);
  return parsed ? std::string() : parsed.error().what;
}

} // namespace pollux::domain::testing
