// SPDX-License-Identifier: Apache-2.0
// The head of an answer as bytes. Written by hand: a container of fields first, and a serializer
// after, take longer than all the rest of a small answer.
#pragma once
#include "bridge/http/message.hpp"
#include <string>
#include <string_view>

namespace pollux::bridge::http {

/// Appends "name: value" with its line end. What would end the line is left out, so no value can
/// add a field or begin a body.
void add_field(std::string& head, std::string_view name, std::string_view value);

/// Status line and fields, without the length of the body and the empty line. `version`: 10 or 11.
[[nodiscard]] std::string head_of(const response& r, unsigned version, bool keep_alive);

} // namespace pollux::bridge::http
