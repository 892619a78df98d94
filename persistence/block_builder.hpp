// SPDX-License-Identifier: Apache-2.0
// Collects the inputs of one twin, input by input, and makes a block of them. Nothing of an input
// is referred to after add(), so one decoded input can be used again and again.
#pragma once
#include "persistence/history.hpp"
#include "persistence/input_columns.hpp"
#include <string>

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
  /// Takes over inputs that are chained already: see chained_already(). Errors: corrupt.
  [[nodiscard]] status append(const input_columns& decoded, std::size_t from, std::size_t to) {
    return columns_.append(decoded, from, to);
  }
  [[nodiscard]] bool empty() const noexcept { return columns_.positions.empty(); }
  /// True when the block has had enough: inputs, values or bytes (samples).
  [[nodiscard]] bool full() const noexcept;
  [[nodiscard]] domain::input_id first() const noexcept { return columns_.first(); }
  /// The block's bytes; the builder is empty again and keeps its memory.
  [[nodiscard]] std::string finish();
  /// The inputs that follow are chained already, in blocks they are taken from: nothing is
  /// computed, and finish(before, after) notes what the chain is known to be.
  void chained_already() noexcept { chained_ = true; }
  [[nodiscard]] std::string finish(const chain_value& before, const chain_value& after);
  [[nodiscard]] std::size_t inputs() const noexcept { return columns_.positions.size(); }

private:
  [[nodiscard]] block_header header() const;
  [[nodiscard]] std::string pack(block_header h);
  void put_columns(std::string& out) const;
  void put_ingest_times(std::string& out) const;
  void put_others(std::string& out) const;
  void put_dictionaries(std::string& out) const;

  block_settings settings_;
  chain_hasher chain_;
  chain_value before_{};
  bool chained_ = false;
  input_columns columns_;
};

} // namespace pollux::persistence
