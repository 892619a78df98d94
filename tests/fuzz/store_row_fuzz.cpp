// SPDX-License-Identifier: Apache-2.0
// Rows of the store's tables and of the log. The checksum is put on first, as it would stop nearly
// every damage: what is tested is the readers behind it.
#include "fuzz.hpp"
#include "persistence/effect_codec.hpp"
#include "persistence/log_row.hpp"
#include "persistence/store_rows.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytes_of(data, size);
  static_cast<void>(persistence::decode_log_row(bytes));
  static_cast<void>(persistence::peek_log_row(bytes));
  static_cast<void>(persistence::open_row(bytes, "fuzz"));
  static_cast<void>(persistence::decode_effect(bytes));
  const auto row = persistence::seal_row(bytes);
  const auto opened = persistence::open_row(row, "fuzz");
  fuzz::require(opened.ok() && *opened == bytes, "a sealed row opens");
  static_cast<void>(persistence::decode_head(row, 1));
  static_cast<void>(persistence::decode_block_info(row, {}));
  static_cast<void>(persistence::decode_snapshot(row, {}));
  static_cast<void>(persistence::decode_registry(row, 1));
  static_cast<void>(persistence::decode_alert(row, 1, 1));
  static_cast<void>(persistence::decode_outbox(row, 1, 1));
  static_cast<void>(persistence::decode_model(row, "hash"));
  static_cast<void>(persistence::decode_quarantine(row, 1));
  static_cast<void>(persistence::decode_effect_id(row));
  return 0;
}
