// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/device_sequence.hpp"

#include <algorithm>
#include <bit>

namespace pollux::domain {
namespace {

// Of the oldest `count` places of the 64, those that were expected and not seen.
std::uint64_t unseen(const sequence_memory& memory, std::uint64_t count) noexcept {
  if (count == 0 || memory.expected == 0) return 0;
  const std::uint64_t oldest = count >= 64 ? ~std::uint64_t{0} : ~std::uint64_t{0} << (64 - count);
  const std::uint64_t expected =
      memory.expected >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << memory.expected) - 1;
  return static_cast<std::uint64_t>(std::popcount(~memory.seen & oldest & expected));
}

void go_on(const sequence_memory& memory, std::uint64_t ahead) noexcept {
  memory.missing += unseen(memory, ahead) + (ahead > 64 ? ahead - 64 : 0);
  memory.expected = static_cast<std::uint8_t>(std::min<std::uint64_t>(64, memory.expected + ahead));
  memory.seen = ahead < 64 ? memory.seen << ahead | 1 : 1;
  memory.top += ahead;
}

} // namespace

bool seen_before(sequence_memory memory, std::uint64_t number, device_clock clock) noexcept {
  const auto begin_anew = [&] {
    memory.missing += unseen(memory, 64);
    memory.top = number;
    memory.seen = memory.expected = 1;
    return false;
  };
  if (memory.top == 0) return begin_anew();
  if (number > memory.top) {
    if (number - memory.top > widest_gap) return begin_anew();
    go_on(memory, number - memory.top);
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
