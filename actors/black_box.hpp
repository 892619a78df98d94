// SPDX-License-Identifier: Apache-2.0
// The black box: a small memory-mapped file in which each thread notes the input it is applying.
// After a crash of the whole process (a signal, not an exception) it names the suspects; one that
// was there at three crashes is skipped by a journaled record. Costs two stores an input.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/input.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::actors {

struct black_box_entry {
  std::uint64_t busy = 0; ///< 1 while the input is being applied
  std::uint32_t shard = 0, row = 0;
  std::uint64_t position = 0;
  std::uint64_t index = 0;
};

/// Maps `file` (made anew when absent) and gives what it held: the inputs being applied when the
/// process last ended. Then the box is empty. Errors: io.
[[nodiscard]] result<std::vector<black_box_entry>> open_black_box(const std::string& file);

/// Notes for its lifetime that this thread applies an input. Does nothing when no box is open.
class black_box_mark {
public:
  black_box_mark(std::uint32_t shard, std::uint32_t row, domain::input_id id) noexcept;
  ~black_box_mark();
  black_box_mark(const black_box_mark&) = delete;
  black_box_mark& operator=(const black_box_mark&) = delete;

private:
  volatile black_box_entry* slot_;
};

} // namespace pollux::actors
