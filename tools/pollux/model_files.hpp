// SPDX-License-Identifier: Apache-2.0
// Where the verbs of `pollux model` get models from, and how they are put together.
#pragma once
#include "domain/model/compatibility.hpp"
#include "tools/pollux/client_session.hpp"
#include <memory>
#include <string>

namespace pollux::cli {

/// The text of a model file, at most 1 MB. Errors: not_found, invalid_argument.
[[nodiscard]] result<std::string> read_model_text(const std::string& file);

/// A model from a file, from "current:NAME" of a running node, or with `ask_node` by its bare name.
[[nodiscard]] result<std::shared_ptr<const domain::model>>
read_model_anywhere(const context& ctx, const node_options& options, const std::string& what,
                    bool ask_node);

void add_online_model_verbs(CLI::App& model, context& ctx); ///< apply, rollback, ls, show, history
void add_shadow_verb(CLI::App& model, context& ctx);        ///< shadow

} // namespace pollux::cli
