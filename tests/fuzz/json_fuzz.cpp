// SPDX-License-Identifier: Apache-2.0
// A JSON payload, as it comes from the broker.
#include "bridge/mqtt/decode.hpp"
#include "check_input.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static bridge::decoder decoder;
  static bridge::rejections rejected;
  bridge::decode_options options;
  options.max_age_ns = size % 2 == 0 ? 0 : 86'400'000'000'000;
  const auto missing = decoder.missing();
  std::size_t inputs = 0;
  decoder.decode(fuzz::bytes_of(data, size), options, 1'700'000'000'000'000'000, rejected,
                 [&](domain::input& in) {
                   ++inputs;
                   fuzz::check_readings(in);
                 });
  fuzz::require(inputs > 0 || !rejected.empty() || decoder.missing() > missing,
                "a message is kept, refused with a reason, or all of it was null");
  return 0;
}
