// SPDX-License-Identifier: Apache-2.0
// The shard-wide inputs (decision 7) of one shard, to be woven into a twin's own: each comes at the
// latest before the twin's next own input. They are few; all that are wanted are held.
#pragma once
#include "persistence/store.hpp"
#include "persistence/tail_view.hpp"
#include <deque>

namespace pollux::persistence {

class shard_wide_inputs {
public:
  /// Those after `after`. `tail` must have been read before.
  [[nodiscard]] status load(const store& blocks, const tail_view& tail, std::uint32_t shard,
                            domain::input_id after);

  /// The next one below `id`, or nullptr. Goes forward only.
  [[nodiscard]] const domain::input* next_before(domain::input_id id);
  [[nodiscard]] const domain::input* next();
  [[nodiscard]] const std::vector<domain::input>& all() const noexcept { return inputs_; }

private:
  void keep(const domain::input& in);

  std::deque<std::string> bytes_; ///< what the views of inputs_ point into
  std::vector<domain::input> inputs_;
  std::size_t given_ = 0;
};

} // namespace pollux::persistence
