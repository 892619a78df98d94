// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/import_wot.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/model_codec.hpp"
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace pollux::cli {

namespace {

using json = nlohmann::ordered_json;
using finding = import_finding::kind;

constexpr std::size_t longest_text = 1024;

std::string text_of(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string()
             ? found->get<std::string>().substr(0, longest_text)
             : std::string();
}

/// The words our models use for these codes of UCUM.
std::string unit_word(const std::string& code) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> words{
      {{"Cel", "degC"}, {"[degF]", "degF"}, {"{person}", "persons"}, {"/min", "rpm"}}};
  for (const auto& [ucum, word] : words)
    if (ucum == code) return std::string(word);
  return code;
}

/// A title as a name: "Press 7 (old)" is "press_7_old".
std::string name_of(const std::string& title) {
  std::string out;
  for (const char c : title) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (upper || plain)
      out += upper ? static_cast<char>(c + 32) : c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out.substr(0, max_id_part);
}

class reading {
public:
  reading(const json& thing, std::string_view text) : thing_(thing), text_(text) {}

  import_result read(const std::string& name) {
    import_result out;
    json model;
    out.model_name = name.empty() ? name_of(text_of(thing_, "title")) : name;
    if (!is_id_part(out.model_name)) out.model_name = "thing";
    model["name"] = out.model_name;
    if (const auto about = text_of(thing_, "description"); !about.empty())
      model["description"] = about;
    for (const auto& [key, one] : members("properties")) add_property(key, one, model);
    for (const auto& [key, one] : members("actions")) add_action(key, one, model);
    for (const auto& [key, unused] : members("events"))
      note(finding::difference, "events." + key,
           "an event of ours is the alert of a rule: add an operator of this name");
    look_for_references();
    out.findings = std::move(findings_);
    out.model = model.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    if (const auto sound = messages::parse_model(out.model, "the model"); !sound) {
      out.model.clear();
      out.findings.push_back({finding::refused, 0, 0, "", sound.error().what});
    }
    return out;
  }

private:
  void note(finding what, std::string path, std::string text) {
    findings_.push_back({what, 0, 0, std::move(path), std::move(text)});
  }

  std::vector<std::pair<std::string, json>> members(const char* name) const {
    std::vector<std::pair<std::string, json>> out;
    const auto found = thing_.find(name);
    if (found != thing_.end() && found->is_object())
      for (const auto& [key, value] : found->items())
        if (value.is_object()) out.emplace_back(key, value);
    return out;
  }

  static void take_range(const json& from, json& to) {
    for (const auto& [theirs, ours] : {std::pair{"minimum", "min"}, std::pair{"maximum", "max"}})
      if (const auto found = from.find(theirs); found != from.end() && found->is_number())
        to[ours] = *found;
  }

  void add_property(const std::string& key, const json& schema, json& model) {
    const auto path = "properties." + key, type = text_of(schema, "type");
    const bool number = type == "number" || type == "integer";
    if (!number && type != "boolean" && type != "string")
      return note(finding::refused, path,
                  type.empty() ? "its type is not said"
                               : "a telemetry is a number, an integer, a boolean or a text, not "
                                 "an " +
                                     type);
    json one = json::object();
    if (type != "number") one["type"] = type == "string" ? "text" : type;
    if (const auto unit = text_of(schema, "unit"); !unit.empty()) one["unit"] = unit_word(unit);
    if (number) take_range(schema, one);
    if (const auto about = text_of(schema, "description"); !about.empty())
      one["description"] = about;
    model["telemetry"][key] = std::move(one);
    if (schema.value("readOnly", json(false)) == json(true))
      note(finding::exact, path, "telemetry");
    else
      note(finding::difference, path,
           "telemetry is what the device reports: what can be set needs a command");
  }

  void add_action(const std::string& key, const json& action, json& model) {
    const auto path = "actions." + key;
    if (!is_id_part(key))
      return note(finding::refused, path, "a command's name is letters, digits, _ . -");
    json one = json::object();
    if (const auto about = text_of(action, "description"); !about.empty())
      one["description"] = about;
    std::string guarded, others;
    const auto input = action.value("input", json::object());
    if (const auto all = input.find("properties"); all != input.end() && all->is_object())
      for (const auto& [argument, schema] : all->items()) {
        const auto type = schema.is_object() ? text_of(schema, "type") : std::string();
        if (guarded.empty() && (type == "number" || type == "integer")) {
          guarded = argument;
          one["argument"] = argument;
          take_range(schema, one);
        } else {
          others += " " + argument;
        }
      }
    model["commands"][key] = std::move(one);
    if (!input.empty() && text_of(input, "type") != "object")
      note(finding::difference, path, "a command's input is an object of named arguments");
    else if (!others.empty())
      note(finding::difference, path, "arguments that pass without a check:" + others);
    else
      note(finding::exact, path, "a command");
  }

  void look_for_references() {
    const auto has = [this](std::string_view word) { return text_.find(word) != text_.npos; };
    if (has("\"tm:ref\""))
      note(finding::refused, "", "tm:ref: what it names is in another document");
    if (has("\"tm:extends\""))
      note(finding::refused, "", "tm:extends: what it names is in another document");
    if (has("{{")) note(finding::difference, "", "placeholders {{...}} stay as they are");
  }

  const json& thing_;
  std::string_view text_;
  std::vector<import_finding> findings_;
};

/// Copying a document costs stack for each level.
bool too_deep(std::string_view text) {
  constexpr int most = 64;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '['))
      ++depth;
    else if (!quoted && (c == '}' || c == ']'))
      --depth;
    if (depth > most) return true;
  }
  return false;
}

bool is_type(const json& thing, std::string_view wanted) {
  const auto type = thing.find("@type");
  if (type == thing.end()) return false;
  if (type->is_string()) return *type == wanted;
  return type->is_array() && std::find(type->begin(), type->end(), wanted) != type->end();
}

} // namespace

result<import_result> import_thing_model(std::string_view text, const std::string& name) {
  if (too_deep(text))
    return failure{errc::invalid_argument, "nested more than 64 deep: no Thing Model is"};
  const auto thing = json::parse(text, nullptr, false);
  if (!thing.is_object())
    return failure{errc::invalid_argument, "a Thing Model is a JSON object; this is none"};
  if (!is_type(thing, "tm:ThingModel") && !thing.contains("@context"))
    return failure{errc::invalid_argument,
                   "neither a Thing Model nor a Thing Description: no @context"};
  return reading(thing, text).read(name);
}

} // namespace pollux::cli
