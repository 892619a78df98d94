// SPDX-License-Identifier: Apache-2.0
// A segment as it lies in the log, possibly damaged.
#include "fuzz.hpp"
#include "messages/segment.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytes_of(data, size);
  static domain::input in, again;
  static_cast<void>(messages::decode_input(bytes, in));
  const auto parsed = messages::segment::parse(std::string(bytes));
  if (!parsed) return 0;
  const auto& segment = **parsed;
  std::uint64_t readings = 0;
  static messages::segment_builder builder;
  for (std::size_t i = 0; i < segment.entries().size(); ++i) {
    const auto& entry = segment.entries()[i];
    segment.decode(i, {}, in);
    fuzz::require(in.kind == entry.kind && in.readings.size() == entry.readings,
                  "an entry tells what its input is");
    readings += entry.readings;
    const bool wide = entry.twin == messages::shard_wide_twin;
    builder.add(messages::no_row, wide ? std::string_view{} : segment.twins()[entry.twin], in);
  }
  fuzz::require(readings == segment.readings(), "readings are counted");
  const auto made = builder.finish();
  for (std::size_t i = 0; i < segment.entries().size(); ++i) {
    segment.decode(i, {}, in);
    made->decode(i, {}, again);
    fuzz::require(
        in.readings.size() == again.readings.size() && in.kind == again.kind &&
            (in.kind == domain::input_kind::readings || in.command_id == again.command_id),
        "what was read can be written again");
  }
  return 0;
}
