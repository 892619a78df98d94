// SPDX-License-Identifier: Apache-2.0
// What must hold for every input a decoder lets through, and that the journal takes it.
#pragma once
#include "fuzz.hpp"
#include "messages/segment.hpp"
#include "proto/journal.pb.h"
#include <cmath>

namespace pollux::fuzz {

inline void check_field(const domain::field& f) {
  require(!f.name.empty() && f.name.size() <= 128, "names have 1 to 128 bytes");
  const auto& v = f.value;
  require(v.kind != domain::value_kind::none, "a field has a value");
  if (v.kind == domain::value_kind::f64) require(std::isfinite(v.f64), "numbers are finite");
  if (v.kind == domain::value_kind::text)
    require(v.bytes.size() <= domain::max_text_bytes, "text is at most 1 KB");
  if (v.kind == domain::value_kind::samples_f32)
    require(v.bytes.size() % 4 == 0 && !v.bytes.empty(), "samples are whole");
  require(v.bytes.size() <= domain::max_sample_bytes, "samples are at most 256 KiB");
}

/// Bounds and values; then through a segment, which the generated class must read as well (it
/// refuses text that is not UTF-8).
inline void check_readings(const domain::input& in) {
  require(!in.readings.empty(), "an input has a reading");
  require(in.readings.size() <= domain::max_readings_per_input, "at most 1,000 readings");
  std::size_t next = 0;
  for (const auto& r : in.readings) {
    require(r.first == next && r.count > 0, "readings share out the fields in order");
    next += r.count;
  }
  require(next == in.fields.size(), "every field belongs to a reading");
  for (const auto& f : in.fields) check_field(f);
  static messages::segment_builder builder;
  builder.add(1, "fuzz:twin", in);
  const auto made = builder.finish();
  journal::Segment generated;
  require(generated.ParseFromArray(made->bytes().data(), static_cast<int>(made->bytes().size())),
          "the generated class reads the segment");
  const auto parsed = messages::segment::parse(std::string(made->bytes()));
  require(parsed.ok(), "the segment parses");
  static domain::input out;
  (*parsed)->decode(0, {}, out);
  require(out.fields.size() == in.fields.size() && out.readings.size() == in.readings.size(),
          "the segment holds what was put in");
}

} // namespace pollux::fuzz
