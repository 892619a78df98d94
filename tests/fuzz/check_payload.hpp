// SPDX-License-Identifier: Apache-2.0
// A payload as it comes from the broker, in either format: what must hold of its decoding.
#pragma once
#include "bridge/mqtt/decode.hpp"
#include "check_input.hpp"

namespace pollux::fuzz {

inline void check_payload(std::string_view payload, const bridge::decode_options& options) {
  static bridge::decoder decoder;
  static bridge::rejections rejected;
  const auto missing = decoder.missing();
  std::size_t inputs = 0;
  decoder.decode(payload, options, 1'700'000'000'000'000'000, rejected, [&](domain::input& in) {
    ++inputs;
    check_readings(in);
  });
  require(inputs > 0 || !rejected.empty() || decoder.missing() > missing,
          "a message is kept, refused with a reason, or all of it was without a value");
}

} // namespace pollux::fuzz
