// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/decode_rows.hpp"
#include "domain/base/time.hpp"
#include "messages/hash.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <simdjson.h>

namespace pollux::bridge {
namespace {

using domain::field;
using domain::value_kind;
using domain::value_view;
using messages::quarantine_reason;

constexpr std::size_t arena_block = 16 * 1024;
constexpr std::size_t linear_fields = 16; ///< up to here looking at all names beats a table

struct byte_summary {
  bool control = false;
  bool ascii = true;
};

byte_summary look_at(std::string_view text) noexcept {
  unsigned all = 0, control = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    all |= byte;
    control |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte == 0x7f);
  }
  return {control != 0, all < 0x80};
}

bool valid_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

/// As much of a hostile name as a sentence can bear.
std::string shown(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 40)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte >= 0x7f ? '?' : c);
  }
  if (name.size() > 40) out += "...";
  return out;
}

bool finite_samples(std::string_view bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(float)) {
    float sample;
    std::memcpy(&sample, bytes.data() + at, sizeof sample);
    if (!std::isfinite(sample)) return false;
  }
  return true;
}

} // namespace

char* byte_arena::take(std::size_t size) {
  if (blocks_.empty() || blocks_.back().size - used_ < size) {
    const auto block_size = std::max(size, arena_block);
    blocks_.push_back({std::make_unique<char[]>(block_size), block_size});
    used_ = 0;
  }
  auto* out = blocks_.back().bytes.get() + used_;
  used_ += size;
  return out;
}

void byte_arena::reset() noexcept {
  if (blocks_.size() > 1) blocks_.resize(1);
  used_ = 0;
}

void row_collector::start(const decode_options& options, std::int64_t ingest_time_ns,
                          domain::input& out, rejections& rejected) {
  options_ = &options;
  out_ = &out;
  rejected_ = &rejected;
  arena.reset();
  out.readings.clear();
  out.fields.clear();
  out.kind = domain::input_kind::readings;
  out.ingest_time_ns = ingest_time_ns;
}

void row_collector::begin_row(std::size_t number) {
  number_ = number;
  first_ = out_->fields.size();
  ++rows_;
  time_.reset();
  sequence_ = 0;
  row_refused_ = row_has_missing_ = row_has_refused_ = false;
}

std::string row_collector::place() const {
  return number_ == 0 ? std::string{} : "row " + std::to_string(number_) + ": ";
}

void row_collector::refuse_field(quarantine_reason reason, std::string_view name,
                                 std::string_view what) {
  row_has_refused_ = true;
  rejected_->add(reason,
                 [&] { return place() + "field " + shown(name) + ": " + std::string(what); });
}

void row_collector::refuse_row(quarantine_reason reason, std::string_view what) {
  row_refused_ = true;
  rejected_->add(reason, [&] { return place() + std::string(what); });
}

void row_collector::refuse_time(std::string detail) {
  refuse_row(quarantine_reason::bad_time, detail);
}

void row_collector::refuse_message(quarantine_reason reason, std::string detail) {
  out_->readings.clear();
  out_->fields.clear();
  rejected_->clear();
  rejected_->add(reason, std::move(detail));
}

bool row_collector::good_name(std::string_view name) {
  if (name.empty() || name.size() > max_name_bytes) {
    refuse_field(name.empty() ? quarantine_reason::invalid_value : quarantine_reason::oversized,
                 name, name.empty() ? "the name is empty" : "the name is longer than 128 bytes");
    return false;
  }
  const auto bytes = look_at(name);
  if (bytes.control) {
    refuse_field(quarantine_reason::invalid_value, name, "control character in the name");
    return false;
  }
  if (!bytes.ascii && !valid_utf8(name)) {
    refuse_field(quarantine_reason::malformed, name, "the name is not valid UTF-8");
    return false;
  }
  return true;
}

