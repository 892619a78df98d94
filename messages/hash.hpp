// SPDX-License-Identifier: Apache-2.0
// The hashes that leave a process: stable across machines, releases and restarts (xxh3).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::messages {

/// xxh3-128 of `bytes` as 32 lower-case hex digits: model versions, state hashes.
[[nodiscard]] std::string content_hash(std::string_view bytes);

/// The logical shard of a twin: xxh3-64(id) mod shards. `shards` > 0.
[[nodiscard]] std::uint32_t shard_of(std::string_view twin_id, std::uint32_t shards) noexcept;

/// xxh3-64, for in-memory tables and chained block hashes.
[[nodiscard]] std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0) noexcept;

} // namespace pollux::messages
