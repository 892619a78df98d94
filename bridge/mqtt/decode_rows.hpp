// SPDX-License-Identifier: Apache-2.0
// What both payload formats share: fields are checked and collected into readings here, whatever
// they were written in.
#pragma once
#include "bridge/mqtt/decode.hpp"
#include <memory>
#include <optional>
#include <vector>

namespace pollux::bridge {

/// Bytes that stay where they are until reset(): flattened names and blocks of samples.
class byte_arena {
public:
  char* take(std::size_t size);
  /// Forgets everything; keeps one block of memory.
  void reset() noexcept;

private:
  struct block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<block> blocks_;
  std::size_t used_ = 0; ///< of the last block
};

class row_collector {
public:
  void start(const decode_options& options, std::int64_t ingest_time_ns, domain::input& out,
             rejections& rejected);

  /// `number` from 1 within a batch, 0 for a lone reading: only for the words of a rejection.
  void begin_row(std::size_t number);
  /// Checks name and value; the last one of a name wins within a row.
  void add(std::string_view name, const domain::value_view& value);
  void add_missing() noexcept {
    ++missing_;
    row_has_missing_ = true;
  }
  /// A row whose time cannot be read is left out as a whole.
  void refuse_time(std::string detail);
  void set_time(std::int64_t event_time_ns) noexcept { time_ = event_time_ns; }
  void set_sequence(std::uint64_t sequence) noexcept { sequence_ = sequence; }
  /// The row is kept if it has a field left and its time (the ingest time if none was set) is
  /// acceptable. `may_be_empty`: no rejection if it holds nothing.
  void end_row(bool may_be_empty = false);

  void refuse_field(messages::quarantine_reason reason, std::string_view name,
                    std::string_view what);
  void refuse_row(messages::quarantine_reason reason, std::string_view what);
  /// The whole message is refused for one reason: nothing of it stays.
  void refuse_message(messages::quarantine_reason reason, std::string detail);

  [[nodiscard]] const decode_options& options() const noexcept { return *options_; }
  [[nodiscard]] std::optional<std::int64_t> time() const noexcept { return time_; }
  [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }
  byte_arena arena;

private:
  [[nodiscard]] std::string place() const;
  [[nodiscard]] bool good_name(std::string_view name);
  [[nodiscard]] bool good_value(std::string_view name, const domain::value_view& value);
  [[nodiscard]] bool good_time(std::int64_t event_time_ns);
  domain::field* earlier(std::string_view name);
  domain::field* earlier_by_hash(std::string_view name);
  void forget_row() noexcept;

  struct slot {
    std::uint64_t row = 0; ///< taken only if it is the current row's
    std::uint64_t hash = 0;
    std::uint32_t field = 0;
  };
  const decode_options* options_ = nullptr;
  domain::input* out_ = nullptr;
  rejections* rejected_ = nullptr;
  std::size_t first_ = 0; ///< of the row, in out_->fields
  std::size_t number_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t sequence_ = 0, missing_ = 0;
  std::optional<std::int64_t> time_;
  bool row_refused_ = false, row_has_missing_ = false, row_has_refused_ = false;
  std::vector<slot> names_; ///< of a row with many fields
};

/// Both read a whole payload into the collector; neither throws on any bytes.
class json_reader {
public:
  json_reader();
  ~json_reader();
  void read(std::string_view payload, row_collector& rows, rejections& rejected);

private:
  struct parser;
  std::unique_ptr<parser> parser_;
};
void read_protobuf(std::string_view payload, row_collector& rows);

} // namespace pollux::bridge
