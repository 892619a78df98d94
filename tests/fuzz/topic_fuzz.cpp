// SPDX-License-Identifier: Apache-2.0
// Three lines: a mapping's topic, its twin template, and a topic as it comes from the broker (or,
// as a payload template, from a configuration).
#include "bridge/mqtt/mapping.hpp"
#include "domain/base/twin_id.hpp"
#include "fuzz.hpp"
#include "messages/text_template.hpp"

using namespace pollux;

namespace {

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

void check_template(std::string_view text) {
  const auto parsed = messages::text_template::parse(text, messages::template_form::plain);
  fuzz::require(parsed.ok(), "any text is a template when any placeholder is known");
  std::string out;
  std::string braced;
  parsed->render(out, [&](std::string_view name) -> messages::template_value {
    braced = "{" + std::string(name) + "}";
    return std::string_view(braced);
  });
  fuzz::require(out == text, "placeholders that stand for themselves give the text back");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = fuzz::bytes_of(data, size);
  bridge::ingress_mapping mapping;
  mapping.topic = take_line(rest);
  mapping.twin = take_line(rest);
  check_template(rest);
  std::string id;
  const auto filter = bridge::filter_of(mapping);
  auto map = bridge::topic_map::build({mapping});
  if (!map) {
    fuzz::require(!map.error().what.empty(), "an error has words");
    return 0;
  }
  fuzz::require(filter.find_first_of("{}") == std::string::npos, "a filter has no placeholder");
  const auto* found = map->match(rest, id);
  if (found != nullptr)
    fuzz::require(parse_twin_id(id).ok(), "a match makes a valid id");
  else
    fuzz::require(!map->why_not(rest).empty(), "a mismatch has words");
  return 0;
}
