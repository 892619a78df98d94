// SPDX-License-Identifier: Apache-2.0
#include "domain/model/model.hpp"
#include "domain/alert/alert_rule.hpp"
#include "domain/base/ensure.hpp"
#include "domain/base/twin_id.hpp"
#include "domain/model/operator.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <charconv>
#include <limits>

namespace pollux::domain {

model::model() = default;
model::model(model&&) noexcept = default;
model& model::operator=(model&&) noexcept = default;
model::~model() = default;

int model::telemetry_slot(std::string_view wanted) const noexcept {
  for (std::size_t i = 0; i < telemetry.size(); ++i)
    if (telemetry[i].name == wanted) return static_cast<int>(i);
  return -1;
}

int model::telemetry_slot(std::string_view wanted, std::size_t hint) const noexcept {
  if (hint < telemetry.size() && telemetry[hint].name == wanted) return static_cast<int>(hint);
  return telemetry_slot(wanted);
}

const twin_operator* model::find_operator(std::string_view wanted) const noexcept {
  for (const auto& op : operators)
    if (op->name() == wanted) return op.get();
  return nullptr;
}

const command_spec* model::find_command(std::string_view wanted) const noexcept {
  for (const auto& c : commands)
    if (c.name == wanted) return &c;
  return nullptr;
}

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t max_name = 128;

void append_number(std::string& out, double v) {
  char text[40];
  out.append(text, std::to_chars(text, text + sizeof(text), v).ptr);
}

// One text for one meaning: keys sorted, and without what does not decide a verdict, so that a
// reworded message does not cost a twin its windows.
enum class telling : std::uint8_t { verdict, verdict_of_operator, everything };

void append_canonical(std::string& out, const config_node& node, telling what = telling::verdict) {
  const auto below = what == telling::everything ? what : telling::verdict;
  switch (node.kind) {
  case config_node::type::null: out += "null"; break;
  case config_node::type::boolean: out += node.boolean ? "true" : "false"; break;
  case config_node::type::number: append_number(out, node.number); break;
  case config_node::type::text: out += '"' + node.text + '"'; break;
  case config_node::type::array:
    out += '[';
    for (const auto& [key, child] : node.members) {
      append_canonical(out, child, below);
      out += ',';
    }
    out += ']';
    break;
  case config_node::type::object: {
    std::vector<const config_member*> sorted;
    for (const auto& m : node.members)
      if (what == telling::everything || (m.first != "description" && m.first != "message" &&
                                          !(what == telling::verdict_of_operator &&
                                            (m.first == "severity" || is_life_cycle_key(m.first)))))
        sorted.push_back(&m);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    out += '{';
    for (const auto* m : sorted) {
      out += m->first + ':';
      append_canonical(out, m->second, below);
      out += ',';
    }
    out += '}';
    break;
  }
  }
}

} // namespace

/// Reads a model part by part; the first error ends it.
class model_compiler {
public:
  result<model> run(const config_node& root) {
    if (auto s = read_top(root); !s) return s.error();
    return std::move(model_);
  }

private:
  status read_top(const config_node& root);
  status read_telemetry(const config_node& at);
  status read_commands(const config_node& at);
  status read_operators(const config_node& at);
  status read_operator(const config_node& at, model_scope& scope);
  void gather();
  void reach_back();

  model model_;
};

