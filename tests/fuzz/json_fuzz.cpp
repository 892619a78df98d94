// SPDX-License-Identifier: Apache-2.0
// A JSON payload, as it comes from the broker.
#include "check_payload.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bridge::decode_options options;
  options.max_age_ns = size % 2 == 0 ? 0 : 86'400'000'000'000;
  fuzz::check_payload(fuzz::bytes_of(data, size), options);
  return 0;
}
