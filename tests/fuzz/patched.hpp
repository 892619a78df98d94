// SPDX-License-Identifier: Apache-2.0
// For formats that random bytes hardly get into: the bytes to read are the fuzzer's own or a good
// sample, damaged as the fuzzer says.
#pragma once
#include "fuzz.hpp"
#include <string>

namespace pollux::fuzz {

/// The first byte of `data` chooses: odd = the rest is what to read; even = the rest patches
/// `good`, three bytes (place, place, value) at a time, and a place beyond its end cuts it in half.
inline std::string itself_or_patched(std::string_view data, const std::string& good) {
  if (data.empty()) return {};
  if (data[0] % 2 != 0) return std::string(data.substr(1));
  std::string out = good;
  for (data.remove_prefix(1); data.size() >= 3; data.remove_prefix(3)) {
    const auto place = static_cast<std::size_t>(static_cast<unsigned char>(data[0])) << 8 |
                       static_cast<unsigned char>(data[1]);
    if (place < out.size())
      out[place] = data[2];
    else
      out.resize(out.size() / 2);
  }
  return out;
}

} // namespace pollux::fuzz
