// SPDX-License-Identifier: Apache-2.0
// Second look at a payload the JSON parser refused. Two habits of real devices are not JSON but
// clear in meaning: NaN and Infinity literals (Python's json writes them), and whole numbers beyond
// 64 bits. The bad value is refused by name, the rest of the message is kept.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge {

struct bad_literal {
  std::string_view field;   ///< the key before it, as written; a view into the payload
  std::string_view literal; ///< "NaN", "-Infinity", "1e999"
};

/// Writes `payload` to `out` with NaN, infinities and numbers out of a double's range replaced by
/// null (each named in `bad`) and whole numbers beyond 64 bits marked as decimals. False when
/// there was nothing to repair. Cost: one pass.
[[nodiscard]] bool repair_json(std::string_view payload, std::string& out,
                               std::vector<bad_literal>& bad);

} // namespace pollux::bridge
