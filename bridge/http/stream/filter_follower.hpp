// SPDX-License-Identifier: Apache-2.0
// Finds out which twins the filter of event streams holds for: one live search of the node for all
// readers of the same filter.
#pragma once
#include "bridge/http/ask.hpp"
#include "bridge/http/stream/hub.hpp"
#include <memory>
#include <optional>

namespace pollux::bridge::http {

/// A live search for the subscription's filter, unless somebody follows it already. `then` gets its
/// number, or nothing when none is needed; errors as of search_watch.
void open_filter(const node_link& link, const std::shared_ptr<hub>& to, const identity& who,
                 const subscription& wants,
                 std::function<void(result<std::optional<std::uint64_t>>)> then);

/// After the reader has joined: sees to it that their filter is followed, with `watch` or a new
/// one. Ends when nobody reads with it any more.
void keep_following(const node_link& link, const std::shared_ptr<hub>& to, const identity& who,
                    const subscription& wants, std::uint64_t reader,
                    std::optional<std::uint64_t> watch);

} // namespace pollux::bridge::http
