// SPDX-License-Identifier: Apache-2.0
// Making the blocks that a plan asks for.
#include "messages/hash.hpp"
#include "persistence/twin_mover.hpp"

namespace pollux::persistence {

result<std::uint64_t> digest_of(std::string_view block) {
  std::uint64_t digest = 0;
  std::string canonical;
  auto s = decode_any_block(block, [&](const domain::input& in) {
    canonical.clear();
    append_canonical(in, canonical);
    digest = messages::hash64(canonical, digest);
  });
  if (!s) return s.error();
  return digest;
}

status twin_mover::make() {
  hot_.chained_already();
  warm_.chained_already();
  passing_.chained_already();
  inputs_ = 0;
  for (const auto& u : units_) {
    const auto& b = (*blocks_)[u.source];
    if (!u.work) {
      if (auto s = flush(); !s) return s;
      continue;
    }
    if (out_.sources.empty() || out_.sources.back().first != b.first) out_.sources.push_back(b);
    if (u.place != gone) {
      if (auto s = add_unit(u); !s) return s;
      continue;
    }
    out_.expired_inputs += u.to - u.from;
    auto bytes = u.whole ? result<std::string_view>(std::string_view()) : bytes_of(u.source);
    if (!bytes) return bytes.error();
    out_.expired_upto = b.last;
    std::uint32_t ordinal = 0;
    if (u.whole) continue;
    auto s = decode_any_block(*bytes, [&](const domain::input& in) {
      if (++ordinal == u.to) out_.expired_upto = in.id;
    });
    if (!s) return s;
  }
  return flush();
}

status twin_mover::add_unit(const unit& u) {
  const auto& b = (*blocks_)[u.source];
  const bool old_format = is_old_format(b);
  const auto count = u.to - u.from;
  const bool stays = !u.whole && u.place == static_cast<int>(b.kept);
  if (inputs_ > 0 && (u.apart || stays != stays_ || u.place != place_ || old_format ||
                      old_format_ || u.before != after_ || inputs_ + count > room(place_) ||
                      values_ + b.values > warm_blocks.max_values))
    if (auto s = flush(); !s) return s;
  const auto bytes = bytes_of(u.source);
  if (!bytes) return bytes.error();
  if (inputs_ == 0) {
    before_ = u.before;
    place_ = u.place;
    stays_ = stays;
    digest_ = 0;
  }
  chain_hasher old_chain;
  if (old_format) {
    const auto h = read_block_header(*bytes);
    if (!h) return h.error();
    before_ = h->chain_before;
    old_chain.begin(before_);
  }
  std::uint32_t ordinal = 0;
  auto s = decode_any_block(*bytes, [&](const domain::input& in) {
    if (ordinal++ < u.from || ordinal > u.to) return;
    canonical_.clear();
    append_canonical(in, canonical_);
    digest_ = messages::hash64(canonical_, digest_);
    if (old_format) old_chain.add(in);
    if (place_ == cold_place)
      cold_.add(in);
    else
      table_builder().add(in);
    out_.readings += in.readings.size();
  });
  if (!s) return s;
  inputs_ += count;
  values_ += b.values;
  out_.inputs += count;
  after_ = old_format ? old_chain.end() : u.after;
  old_format_ = old_format;
  return {};
}

block_builder& twin_mover::table_builder() noexcept {
  return place_ == 0 ? hot_ : stays_ ? passing_ : warm_;
}

status twin_mover::flush() {
  if (inputs_ == 0) return {};
  inputs_ = values_ = 0;
  made_block made;
  made.digest = digest_;
  if (place_ == cold_place) {
    auto frame = cold_.finish(twin_->key, before_, after_);
    if (!frame) return frame.error();
    auto head = read_cold_frame_head(*frame);
    if (!head) return head.error();
    made.info = head->info;
    made.bytes = std::move(*frame);
  } else {
    made.bytes = table_builder().finish(before_, after_);
    auto info = describe_block(made.bytes, static_cast<tier>(place_));
    if (!info) return info.error();
    made.info = *info;
  }
  out_.made.push_back(std::move(made));
  return {};
}

result<std::string_view> twin_mover::bytes_of(std::size_t source) {
  if (held_ == source) return std::string_view(bytes_);
  auto bytes = from_.block(twin_->shard, twin_->row, (*blocks_)[source].first);
  if (!bytes) return bytes.error();
  bytes_ = std::move(*bytes);
  held_ = source;
  return std::string_view(bytes_);
}

} // namespace pollux::persistence
