// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/mapping.hpp"
#include "domain/base/twin_id.hpp"
#include "domain/model/config_node.hpp"
#include "messages/text_template.hpp"
#include <algorithm>

namespace pollux::bridge {
namespace {

using messages::placeholder_length;

constexpr std::size_t max_topic_bytes = 65535; ///< MQTT's own bound

failure wrong(std::string what) { return {errc::invalid_argument, std::move(what)}; }

/// Takes the first level off `rest`; false when there is none left.
bool next_level(std::string_view& rest, bool& more, std::string_view& level) noexcept {
  if (!more) return false;
  const auto slash = rest.find('/');
  level = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  if (more) rest.remove_prefix(slash + 1);
  return true;
}

std::string_view level_at(std::string_view topic, int index) noexcept {
  std::string_view level;
  bool more = true;
  for (int i = 0; i <= index; ++i)
    if (!next_level(topic, more, level)) return {};
  return level;
}

std::string known_placeholders(const std::vector<std::string_view>& names) {
  if (names.empty()) return "; the topic has none";
  std::string out = "; the topic has";
  for (const auto& name : names) out += " {" + std::string(name) + "}";
  return out;
}

} // namespace

std::string filter_of(const ingress_mapping& mapping) {
  std::string out;
  if (!mapping.share.empty()) out.append("$share/").append(mapping.share).append(1, '/');
  const auto begin = out.size();
  std::string_view rest = mapping.topic, level;
  for (bool more = true; next_level(rest, more, level);) {
    const bool binds = !level.empty() && placeholder_length(level) == level.size();
    if (out.size() > begin || level.data() != mapping.topic.data()) out.push_back('/');
    out.append(binds ? std::string_view("+") : level);
  }
  return out;
}

status topic_map::parse_topic(std::string_view topic, route& out) {
  if (topic.empty() || topic.size() > max_topic_bytes)
    return wrong("topic: empty, or longer than 65535 bytes");
  std::string_view rest = topic, text;
  for (bool more = true; next_level(rest, more, text);) {
    const auto place = "topic \"" + std::string(topic) + "\": level \"" + std::string(text) + "\"";
    level found{level_kind::literal, std::string(text)};
    if (!text.empty() && placeholder_length(text) == text.size()) {
      found = {level_kind::bind, std::string(text.substr(1, text.size() - 2))};
      for (const auto& before : out.levels)
        if (before.kind == level_kind::bind && before.text == found.text)
          return wrong(place + " binds a second time");
    } else if (text == "+") {
      found = {level_kind::any, {}};
    } else if (text == "#") {
      if (more) return wrong(place + ": # takes all that follows and must stand last");
      found = {level_kind::rest, {}};
    } else if (text.find_first_of("+#{}") != std::string_view::npos) {
      return wrong(place + ": {placeholder}, + and # take a whole level; a placeholder is made of "
                           "a-z, 0-9, _ and .");
    }
    out.levels.push_back(std::move(found));
  }
  return {};
}

status topic_map::parse_twin(std::string_view twin, route& out) {
  std::vector<std::string_view> names;
  for (const auto& l : out.levels)
    if (l.kind == level_kind::bind) names.push_back(l.text);
  const auto context = "twin \"" + std::string(twin) + "\": ";
  std::string sample;
  out.twin.emplace_back();
  for (std::size_t at = 0; at < twin.size();) {
    const auto length = placeholder_length(twin.substr(at));
    if (length == 0) {
      sample.push_back(twin[at]);
      out.twin.back().literal.push_back(twin[at++]);
      continue;
    }
    const auto name = twin.substr(at + 1, length - 2);
    const auto bound = std::find_if(out.levels.begin(), out.levels.end(), [&](const level& l) {
      return l.kind == level_kind::bind && l.text == name;
    });
    if (bound == out.levels.end()) {
      const auto near = domain::nearest(name, names);
      return wrong(context + "unknown placeholder {" + std::string(name) + "}" +
                   (near.empty() ? known_placeholders(names)
                                 : "; did you mean {" + std::string(near) + "}?"));
    }
    out.twin.back().level = static_cast<int>(bound - out.levels.begin());
    out.twin.emplace_back();
    sample.push_back('x');
    at += length;
  }
  if (auto id = parse_twin_id(sample); !id)
    return id.error().within(context + "makes no valid twin id (namespace:name)");
  return {};
}

result<topic_map> topic_map::build(std::vector<ingress_mapping> mappings) {
  topic_map out;
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    route r;
    auto parsed = parse_topic(mappings[i].topic, r);
    if (parsed) parsed = parse_twin(mappings[i].twin, r);
    if (parsed && (mappings[i].qos < 0 || mappings[i].qos > 2)) parsed = wrong("qos is 0, 1 or 2");
    if (!parsed)
      return parsed.error().within("ingress mapping " + std::to_string(i + 1) + " (" +
                                   mappings[i].topic + ")");
    out.routes_.push_back(std::move(r));
  }
  out.mappings_ = std::move(mappings);
  return out;
}

bool topic_map::fits(const route& r, std::string_view topic) noexcept {
  // a wildcard in the first level does not take the broker's own topics
  if (!topic.empty() && topic[0] == '$' && r.levels[0].kind != level_kind::literal) return false;
  std::string_view rest = topic, text;
  bool more = true;
  for (const auto& l : r.levels) {
    if (l.kind == level_kind::rest) return true; // also nothing: a/# takes a
    if (!next_level(rest, more, text)) return false;
    if (l.kind == level_kind::literal && l.text != text) return false;
  }
  return !more;
}

void topic_map::join(const route& r, std::string_view topic, std::string& twin_id) {
  twin_id.clear();
  for (const auto& p : r.twin) {
    twin_id.append(p.literal);
    if (p.level >= 0) twin_id.append(level_at(topic, p.level));
  }
}

const ingress_mapping* topic_map::match(std::string_view topic, std::string& twin_id) const {
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!fits(routes_[i], topic)) continue;
    join(routes_[i], topic, twin_id);
    return parse_twin_id(twin_id) ? &mappings_[i] : nullptr;
  }
  return nullptr;
}

std::string topic_map::why_not(std::string_view topic, const ingress_mapping** at) const {
  if (at != nullptr) *at = nullptr;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!fits(routes_[i], topic)) continue;
    std::string id;
    join(routes_[i], topic, id);
    if (at != nullptr) *at = &mappings_[i];
    const auto parsed = parse_twin_id(id);
    return parsed ? "the topic is fine" : "its parts make no valid twin id: " + parsed.error().what;
  }
  return "no ingress mapping takes this topic";
}

} // namespace pollux::bridge
