// SPDX-License-Identifier: Apache-2.0
// One affordance of one twin as a stream: bare values in unnamed frames, as clients of the Web of
// Things read them. It stands between the hub, whose frames carry whole documents, and the client.
#pragma once
#include "bridge/http/api/reply.hpp"
#include "domain/twin/effect.hpp"
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

struct affordance_frame {
  std::string id;
  json data;
};

/// Tells what of a document the client has not had. Not thread-safe.
class affordance_reader {
public:
  virtual ~affordance_reader() = default;
  /// The document of an event of this kind: state or alert.
  [[nodiscard]] virtual std::vector<affordance_frame> news(std::string_view kind,
                                                           const json& document) = 0;
  [[nodiscard]] virtual std::unique_ptr<affordance_reader> copy() const = 0;
};

/// A telemetry's values: each that is newer than the one before it. The id is its event time.
[[nodiscard]] std::unique_ptr<affordance_reader>
observed_telemetry(std::string name, std::optional<std::int64_t> after_ns = {});
/// A rule's alerts: each transition after `after`, in order. The id is the transition's.
[[nodiscard]] std::unique_ptr<affordance_reader> subscribed_rule(std::string rule,
                                                                 domain::effect_id after);

[[nodiscard]] std::string frame_text(const affordance_frame& frame);

/// Thread-safe. Until ready() is called the hub is told that the client takes nothing, so that
/// nothing is lost while what came before is looked up.
class affordance_feed : public outlet {
public:
  affordance_feed(std::shared_ptr<outlet> to, std::unique_ptr<affordance_reader> reads);
  bool push(chunk bytes) override; ///< frames of the hub
  [[nodiscard]] std::size_t unsent() const override { return to_->unsent(); }
  void close() override { to_->close(); }

  /// A document that was asked for. False when the client has not taken what it gave.
  bool tell(std::string_view kind, const json& document);
  /// From now on the hub's frames go through. `lost` is called, in some thread and with locks held,
  /// when events were lost before they came here.
  void ready(std::function<void()> lost = {});

private:
  bool tell_locked(const std::vector<std::pair<std::string, json>>& documents);

  std::mutex mutex_;
  std::shared_ptr<outlet> to_;
  std::unique_ptr<affordance_reader> reads_;
  bool ready_ = false;
  std::function<void()> lost_;
};

} // namespace pollux::bridge::http