bool row_collector::good_value(std::string_view name, const value_view& value) {
  const auto refuse = [&](quarantine_reason reason, std::string_view what) {
    refuse_field(reason, name, what);
    return false;
  };
  switch (value.kind) {
  case value_kind::f64:
    if (std::isfinite(value.f64)) return true;
    return refuse(quarantine_reason::invalid_value,
                  std::isnan(value.f64) ? "NaN is not a number" : "infinity is not a number");
  case value_kind::text:
    if (value.bytes.size() > domain::max_text_bytes)
      return refuse(quarantine_reason::oversized, "text of more than 1024 bytes");
    if (!look_at(value.bytes).ascii && !valid_utf8(value.bytes))
      return refuse(quarantine_reason::malformed, "the text is not valid UTF-8");
    return true;
  case value_kind::samples_f32:
  case value_kind::samples_i16: {
    if (value.bytes.size() > domain::max_sample_bytes)
      return refuse(quarantine_reason::oversized, "more than 256 KiB of samples");
    const std::size_t width = value.kind == value_kind::samples_f32 ? 4 : 2;
    if (value.bytes.empty() || value.bytes.size() % width != 0)
      return refuse(quarantine_reason::malformed, "not a whole number of samples, or none");
    if (width == 4 && !finite_samples(value.bytes))
      return refuse(quarantine_reason::invalid_value, "a sample is NaN or infinite");
    return true;
  }
  default: return true;
  }
}

void row_collector::add(std::string_view name, const value_view& value) {
  if (!good_name(name) || !good_value(name, value)) return;
  if (auto* before = earlier(name)) {
    before->value = value;
    return;
  }
  if (out_->fields.size() - first_ >= max_fields_per_reading)
    return refuse_field(quarantine_reason::oversized, name, "more than 512 fields in one reading");
  out_->fields.push_back({name, value});
}

field* row_collector::earlier(std::string_view name) {
  auto& fields = out_->fields;
  if (fields.size() - first_ >= linear_fields) return earlier_by_hash(name);
  for (auto i = first_; i < fields.size(); ++i)
    if (fields[i].name == name) return &fields[i];
  return nullptr;
}

field* row_collector::earlier_by_hash(std::string_view name) {
  auto& fields = out_->fields;
  if (names_.empty()) names_.resize(max_fields_per_reading * 4);
  const auto mask = names_.size() - 1;
  const auto find = [&](std::string_view wanted, std::uint64_t hash) -> slot& {
    auto i = static_cast<std::size_t>(hash) & mask;
    while (names_[i].row == rows_ &&
           (names_[i].hash != hash || fields[names_[i].field].name != wanted))
      i = (i + 1) & mask;
    return names_[i];
  };
  if (fields.size() - first_ == linear_fields) {
    for (auto i = first_; i < fields.size(); ++i) {
      const auto hash = messages::hash64(fields[i].name);
      auto& place = find(fields[i].name, hash);
      place = {rows_, hash, static_cast<std::uint32_t>(i)};
    }
  }
  const auto hash = messages::hash64(name);
  auto& place = find(name, hash);
  if (place.row == rows_) return &fields[place.field];
  if (fields.size() - first_ < max_fields_per_reading)
    place = {rows_, hash, static_cast<std::uint32_t>(fields.size())}; // the caller appends it now
  return nullptr;
}

bool row_collector::good_time(std::int64_t event_time_ns) {
  const auto ingest = out_->ingest_time_ns;
  if (event_time_ns > saturating_add(ingest, options_->future_guard_ns)) {
    refuse_time("event time " + format_rfc3339(event_time_ns) + " is later than the clock here (" +
                format_rfc3339(ingest) + ") by more than " +
                format_duration(options_->future_guard_ns));
    return false;
  }
  if (options_->max_age_ns > 0 && event_time_ns < saturating_add(ingest, -options_->max_age_ns)) {
    refuse_time("event time " + format_rfc3339(event_time_ns) + " is older than " +
                format_duration(options_->max_age_ns));
    return false;
  }
  return true;
}

void row_collector::forget_row() noexcept { out_->fields.resize(first_); }

void row_collector::end_row(bool may_be_empty) {
  const auto count = out_->fields.size() - first_;
  if (row_refused_) return forget_row();
  if (count == 0) {
    if (!may_be_empty && !row_has_missing_ && !row_has_refused_)
      refuse_row(quarantine_reason::malformed, "no values");
    return;
  }
  const auto time = time_.value_or(out_->ingest_time_ns);
  if (time_ && !good_time(time)) return forget_row();
  out_->readings.push_back(
      {time, sequence_, static_cast<std::uint32_t>(first_), static_cast<std::uint32_t>(count)});
}

} // namespace pollux::bridge
