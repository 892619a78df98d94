// SPDX-License-Identifier: Apache-2.0
// A history block, of version 2 or 1, as it lies in the store, itself_or_patched(). The checksum
// would stop nearly every damage, so it is set right after damaging: what is tested is the reader
// behind it.
#include "patched.hpp"
#include "persistence/block_format.hpp"
#include "persistence/history.hpp"
#include <deque>

using namespace pollux;
using namespace pollux::domain;

namespace {

input reading_at(std::uint32_t index) {
  const double wave = static_cast<double>(index % 17) * 0.25;
  input in;
  in.id = {position{index / 4 + 1}, index % 4};
  in.kind = input_kind::readings;
  in.ingest_time_ns = 1'700'000'000'000'000'000 + std::int64_t{index} * 1'000'000'007;
  in.readings = {{in.ingest_time_ns - 5, index, 0, 3}, {in.ingest_time_ns, 0, 3, 4}};
  in.fields = {
      {"temperature", value_view::of(45.123 + wave)},
      {"count", value_view::of(std::int64_t{index} - 20)},
      {"on", value_view::of(index % 3 == 0)},
      {"state", value_view::text(index % 2 ? "run" : "stop")},
      {"wave", value_view::samples(value_kind::samples_i16, std::string_view("\1\0\2\0", 4))},
      // 1.0, 0.5 and, now and then, a float that is no decimal
      {"floats",
       value_view::samples(value_kind::samples_f32,
                           index % 9 == 0 ? std::string_view("\1\2\3\1", 4)
                                          : std::string_view("\0\0\x80\x3f\0\0\0\x3f", 8))},
      {"level", value_view::of(index % 11 == 0 ? 1.0 / 3.0 : 2.5 + index)}};
  return in;
}

/// Every form of column; without a codec, so that patches reach the columns, or in one.
std::string good_block(int level) {
  std::deque<input> inputs;
  for (std::uint32_t i = 0; i < 40; ++i) inputs.push_back(reading_at(i));
  auto& command = inputs.emplace_back();
  command.id = {position{50}, 0};
  command.kind = input_kind::command_requested;
  command.command_id = "c1";
  command.command_name = "set";
  command.fields = {{"value", value_view::of(5.0)}};
  std::vector<const input*> pointers;
  for (const auto& in : inputs) pointers.push_back(&in);
  auto settings = persistence::hot_blocks;
  settings.level = level;
  return persistence::encode_block(pointers, {}, settings);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string plain = good_block(0), packed = good_block(1);
  auto block = fuzz::itself_or_patched(fuzz::bytes_of(data, size), size % 4 == 0 ? packed : plain);
  static_cast<void>(persistence::decode_block(block, [](const input&) {}));
  if (block.size() < persistence::block_header_bytes_v1) return 0;
  persistence::set_checksum(block);
  static_cast<void>(persistence::read_block_header(block));
  std::size_t inputs = 0, bytes = 0;
  const auto read = persistence::decode_block(block, [&](const input& in) {
    ++inputs;
    for (const auto& r : in.readings)
      fuzz::require(r.first <= in.fields.size() && r.count <= in.fields.size() - r.first,
                    "a reading's fields lie within its input");
    for (const auto& f : in.fields) {
      for (const char c : f.name) bytes += static_cast<unsigned char>(c);
      for (const char c : f.value.bytes) bytes += static_cast<unsigned char>(c);
    }
  });
  if (read) fuzz::require(inputs > 0, "a block that is read whole holds an input");
  [[maybe_unused]] volatile const auto looked_at = bytes; // so that the reads are not left out
  return 0;
}
