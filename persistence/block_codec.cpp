// SPDX-License-Identifier: Apache-2.0
// zstd around the body of a block. Each thread keeps one context: making one costs more than
// packing a small block.
#include "persistence/block_format.hpp"
#include <limits>
#include <memory>
#include <new>
#include <zstd.h>

namespace pollux::persistence {

namespace {

constexpr std::size_t most_raw_bytes = 512u << 20; ///< bounds what a lying head costs

struct free_context {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

ZSTD_CCtx* packer() {
  thread_local const std::unique_ptr<ZSTD_CCtx, free_context> context(ZSTD_createCCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

ZSTD_DCtx* unpacker() {
  thread_local const std::unique_ptr<ZSTD_DCtx, free_context> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

} // namespace

block_codec put_body(std::string_view body, int level, std::string& out) {
  if (level > 0 && !body.empty() && body.size() <= most_raw_bytes) {
    const auto start = out.size();
    out.resize(start + ZSTD_compressBound(body.size()));
    const auto packed = ZSTD_compressCCtx(packer(), out.data() + start, out.size() - start,
                                          body.data(), body.size(), level);
    const bool smaller = ZSTD_isError(packed) == 0 && packed < body.size();
    out.resize(smaller ? start + packed : start);
    if (smaller) return block_codec::zstd;
  }
  out.append(body);
  return block_codec::none;
}

result<std::string_view> open_body(const block_header& h, std::string_view block,
                                   std::string& buffer) {
  const auto stored = block.substr(h.version == 1 ? block_header_bytes_v1 : block_header_bytes);
  const failure damaged{errc::corrupt,
                        "block is damaged: its body has another size than its head says"};
  if (h.codec == block_codec::none) {
    if (stored.size() != h.raw_bytes) return damaged;
    return stored;
  }
  if (h.raw_bytes > most_raw_bytes ||
      ZSTD_getFrameContentSize(stored.data(), stored.size()) != h.raw_bytes)
    return damaged;
  buffer.resize(h.raw_bytes);
  const auto size =
      ZSTD_decompressDCtx(unpacker(), buffer.data(), buffer.size(), stored.data(), stored.size());
  if (ZSTD_isError(size) != 0 || size != h.raw_bytes)
    return failure{errc::corrupt, "block is damaged: its body cannot be unpacked"};
  return std::string_view(buffer);
}

} // namespace pollux::persistence
