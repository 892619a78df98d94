// SPDX-License-Identifier: Apache-2.0
// `alert verify`: gathers what the second opinion on an alert needs (domain/audit) - the twin's
// inputs from the journal, the model's text - and tells its findings.
#pragma once
#include "actors/reader.hpp"

namespace pollux::actors {

/// Judges every transition of the alert that a rule decided. Reads the twin's whole retained
/// history. The answer's `says` is the worst of them: contradicted, then unsettled. Errors:
/// not_found, corrupt, io.
[[nodiscard]] result<messages::alert_verified> audit_alert(const persistence::log& journal,
                                                           const persistence::store& tables,
                                                           const audit_ask& ask);

} // namespace pollux::actors
