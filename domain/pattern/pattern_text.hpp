// SPDX-License-Identifier: Apache-2.0
// The text form of a pattern:
//
//   rising(vibration, 3) above 4.0 then spike(temperature, 3 sigma) within 10m
//
//   pattern    = sequence [ "within" duration ] [ "skip" strategy ]
//   sequence   = item { connector item }
//   connector  = ( "next" | "then" | "thenAny" ) [ "within" duration ] [ "not" ]
//   item       = [ name ":" ] ( "(" sequence ")" | condition ) { quantifier }
//   quantifier = "{" n [ "," [ m ] ] "}" | "+" | "*" | "?"
//              | "greedy" | "consecutive" | "combinations" | "until" condition
//   condition  = "[" expression "]"
//              | ( "rising" | "falling" ) "(" x [ "," n ] ")" [ ( "above" | "below" ) v ]
//              | ( "spike" | "dip" ) "(" x [ "," k [ "sigma" ] ] ")" [ "over" duration ]
//              | function "(" ... ")"
//              | x ( "above" v | "below" v | "between" v "and" v )
//   strategy   = "none" | "next" | "past_last" | ( "to_first" | "to_last" ) name
//
// x is a telemetry or an output of an operator, between single quotes when it holds other
// characters; v a number; n, m whole numbers. docs/patterns.md explains it by example.
#pragma once
#include "domain/pattern/pattern_conditions.hpp"
#include "domain/pattern/pattern_tree.hpp"
#include <variant>

namespace pollux::domain {

/// Reads the text form. Errors name line and column in the text, and what was expected. Never
/// recurses deeper than max_pattern_depth; at most 64 KiB.
[[nodiscard]] std::variant<pattern_tree, pattern_error>
read_pattern_text(std::string_view text, model_scope& scope, pattern_conditions& conditions);

} // namespace pollux::domain
