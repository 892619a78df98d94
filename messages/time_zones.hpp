// SPDX-License-Identifier: Apache-2.0
// Names of time zones in model files, replaced by their rules. The domain knows zones as POSIX TZ
// texts only; a name is looked up once, in the database of the machine that reads the file, and the
// model's canonical text holds what was found: a replay elsewhere, or after the database was
// updated, follows the same rules.
#pragma once
#include "domain/base/result.hpp"
#include "domain/model/config_node.hpp"
#include <string>
#include <string_view>

namespace pollux::messages {

/// Where operating systems keep their time-zone database.
inline constexpr std::string_view zone_folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                                    "/usr/share/lib/zoneinfo"};

/// "Europe/Berlin" -> "CET-1CEST,M3.5.0,M10.5.0/3", from the last line of the zone's compiled file.
/// Errors: not_found without such a file; corrupt when it holds no rule that time_zone::parse
/// reads.
[[nodiscard]] result<std::string> posix_time_zone(std::string_view name);

/// Replaces every member "zone" below `tree` whose text is the name of a zone. What is neither a
/// name nor a rule stays for the compiler to refuse at its place. True when anything was replaced.
bool resolve_zones(domain::config_node& tree);

} // namespace pollux::messages
