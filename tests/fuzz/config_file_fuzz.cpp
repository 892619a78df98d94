// SPDX-License-Identifier: Apache-2.0
// pollux.toml, as a person writes it. ASCII only: Debian's toml++ (3.3) runs into its own
// "unreachable" on some letters outside of strings, such as U+016F, which is not ours to find.
#include "config/config.hpp"
#include "fuzz.hpp"
#include <algorithm>

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (std::any_of(data, data + size, [](std::uint8_t byte) { return byte >= 0x80; })) return 0;
  const auto read = config::parse(fuzz::bytes_of(data, size), "pollux.toml");
  if (!read) fuzz::require(!read.error().what.empty(), "an error has words");
  return 0;
}
