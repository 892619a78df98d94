// SPDX-License-Identifier: Apache-2.0
// Chain heads: for each twin its newest input and the hash chain's value behind it. Whoever keeps
// them elsewhere can tell later whether the history up to then is still the same, even if somebody
// changed it and made all checksums and chain values anew.
#pragma once
#include "persistence/chain.hpp"
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include <string>
#include <vector>

namespace pollux::persistence {

struct chain_head {
  std::string twin; ///< journal key; of shard-wide inputs "(shard 3)"
  domain::input_id last;
  chain_value chain{};
};

struct head_list {
  std::vector<chain_head> heads;
  /// Twins whose newest block is of the first format: the next sealing writes it anew, and its
  /// chain with it, so there is nothing yet to keep.
  std::uint64_t left_out = 0;
};
/// Of all twins with history, in the order of shards and rows; the log's tail counts. Memory: a
/// shard's tail. Errors: corrupt (the index of a twin), io.
[[nodiscard]] result<head_list> chain_heads(const log& tail, const store& tables);

struct head_comparison {
  std::uint64_t compared = 0;
  std::vector<std::string> findings; ///< histories that are not what they were
};
/// Works out the chain at the inputs that `kept` names and compares. Errors: corrupt, io.
[[nodiscard]] result<head_comparison> compare_heads(const log& tail, const store& tables,
                                                    const std::vector<chain_head>& kept);

/// {"heads": [{"twin", "last", "chain"}], "all": one value over all of them, "left_out": n}
[[nodiscard]] std::string heads_document(const head_list& list);
/// The inverse. Errors: invalid_argument, naming the place.
[[nodiscard]] result<std::vector<chain_head>> parse_heads(const std::string& document);

} // namespace pollux::persistence
