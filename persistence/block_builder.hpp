// SPDX-License-Identifier: Apache-2.0
// Collects the inputs of one twin, input by input, and makes a block of them. Nothing of an input
// is referred to after add(), so one decoded input can be used again and again.
#pragma once
#include "persistence/history.hpp"
#include "persistence/value_column.hpp"
#include <string>
#include <unordered_map>
#include <vector>

namespace pollux::persistence {

class block_builder {
public:
  explicit block_builder(const block_settings& settings = hot_blocks) : settings_(settings) {}

  /// What the next input follows in the chain. A builder begins with a new chain, and goes on with
  /// its own from block to block.
  void begin(const chain_value& before);
  /// After the last input added.
  [[nodiscard]] const chain_value& chain() const noexcept { return chain_.end(); }
  /// Ids must rise.
  void add(const domain::input& in);
  [[nodiscard]] bool empty() const noexcept { return positions_.empty(); }
  /// True when the block has had enough: inputs, values or bytes (samples).
  [[nodiscard]] bool full() const noexcept;
  [[nodiscard]] domain::input_id first() const noexcept { return first_; }
  /// The block's bytes; the builder is empty again and keeps its memory.
  [[nodiscard]] std::string finish();
  /// The inputs that follow are chained already, in blocks they are taken from: nothing is
  /// computed, and finish(before, after) notes what the chain is known to be.
  void chained_already() noexcept { chained_ = true; }
  [[nodiscard]] std::string finish(const chain_value& before, const chain_value& after);
  [[nodiscard]] std::size_t inputs() const noexcept { return positions_.size(); }

private:
  /// The names and types of a reading, in order; most twins have one or two of these.
  struct reading_shape {
    struct slot {
      std::uint32_t name = 0;
      domain::value_kind kind = domain::value_kind::none;
      std::uint32_t column = 0;
    };
    std::vector<slot> slots;
  };

  void add_reading(const domain::input& in, const domain::reading& r);
  [[nodiscard]] bool fits(const reading_shape& shape, const domain::field* fields,
                          std::size_t count) const;
  [[nodiscard]] std::size_t find_shape(const domain::field* fields, std::size_t count);
  [[nodiscard]] std::uint32_t find_name(std::string_view name);
  [[nodiscard]] std::uint32_t find_column(std::uint32_t name, domain::value_kind kind);
  [[nodiscard]] block_header header() const;
  [[nodiscard]] std::string pack(block_header h);
  void put_columns(std::string& out) const;
  void put_ingest_times(std::string& out) const;
  void put_dictionaries(std::string& out) const;
  void clear();

  block_settings settings_;
  chain_hasher chain_;
  chain_value before_{};
  bool chained_ = false;
  domain::input_id first_, last_;
  std::int64_t least_ingest_ns_ = 0, greatest_ingest_ns_ = 0;
  std::vector<std::int64_t> positions_, indexes_;
  std::string others_; ///< inputs that are not readings
  std::size_t other_count_ = 0;
  std::vector<std::int64_t> ingest_times_, reading_counts_;      ///< per input with readings
  std::vector<std::int64_t> event_times_, sequences_, shape_of_; ///< per reading

  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> name_index_;
  std::vector<reading_shape> shapes_;
  std::unordered_map<std::string, std::size_t> shape_index_; ///< by names and types as bytes
  std::size_t last_shape_ = 0;
  struct named_column {
    std::uint32_t name = 0;
    value_column content;
  };
  std::vector<named_column> columns_; ///< the first `column_count_` are in use
  std::size_t column_count_ = 0;
  std::size_t values_ = 0, heavy_bytes_ = 0;
};

} // namespace pollux::persistence
