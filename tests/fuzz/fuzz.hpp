// SPDX-License-Identifier: Apache-2.0
// What fuzz targets share: one entry point per untrusted input, and a check that ends the process.
// Under clang++ with POLLUX_FUZZ libFuzzer drives the entry point; otherwise replay_main.cpp does.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace pollux::fuzz {

inline std::string_view bytes_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// An invariant that must hold for every input, whatever its bytes.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

} // namespace pollux::fuzz
