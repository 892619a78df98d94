// SPDX-License-Identifier: Apache-2.0
// A back-test's report as one HTML file: tables, charts as inline SVG, nothing from elsewhere, no
// scripts. All text in it is escaped.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace pollux::cli {

/// `report`: the document of docs/backtest.md. What is missing in it is left out.
[[nodiscard]] std::string backtest_html(const nlohmann::ordered_json& report);

} // namespace pollux::cli
