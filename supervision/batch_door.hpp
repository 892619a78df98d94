// SPDX-License-Identifier: Apache-2.0
// Readings that come by a door instead of a broker (an import): decoded and checked as those of a
// broker are, and journaled before they are answered.
#pragma once
#include "actors/intake.hpp"
#include "actors/models.hpp"
#include "messages/node_api.hpp"
#include <cstdint>
#include <functional>
#include <string>

namespace pollux::supervision {

struct batch_door {
  actors::intake* inlet = nullptr;
  const actors::model_catalog* models = nullptr;
  std::function<std::int64_t()> now;

  /// Says how many readings were journaled and, where values were refused, which and why. Errors:
  /// not_found (an unknown twin without a model, an unknown model), invalid_argument (nothing of
  /// the batch could be used), overloaded, no_space, io.
  [[nodiscard]] result<std::string> take(const messages::readings_submit& batch) const;
};

} // namespace pollux::supervision
