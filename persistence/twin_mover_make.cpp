// SPDX-License-Identifier: Apache-2.0
// Making the blocks that a plan asks for.
#include "persistence/block_format.hpp"
#include "persistence/twin_mover.hpp"

namespace pollux::persistence {

result<std::uint64_t> digest_of(std::string_view block) {
  std::string buffer;
  input_columns inputs;
  if (auto s = decode_any_columns(block, buffer, inputs); !s) return s.error();
  columns_digest digest;
  digest.add(inputs, 0, inputs.positions.size());
  return digest.value();
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
    out_.expired_upto = b.last;
    if (u.whole) continue;
    const auto inputs = inputs_of(u.source);
    if (!inputs) return inputs.error();
    out_.expired_upto = (*inputs)->id_of(u.to - 1);
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
  const auto held = inputs_of(u.source);
  if (!held) return held.error();
  const auto& inputs = **held;
  if (inputs_ == 0) {
    before_ = u.before;
    place_ = u.place;
    stays_ = stays;
    digest_ = {};
  }
  chain_hasher old_chain;
  if (old_format) {
    const auto h = read_block_header(bytes_);
    if (!h) return h.error();
    before_ = h->chain_before;
    old_chain.begin(before_);
    std::uint32_t ordinal = 0;
    auto s = inputs.visit([&](const domain::input& in) {
      if (ordinal++ >= u.from && ordinal <= u.to) old_chain.add(in);
    });
    if (!s) return s;
  }
  digest_.add(inputs, u.from, u.to);
  auto s = place_ == cold_place ? cold_.append(inputs, u.from, u.to)
                                : table_builder().append(inputs, u.from, u.to);
  if (!s) return s;
  out_.readings += inputs.span_of(u.from, u.to).readings;
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
  made.digest = digest_.value();
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

result<const input_columns*> twin_mover::inputs_of(std::size_t source) {
  if (held_ == source) return &held_inputs_;
  held_ = ~std::size_t{0};
  const auto& b = (*blocks_)[source];
  auto bytes = from_.block(twin_->shard, twin_->row, b.first);
  if (!bytes) return bytes.error();
  bytes_ = std::move(*bytes);
  if (auto s = decode_any_columns(bytes_, buffer_, held_inputs_); !s) return s.error();
  if (held_inputs_.positions.size() != b.inputs)
    return failure{errc::corrupt, "a block holds other than its index says"};
  held_ = source;
  return &held_inputs_;
}

} // namespace pollux::persistence
