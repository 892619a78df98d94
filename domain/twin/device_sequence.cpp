// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/device_sequence.hpp"

namespace pollux::domain {

bool seen_before(sequence_memory memory, std::uint64_t number, device_clock clock) noexcept {
  const auto begin_anew = [&] {
    memory.top = number;
    memory.seen = 1;
    return false;
  };
  if (memory.top == 0) return begin_anew();
  if (number > memory.top) {
    const std::uint64_t ahead = number - memory.top;
    memory.seen = ahead < 64 ? memory.seen << ahead | 1 : 1;
    memory.top = number;
    return false;
  }
  const std::uint64_t behind = memory.top - number;
  if (behind >= 64) return clock == device_clock::not_newer ? false : begin_anew();
  const std::uint64_t bit = std::uint64_t{1} << behind;
  if ((memory.seen & bit) == 0) {
    memory.seen |= bit;
    return false;
  }
  return clock == device_clock::newer ? begin_anew() : true;
}

} // namespace pollux::domain
