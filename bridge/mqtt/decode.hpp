// SPDX-License-Identifier: Apache-2.0
// From an MQTT payload to inputs: JSON or Protobuf in, readings out, and for everything that
// cannot be used a rejection that names the place. One decoder per source thread keeps the parser
// and all buffers warm; a message with one reading is decoded without allocation.
//
// JSON, as devices send it:
//   {"ts": 1700000000000, "temperature": 45.1}      one reading
//   [{...}, {...}]                                  a batch
//   {"ts": ..., "values": {...}}                    the values without a prefix
//   {"ts": ..., "readings": [{...}, {...}]}         a batch; the outer time where a row has none
// Nested objects are flattened with a dot ("motor":{"temp":1} is motor.temp), null is a value that
// is missing, an array of numbers is a block of samples (single precision). Of two equal names in
// one object the last one wins. Whole numbers are i64, those beyond its range and decimals f64.
#pragma once
#include "bridge/mqtt/rejection.hpp"
#include "domain/twin/input.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pollux::domain {
struct model;
}

namespace pollux::bridge {

enum class payload_format : std::uint8_t { json, protobuf };

/// Unit of a numeric event time. `automatic` goes by magnitude: below 1e11 seconds (up to the year
/// 5138), below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds (each from 1973 on).
enum class time_unit : std::uint8_t { automatic, s, ms, us, ns };

struct decode_options {
  payload_format format = payload_format::json;
  time_unit unit = time_unit::automatic;
  std::string time_field = "ts";      ///< flattened name; absent or null = the ingest time
  std::string sequence_field = "seq"; ///< flattened name; absent or null = none
  std::int64_t future_guard_ns = 600'000'000'000; ///< later than ingest + this is refused
  std::int64_t max_age_ns = 0; ///< older than ingest - this is refused; 0 = never
  std::size_t max_payload_bytes = std::size_t{1} << 20;
};

inline constexpr std::size_t max_name_bytes = 128;
inline constexpr std::size_t max_fields_per_reading = 512;
inline constexpr std::size_t max_nesting = 16; ///< objects and arrays within each other

class decoder {
public:
  decoder();
  ~decoder();
  decoder(const decoder&) = delete;
  decoder& operator=(const decoder&) = delete;

  /// Decodes one message and calls `on_input(domain::input&)` for each 1,000 readings of it (kind
  /// readings, ingest time set, id not set; never without a reading). Views live until the next
  /// call and, with Protobuf, as long as `payload`. `rejected` is cleared first; a bad field or
  /// row is left out and the rest kept, a message that is not JSON or Protobuf is refused whole.
  /// Cost: about 200 ns for one reading of three numbers.
  template <class OnInput>
  void decode(std::string_view payload, const decode_options& options, std::int64_t ingest_time_ns,
              rejections& rejected, OnInput&& on_input) {
    read(payload, options, ingest_time_ns, rejected);
    if (all_.readings.empty()) return;
    if (all_.readings.size() <= domain::max_readings_per_input) {
      on_input(all_);
      return;
    }
    for (std::size_t first = 0; next_part(first);) on_input(part_);
  }

  /// Values that were null, over the decoder's life: neither stored nor refused.
  [[nodiscard]] std::uint64_t missing() const noexcept;

private:
  void read(std::string_view payload, const decode_options& options, std::int64_t ingest_time_ns,
            rejections& rejected);
  bool next_part(std::size_t& first);
  struct body;
  std::unique_ptr<body> body_;
  domain::input all_;  ///< everything one message brought
  domain::input part_; ///< 1,000 readings of it, where there are more
};

/// Removes the fields that `model` declares with another type or a range they are outside of, and
/// readings that are left without a field. Undeclared names pass. Accepted: for a number whole
/// numbers and decimals, for an integer also a decimal without a fraction, for a boolean also 0
/// and 1. Gives the number of fields removed. Cost: one lookup a field; no allocation when nothing
/// is wrong.
std::size_t check_against(const domain::model& model, domain::input& in, rejections& rejected);

} // namespace pollux::bridge
