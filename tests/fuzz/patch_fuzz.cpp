// SPDX-License-Identifier: Apache-2.0
// A PATCH of a twin, from its body to the new properties: the first line is what they were, the
// rest the body, taken as a merge patch and as a JSON patch.
#include "actors/property_patch.hpp"
#include "bridge/http/api/body.hpp"
#include "bridge/http/api/twin_change.hpp"
#include "domain/twin/twin_state.hpp"
#include "fuzz.hpp"

using namespace pollux;
using actors::patched;
using nlohmann::json;

namespace {

void check(const json& before, const bridge::http::twin_change& change) {
  if (!change.errors.empty() || change.how.empty()) return;
  const auto now = patched(before, change.how, change.patch);
  if (!now) {
    fuzz::require(now.error().code == errc::invalid_argument || now.error().code == errc::conflict,
                  "a patch is refused for what it is");
    return;
  }
  fuzz::require(now->is_object(), "properties are an object");
  fuzz::require(now->flatten().size() <= actors::most_members + 1, "properties have their bounds");
  const auto text = now->dump(-1, ' ', false, json::error_handler_t::replace);
  const auto same = patched(json::object(), "replace", text);
  fuzz::require(same.ok() && *same == *now, "what a patch makes can be set as it is");
  if (change.how != "merge") return;
  const auto twice = patched(*now, change.how, change.patch);
  fuzz::require(twice.ok() && *twice == *now, "a merge patch twice is a merge patch once");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::bytes_of(data, size);
  const auto line = std::min(text.find('\n'), text.size());
  auto before = patched(json::object(), "replace", std::string(text.substr(0, line)));
  if (!before) before = json::object();
  bridge::http::request r;
  r.body = std::string(text.substr(std::min(line + 1, text.size())));
  r.headers.emplace_back("content-type", "application/json");
  auto read = bridge::http::read_json(r);
  const auto* body = std::get_if<bridge::http::json>(&read);
  if (body == nullptr) return 0;
  check(*before, bridge::http::read_merge_patch(*body));
  check(*before, bridge::http::read_json_patch(*body));
  return 0;
}
