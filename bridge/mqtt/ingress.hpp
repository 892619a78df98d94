// SPDX-License-Identifier: Apache-2.0
// The way of a message from a source into the inlet, the same for every source: which mapping,
// decode, check against the model, submit; what cannot be used goes to quarantine with its reason.
#pragma once
#include "bridge/mqtt/decode.hpp"
#include "bridge/mqtt/device_topic.hpp"
#include "bridge/mqtt/mapping.hpp"
#include "bridge/mqtt/options.hpp"
#include "bridge/mqtt/source.hpp"
#include "domain/model/model.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include "messages/observability/trace_board.hpp"
#include "messages/quarantine.hpp"
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge {

struct ingress_options {
  std::string device_root = "twins"; ///< of answers to commands and status; empty = not taken
  messages::durability durability = messages::durability::d1; ///< of those
  messages::trace_board* traces = nullptr; ///< told of readings that came with a traceparent
};

/// One object per source thread (and one more for replays): it keeps its buffers warm and has no
/// lock. Everything it refers to must outlive it.
class ingress final : public arrival_handler {
public:
  /// The newest version of the model of that name, or nullptr. Asked at most once a second for
  /// each mapping; must be thread-safe.
  using model_lookup = std::function<std::shared_ptr<const domain::model>(std::string_view name)>;

  ingress(std::shared_ptr<const topic_map> map, ingress_options options, messages::inlet& inlet,
          messages::quarantine_port& quarantine, model_lookup models, messages::metrics& metrics);

  /// What a source has to subscribe to, by connection, the main one first; each filter once, on the
  /// connection that is the first to name it, with the highest QoS asked for.
  [[nodiscard]] std::vector<topic_set> topic_sets() const;
  /// The same for a source with one connection.
  [[nodiscard]] std::vector<subscription> subscriptions() const;

  /// Never throws. Retained telemetry is ignored (decision 24), retained status is not.
  /// Cost: beyond decoding and submit() below 150 ns, no allocation for a good message.
  verdict handle(const arrival& message) override;

  /// Runs a quarantined payload through the present mappings and models, and flushes. Nothing goes
  /// to quarantine again. A reading without a time of its own keeps the time it first came in;
  /// sequence numbers are left out, because the device's later ones were seen meanwhile.
  /// Errors: invalid_argument, with what is still wrong (the good rest is stored, and what was
  /// stored before is recognised as a duplicate); not_found (no such twin); else as submit.
  status replay(const messages::quarantined& record, std::int64_t now_ns);

private:
  struct outcome {
    messages::ticket first, last;
    std::size_t inputs = 0;
    failure error{}; ///< of submit; meaningful when failed
    bool failed = false;
  };
  verdict telemetry(const arrival& message);
  const decode_options& how(const ingress_mapping& mapping, const arrival& message);
  verdict device_message(const arrival& message, const device_topic& topic);
  verdict submit_one(const arrival& message, const domain::input& in);
  verdict ignore(messages::counter& why);
  verdict put_aside(const arrival& message, messages::quarantine_reason reason, std::string detail,
                    const ingress_mapping* mapping);
  static void tell(const messages::quarantined& record, std::string_view trace);
  verdict conclude(const arrival& message, const ingress_mapping& mapping, const outcome& done);
  void submit(const ingress_mapping& mapping, domain::input& in, outcome& done);
  void note_trace(const arrival& message);
  const domain::model* model_of(const ingress_mapping& mapping, std::int64_t now_ns);
  [[nodiscard]] std::string describe() const;

  const std::shared_ptr<const topic_map> map_;
  const ingress_options options_;
  messages::inlet& inlet_;
  messages::quarantine_port& quarantine_;
  const model_lookup lookup_;
  messages::counter &messages_, &bytes_, &readings_, &redelivered_, &refused_values_;
  messages::counter &ignored_retained_, &ignored_empty_, &ignored_status_;

  std::vector<std::shared_ptr<const domain::model>> models_; ///< one per mapping, for this second
  std::vector<bool> asked_;
  std::int64_t models_second_ = 0;
  decoder decoder_;
  decode_options other_; ///< of a message whose content type is not its mapping's
  reply_reader replies_;
  rejections rejected_;
  std::string twin_;
  domain::input input_; ///< of answers and status
};

} // namespace pollux::bridge
