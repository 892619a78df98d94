// SPDX-License-Identifier: Apache-2.0
// A Protobuf payload, as it comes from the broker.
#include "bridge/mqtt/decode.hpp"
#include "check_input.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static bridge::decoder decoder;
  static bridge::rejections rejected;
  bridge::decode_options options;
  options.format = bridge::payload_format::protobuf;
  const auto missing = decoder.missing();
  std::size_t inputs = 0;
  decoder.decode(fuzz::bytes_of(data, size), options, 1'700'000'000'000'000'000, rejected,
                 [&](domain::input& in) {
                   ++inputs;
                   fuzz::check_readings(in);
                 });
  fuzz::require(inputs > 0 || !rejected.empty() || decoder.missing() > missing,
                "a message is kept, refused with a reason, or all of it was without a value");
  return 0;
}
