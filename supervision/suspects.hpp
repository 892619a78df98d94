// SPDX-License-Identifier: Apache-2.0
// Inputs that were being applied when the process ended by a signal: counted durably, and passed
// over by a journaled record after three times (decision 11).
#pragma once
#include "actors/black_box.hpp"
#include "actors/intake.hpp"
#include "messages/quarantine.hpp"

namespace pollux::supervision {

status judge_suspects(const std::vector<actors::black_box_entry>& left,
                      const persistence::log& journal, persistence::store& tables,
                      actors::intake& inlet, messages::quarantine_port& quarantine);

} // namespace pollux::supervision