status model_compiler::read_top(const config_node& root) {
  object_reader in(root, "model");
  in.text_or("$schema", "");
  in.text_or("description", "");
  model_.name = in.text("name");
  model_.kind = in.text_or("kind", "device");
  const auto* telemetry = in.optional("telemetry", config_node::type::object);
  const auto* commands = in.optional("commands", config_node::type::object);
  const auto* operators = in.optional("operators", config_node::type::array);
  const auto* event_time = in.optional("event_time", config_node::type::object);
  const auto* retention = in.optional("retention", config_node::type::object);
  model_.maintenance = read_maintenance(in);
  if (auto s = in.finish(); !s) return s;
  if (!is_id_part(model_.name))
    return error_at(*root.find("name"), "a model's name is 1 to 128 of letters, digits, _ . -");
  if (!is_id_part(model_.kind))
    return error_at(*root.find("kind"), "a kind is 1 to 128 of letters, digits, _ . -");
  if (telemetry != nullptr)
    if (auto s = read_telemetry(*telemetry); !s) return s;
  if (event_time != nullptr) {
    object_reader block(*event_time, "event_time");
    model_.event_time = read_event_time(block);
    if (auto s = block.finish(); !s) return s;
  }
  if (retention != nullptr) {
    object_reader block(*retention, "retention");
    model_.retention = read_retention(block);
    if (auto s = block.finish(); !s) return s;
  }
  model_.series_span_ns.assign(model_.telemetry.size(), 0);
  model_.series_entries.assign(model_.telemetry.size(), 0);
  if (commands != nullptr)
    if (auto s = read_commands(*commands); !s) return s;
  if (operators != nullptr)
    if (auto s = read_operators(*operators); !s) return s;
  gather();
  return {};
}

status model_compiler::read_telemetry(const config_node& at) {
  if (at.members.size() > max_telemetry) return error_at(at, "more than 256 telemetry names");
  for (const auto& [name, node] : at.members) {
    if (name.empty() || name.size() > max_name)
      return error_at(node, "a telemetry name has 1 to 128 bytes");
    if (model_.telemetry_slot(name) >= 0)
      return error_at(node, "\"" + name + "\" is declared twice");
    object_reader in(node, "telemetry");
    telemetry_spec spec;
    spec.name = name;
    spec.unit = in.text_or("unit", "");
    in.text_or("description", "");
    spec.type = static_cast<telemetry_type>(
        in.choice_or("type", {"number", "integer", "boolean", "text", "samples"}, 0));
    spec.min = in.number_or("min", -infinity);
    spec.max = in.number_or("max", infinity);
    if (auto s = in.finish(); !s) return s;
    if (spec.min > spec.max) return error_at(node, "min is above max");
    model_.telemetry.push_back(std::move(spec));
  }
  return {};
}

status model_compiler::read_commands(const config_node& at) {
  if (at.members.size() > max_commands) return error_at(at, "more than 256 commands");
  for (const auto& [name, node] : at.members) {
    if (!is_id_part(name))
      return error_at(node, "a command's name is 1 to 128 of letters, digits, _ . -");
    if (model_.find_command(name) != nullptr)
      return error_at(node, "\"" + name + "\" is declared twice");
    object_reader in(node, "command");
    command_spec spec;
    spec.name = name;
    in.text_or("description", "");
    spec.argument = in.text_or("argument", "");
    spec.min = in.number_or("min", -infinity);
    spec.max = in.number_or("max", infinity);
    spec.max_step = in.number_or("max_step", infinity);
    spec.min_interval_ns = in.duration_ns_or("min_interval", 0);
    spec.default_ttl_ns = in.duration_ns_or("ttl", 30 * ns_per_s);
    if (auto s = in.finish(); !s) return s;
    if (spec.min > spec.max) return error_at(node, "min is above max");
    if (!(spec.max_step > 0)) return error_at(node, "max_step must be above 0");
    if (spec.argument.empty() &&
        (spec.min > -infinity || spec.max < infinity || spec.max_step < infinity))
      return error_at(node, "min, max and max_step guard an argument: name it by \"argument\"");
    model_.commands.push_back(std::move(spec));
  }
  return {};
}

status model_compiler::read_operators(const config_node& at) {
  if (at.members.size() > max_operators) return error_at(at, "more than 256 operators");
  model_scope scope(model_);
  for (const auto& [key, node] : at.members)
    if (auto s = read_operator(node, scope); !s) return s;
  return {};
}

