// SPDX-License-Identifier: Apache-2.0
// What ranges cannot say: keys that depend on each other, templates, addresses.
#pragma once
#include "config/reader.hpp"

namespace pollux::config {

void check_rules(const broker_settings& s, reader& at);
void check_rules(const ingress_settings& s, reader& at);
void check_rules(const egress_settings& s, reader& at);
void check_rules(const http_settings& s, reader& at);
void check_rules(const remote_settings& s, reader& at);
inline void check_rules(const node_settings&, reader&) {}
inline void check_rules(const journal_settings&, reader&) {}
inline void check_rules(const twin_settings&, reader&) {}
inline void check_rules(const log_settings&, reader&) {}
inline void check_rules(const testing_settings&, reader&) {}

/// Rules across tables, as finished sentences.
void check_all(const settings& s, std::vector<std::string>& errors,
               std::vector<std::string>& warnings);

/// The words in braces, in order: "a/{b}/{c}" -> b, c.
[[nodiscard]] std::vector<std::string_view> placeholders(std::string_view text);

} // namespace pollux::config
