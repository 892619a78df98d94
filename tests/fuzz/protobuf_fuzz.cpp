// SPDX-License-Identifier: Apache-2.0
// A Protobuf payload, as it comes from the broker.
#include "check_payload.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bridge::decode_options options;
  options.format = bridge::payload_format::protobuf;
  fuzz::check_payload(fuzz::bytes_of(data, size), options);
  return 0;
}
