// SPDX-License-Identifier: Apache-2.0
// A W3C Thing Model (or Thing Description) becomes a model of ours: properties become telemetry,
// actions become commands. What it does not say, rules above all, is for its reader to add.
#pragma once
#include "tools/pollux/import_aws.hpp"

namespace pollux::cli {

/// `name`: of the model; empty: made of the title. Names, types, units (UCUM) and ranges stay.
/// Errors: invalid_argument, for what is no Thing Model at all. Untrusted bytes are safe.
[[nodiscard]] result<import_result> import_thing_model(std::string_view json,
                                                       const std::string& name);

} // namespace pollux::cli
