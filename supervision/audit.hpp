// SPDX-License-Identifier: Apache-2.0
// The node's audit log, and what its doors tell it that do not write to it themselves.
#pragma once
#include "bridge/audit/audit_log.hpp"
#include "bridge/remote/gateway.hpp"
#include "config/config.hpp"
#include <memory>

namespace pollux::supervision {

/// `metrics` must outlive the log.
[[nodiscard]] std::unique_ptr<bridge::audit::log> open_audit(const config::settings& settings,
                                                             messages::metrics& metrics);
/// What came in by the remote door. `to` must outlive the gateway.
[[nodiscard]] bridge::remote::order_witness witness_for(bridge::audit::log& to);
/// Models that changed because someone sent SIGHUP; the system does not say who.
void tell_reload(bridge::audit::log& to, const std::string& models, std::size_t changed);

} // namespace pollux::supervision