status model_compiler::read_operator(const config_node& at, model_scope& scope) {
  object_reader in(at, "operator");
  const auto name = in.text("name");
  const auto* type_node = in.require("type", config_node::type::text);
  if (type_node == nullptr) return in.finish();
  in.text_or("description", "");
  const auto* type = static_cast<const operator_type*>(nullptr);
  std::vector<std::string_view> known;
  for (const auto& t : operator_types()) {
    known.push_back(t.name);
    if (t.name == type_node->text) type = &t;
  }
  if (type == nullptr) {
    const auto close = nearest(type_node->text, known);
    std::string why = "no operator type \"" + type_node->text + "\"";
    if (!close.empty()) why += "; did you mean \"" + std::string(close) + "\"?";
    return error_at(*type_node, why);
  }
  scope.dependencies_.clear();
  auto op = type->read(in, scope);
  if (auto* rule = dynamic_cast<alert_rule*>(op.get())) rule->life_ = read_life_cycle(in, scope);
  if (auto s = in.finish(); !s) return s;
  ensure(op != nullptr, "an operator's reader gave neither an operator nor an error");
  if (!is_id_part(name))
    return error_at(*at.find("name"), "an operator's name is 1 to 128 of letters, digits, _ . -");
  if (model_.find_operator(name) != nullptr)
    return error_at(*at.find("name"), "an operator \"" + name + "\" stands above already");
  auto& identity = op->identity_;
  identity.name = name;
  identity.type = type->name;
  identity.revision = type->revision;
  append_canonical(identity.wording, at, telling::everything);
  append_canonical(identity.definition, at, telling::verdict_of_operator);
  identity.own_definition = identity.definition.size();
  identity.definition += scope.dependencies_;
  identity.index = static_cast<std::uint32_t>(model_.operators.size());
  if (op->hooks().state) identity.state = static_cast<std::uint32_t>(model_.state_count++);
  model_.operators.push_back(std::move(op));
  return {};
}

void model_compiler::gather() {
  for (const auto& op : model_.operators) {
    const auto hooks = op->hooks();
    if (hooks.judge) model_.judging.push_back(op.get());
    if (hooks.observe) model_.observing.push_back(op.get());
    if (hooks.timer) model_.timed.push_back(op.get());
    if (hooks.watermark) model_.watching.push_back(op.get());
    // A timer is our clock: what it decided cannot be decided again for an earlier time.
    const bool live = hooks.live || hooks.timer;
    auto& by_time = model_.by_time;
    by_time.live.push_back(live);
    if (hooks.judge) (live ? by_time.live_judging : by_time.judging).push_back(op.get());
    if (hooks.observe) (live ? by_time.live_observing : by_time.observing).push_back(op.get());
    if (hooks.watermark && !live) by_time.watching.push_back(op.get());
    if (hooks.state && !live) by_time.keeping.push_back(op.get());
  }
  if (model_.event_time.orders()) reach_back();
  for (const auto span : model_.series_span_ns)
    model_.series_index.push_back(span > 0 ? static_cast<std::int16_t>(model_.series_count++)
                                           : std::int16_t{-1});
}

// Going back means to look into windows as they were then: the readings since must not have pushed
// out what they held.
void model_compiler::reach_back() {
  for (auto& entries : model_.series_entries)
    if (entries > 0) entries += model_.event_time.max_rows;
}

result<model> compile(const config_node& root) { return model_compiler{}.run(root); }

std::string operator_revisions(const model& m) {
  std::string out;
  for (const auto& type : operator_types()) {
    const bool used = std::any_of(m.operators.begin(), m.operators.end(),
                                  [&](const auto& op) { return op->identity().type == type.name; });
    if (!used) continue;
    if (!out.empty()) out += ' ';
    out += std::string(type.name) + '@' + std::to_string(type.revision);
  }
  return out;
}

} // namespace pollux::domain
