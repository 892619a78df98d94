// SPDX-License-Identifier: Apache-2.0
// Follows the hash chain through a twin's blocks, whatever their tier, and finds where it does not
// hold.
#pragma once
#include "persistence/history.hpp"

namespace pollux::persistence {

class chain_check {
public:
  /// False when the block does not follow the one before. `bytes` are the block's.
  [[nodiscard]] bool begin(const block_info& info, std::string_view bytes);
  void add(const domain::input& in);
  /// False when the block's inputs are not those that were chained when it was made. Only where it
  /// could be decoded to its end.
  [[nodiscard]] bool end() const;

private:
  chain_hasher hasher_;
  chain_value before_{}; ///< after the block before, then after this one
  bool any_ = false, chained_ = false;
};

} // namespace pollux::persistence
