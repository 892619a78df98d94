// SPDX-License-Identifier: Apache-2.0
#include "messages/segment.hpp"
#include "messages/input_codec.hpp"
#include "messages/wire.hpp"

namespace pollux::messages {

result<std::shared_ptr<segment>> segment::parse(std::string bytes) {
  auto out = std::make_shared<segment>(key{});
  out->bytes_ = std::move(bytes);
  segment_parts parts;
  if (auto split = split_segment(out->bytes_, parts); !split) return split.error();
  out->twins_ = std::move(parts.twins);
  out->names_ = std::move(parts.names);
  out->entries_.reserve(parts.inputs.size());
  domain::input scratch;
  for (const auto& encoded : parts.inputs) {
    segment_entry entry;
    if (!decode_fields(encoded, out->names_, out->twins_.size(), entry.twin, scratch))
      return failure{errc::corrupt,
                     "segment: input " + std::to_string(out->entries_.size()) + " is damaged"};
    entry.offset = static_cast<std::uint32_t>(encoded.data() - out->bytes_.data());
    entry.size = static_cast<std::uint32_t>(encoded.size());
    entry.kind = scratch.kind;
    entry.readings = static_cast<std::uint32_t>(scratch.readings.size());
    out->readings_ += entry.readings;
    out->entries_.push_back(entry);
  }
  return out;
}

void segment::decode(std::size_t index, domain::position at, domain::input& out) const {
  const auto& entry = entries_[index];
  std::uint32_t twin = shard_wide_twin;
  const std::string_view encoded(bytes_.data() + entry.offset, entry.size);
  // cannot fail: parse() has decoded the same bytes, or the builder has just written them
  static_cast<void>(decode_fields(encoded, names_, twins_.size(), twin, out));
  out.id = {at, static_cast<std::uint32_t>(index)};
}

void encode_input(const domain::input& in, std::string& out) {
  dictionary_writer names(3);
  input_encoder encoder;
  const auto size = encoder.measure(in, shard_wide_twin, names);
  out.push_back(static_cast<char>(wire_tag(1, wire_type::varint)));
  out.push_back(static_cast<char>(segment_format));
  out.append(names.bytes());
  const auto start = out.size();
  out.resize(start + 1 + varint_size(size) + size);
  wire_writer to(out.data() + start);
  to.tag(4, wire_type::bytes);
  to.varint(size);
  encoder.write(in, shard_wide_twin, to.at());
}

status decode_input(std::string_view bytes, domain::input& out) {
  segment_parts parts;
  if (auto split = split_segment(bytes, parts); !split) return split.error();
  std::uint32_t twin = shard_wide_twin;
  if (parts.inputs.size() != 1)
    return failure{errc::corrupt,
                   "stand-alone input: holds " + std::to_string(parts.inputs.size()) + " inputs"};
  if (!decode_fields(parts.inputs[0], parts.names, parts.twins.size(), twin, out))
    return failure{errc::corrupt, "stand-alone input is damaged"};
  return {};
}

} // namespace pollux::messages
