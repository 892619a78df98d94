// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/decode.hpp"
#include "bridge/mqtt/decode_rows.hpp"
#include <algorithm>

namespace pollux::bridge {
namespace {

using messages::quarantine_reason;

constexpr std::size_t keep_fields = 64 * 1024; ///< a rare huge message gives its memory back

} // namespace

struct decoder::body {
  row_collector rows;
  json_reader json;
};

decoder::decoder() : body_(std::make_unique<body>()) {}
decoder::~decoder() = default;

std::uint64_t decoder::missing() const noexcept { return body_->rows.missing(); }

void decoder::read(std::string_view payload, const decode_options& options,
                   std::int64_t ingest_time_ns, rejections& rejected) {
  rejected.clear();
  for (auto* in : {&all_, &part_})
    if (in->fields.capacity() > keep_fields) *in = domain::input{};
  body_->rows.start(options, ingest_time_ns, all_, rejected);
  if (payload.empty()) return rejected.add(quarantine_reason::malformed, "empty payload");
  if (payload.size() > options.max_payload_bytes)
    return rejected.add(quarantine_reason::oversized,
                        "payload of " + std::to_string(payload.size()) + " bytes; at most " +
                            std::to_string(options.max_payload_bytes) + " are taken");
  switch (options.format) {
  case payload_format::json: return body_->json.read(payload, body_->rows, rejected);
  case payload_format::protobuf: return read_protobuf(payload, body_->rows);
  }
}

bool decoder::next_part(std::size_t& first) {
  const auto& all = all_.readings;
  if (first >= all.size()) return false;
  const auto count = std::min(domain::max_readings_per_input, all.size() - first);
  part_.clear();
  part_.kind = all_.kind;
  part_.ingest_time_ns = all_.ingest_time_ns;
  const auto first_field = all[first].first;
  for (auto i = first; i < first + count; ++i) {
    part_.readings.push_back(all[i]);
    part_.readings.back().first -= first_field;
  }
  const auto& last = all[first + count - 1];
  part_.fields.assign(all_.fields.begin() + first_field,
                      all_.fields.begin() + last.first + last.count);
  first += count;
  return true;
}

} // namespace pollux::bridge
