// SPDX-License-Identifier: Apache-2.0
// What the histories of all twins of one shard share: the log's tail and the shard-wide inputs,
// read once. For work that goes through many twins; each_input() reads them for one.
#pragma once
#include "persistence/history.hpp"
#include "persistence/shard_wide_inputs.hpp"
#include "persistence/tail_view.hpp"
#include <memory>

namespace pollux::persistence {

class shard_history {
public:
  /// Reads the tail, then the shard-wide inputs. Memory: the shard's tail. Errors: corrupt, io.
  [[nodiscard]] static result<std::shared_ptr<const shard_history>>
  read(const log& tail, const store& blocks, std::uint32_t shard);

  /// As persistence::each_input(). Thread-safe. May run beside sealing: what leaves the log
  /// meanwhile is still held here.
  [[nodiscard]] status each_input(const store& blocks, std::uint32_t row, std::string_view id,
                                  domain::input_id after,
                                  const std::function<bool(const domain::input&)>& visit) const;
  [[nodiscard]] const std::vector<domain::input>& shard_wide() const noexcept {
    return wide_.all();
  }
  /// Visits the inputs of a twin that are in the tail.
  void each_in_tail(std::string_view id,
                    const std::function<void(const domain::input&)>& visit) const {
    tail_.each(id, visit);
  }

private:
  std::uint32_t shard_ = 0;
  tail_view tail_;
  shard_wide_inputs wide_;
};

} // namespace pollux::persistence
