// SPDX-License-Identifier: Apache-2.0
// The topics a device answers on, whatever it sends its telemetry with:
//   <root>/<namespace>/<name>/commands/<command>/response    its answer to a command
//   <root>/<namespace>/<name>/status                         "online" or "offline" (also as last
//   will)
#pragma once
#include "bridge/mqtt/decode.hpp"
#include "bridge/mqtt/source.hpp"
#include "domain/twin/input.hpp"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge {

enum class device_topic_kind : std::uint8_t { none, command_response, status };

struct device_topic {
  device_topic_kind kind = device_topic_kind::none;
  std::string_view name_space, name;
  std::string_view command; ///< command_response only
};

/// `none` for every other topic. Cost: a comparison of the root where it is not below it.
[[nodiscard]] device_topic parse_device_topic(std::string_view root, std::string_view topic);

/// The filters to subscribe to for these topics.
[[nodiscard]] std::vector<std::string> device_filters(std::string_view root);

/// Reads answers to commands:
///   {"id":"c-1","ok":true,"detail":"...","reported":{"setpoint":21.5}}
/// `status` may stand for `ok`: "ok", "accepted", "confirmed", "done" or 200..299 are true,
/// "refused", "rejected", "failed", "error" or any other number false. Without an id the MQTT 5
/// correlation data is the command's id.
class reply_reader {
public:
  /// Fills `out` (cleared first) as a command_replied input; its views live until the next call or
  /// the end of the arrival. Gives false, with the reason in `rejected`, when it is no answer;
  /// single reported values may be refused as well without making it none.
  [[nodiscard]] bool read(const arrival& in, std::string_view command, domain::input& out,
                          rejections& rejected);

private:
  decoder decoder_;
  decode_options options_;
  domain::input scratch_;
};

/// "online" or "offline" in any case; nullopt for anything else.
[[nodiscard]] std::optional<bool> parse_status(std::string_view payload) noexcept;

} // namespace pollux::bridge
