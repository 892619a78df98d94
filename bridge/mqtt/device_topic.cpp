// SPDX-License-Identifier: Apache-2.0
// An answer is read with the telemetry decoder, so the same bounds and checks hold for it:
// flattened, it is a row with the names id, ok, detail and reported.<name>.
#include "bridge/mqtt/device_topic.hpp"
#include <algorithm>
#include <array>

namespace pollux::bridge {
namespace {

constexpr std::string_view reported = "reported.";

bool same_word(std::string_view a, std::string_view lower) noexcept {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

/// Up to the next '/', which is taken away too.
std::string_view take_level(std::string_view& rest) noexcept {
  const auto end = rest.find('/');
  const auto level = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return level;
}

std::optional<bool> verdict_of(const domain::value_view& value) noexcept {
  using enum domain::value_kind;
  if (value.kind == boolean) return value.boolean;
  if (value.kind == i64) return value.i64 >= 200 && value.i64 < 300;
  if (value.kind != text) return std::nullopt;
  for (const std::string_view yes : {"ok", "accepted", "confirmed", "done"})
    if (same_word(value.bytes, yes)) return true;
  for (const std::string_view no : {"refused", "rejected", "failed", "error"})
    if (same_word(value.bytes, no)) return false;
  return std::nullopt;
}

} // namespace

device_topic parse_device_topic(std::string_view root, std::string_view topic) {
  device_topic out;
  if (topic.size() <= root.size() + 1 || !topic.starts_with(root) || topic[root.size()] != '/')
    return out;
  auto rest = topic.substr(root.size() + 1);
  out.name_space = take_level(rest);
  out.name = take_level(rest);
  if (rest == "status") {
    out.kind = device_topic_kind::status;
    return out;
  }
  if (take_level(rest) != "commands") return out;
  out.command = take_level(rest);
  if (rest == "response" && !out.command.empty()) out.kind = device_topic_kind::command_response;
  return out;
}

std::vector<std::string> device_filters(std::string_view root) {
  const std::string base(root);
  return {base + "/+/+/commands/+/response", base + "/+/+/status"};
}

bool reply_reader::read(const arrival& in, std::string_view command, domain::input& out,
                        rejections& rejected) {
  using messages::quarantine_reason;
  out.clear();
  int rows = 0;
  options_.sequence_field = "\n"; // a name JSON telemetry cannot have: an answer has no sequence
  decoder_.decode(in.payload, options_, in.received_ns, rejected, [&](const domain::input& row) {
    rows += static_cast<int>(row.readings.size());
    scratch_ = row;
  });
  if (rows != 1) {
    if (rejected.empty())
      rejected.add(quarantine_reason::malformed, "an answer must be one JSON object");
    return false;
  }
  out.kind = domain::input_kind::command_replied;
  out.ingest_time_ns = in.received_ns;
  out.command_id = in.correlation_data;
  out.command_name = command;
  std::optional<bool> accepted;
  for (const auto& field : scratch_.fields) {
    const bool is_text = field.value.kind == domain::value_kind::text;
    if (field.name == "id" && is_text && !field.value.bytes.empty()) {
      out.command_id = field.value.bytes;
    } else if (field.name == "ok" || field.name == "status") {
      if (!accepted || field.name == "ok") accepted = verdict_of(field.value);
    } else if (field.name == "detail" && is_text) {
      out.detail = field.value.bytes;
    } else if (field.name.starts_with(reported)) {
      out.fields.push_back({field.name.substr(reported.size()), field.value});
    }
  }
  if (!accepted) {
    rejected.add(quarantine_reason::malformed, "neither \"ok\" nor \"status\" says yes or no");
    return false;
  }
  if (out.command_id.empty()) {
    rejected.add(quarantine_reason::malformed, "no \"id\" and no correlation data");
    return false;
  }
  out.accepted = *accepted;
  return true;
}

std::optional<bool> parse_status(std::string_view payload) noexcept {
  if (same_word(payload, "online")) return true;
  if (same_word(payload, "offline")) return false;
  return std::nullopt;
}

} // namespace pollux::bridge
