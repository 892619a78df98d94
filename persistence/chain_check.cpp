// SPDX-License-Identifier: Apache-2.0
#include "persistence/chain_check.hpp"

namespace pollux::persistence {

bool chain_check::begin(const block_info& info, std::string_view bytes) {
  auto follows = info.chain_before;
  chained_ = true;
  if (info.kept != tier::cold) {
    const auto h = read_block_header(bytes);
    chained_ = h.ok() && h->version > 1; // version 1 chained bytes, not inputs
    if (h.ok()) follows = h->chain_before;
  }
  // what begins with a hash64 came behind version 1, which may have been rewritten since
  const bool linked = !any_ || follows == before_ || is_chain_start(follows);
  any_ = true;
  before_ = info.chain;
  hasher_.begin(follows);
  return linked;
}

void chain_check::add(const domain::input& in) {
  if (chained_) hasher_.add(in);
}

bool chain_check::end() const { return !chained_ || hasher_.end() == before_; }

} // namespace pollux::persistence
