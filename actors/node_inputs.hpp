// SPDX-License-Identifier: Apache-2.0
// Between what people send (JSON arguments) and what the journal holds (inputs).
#pragma once
#include "domain/twin/input.hpp"
#include "messages/node_api.hpp"
#include <deque>
#include <memory>
#include <string>

namespace pollux::actors {

/// An input together with the text its views point into.
struct owned_input {
  domain::input in;
  std::deque<std::string> texts;
};

/// A command_requested input. Errors: invalid_argument naming the argument (not a JSON object,
/// nested, text over 1 KB, no id).
[[nodiscard]] result<std::unique_ptr<owned_input>> command_input(const messages::command_request& r,
                                                                 std::int64_t now_ns);

/// The state of one command from its twin's document. Errors: not_found.
[[nodiscard]] result<messages::command_answer> command_in(const std::string& twin_document,
                                                          const std::string& id);

} // namespace pollux::actors
