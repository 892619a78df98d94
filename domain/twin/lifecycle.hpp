// SPDX-License-Identifier: Apache-2.0
// What changes a twin as a whole: being created, coming under another model version, being deleted.
#pragma once
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

/// twin_created: a new, empty twin of the given incarnation under the given model. The same
/// creation again changes nothing. A model nobody knows is a fault; the twin then has no rules.
void create_twin(step_context& at, const model_source& models);

/// model_changed, when it is about this twin's model. Latest values and the content of windows stay
/// wherever the telemetry's name and type do; the state of an operator stays where its name, type,
/// revision and definition do. All others begin anew, and their alerts are cleared with the reason.
void change_model(step_context& at, const model_source& models);

/// twin_deleted: clears its alerts and forgets all but id, incarnation and place in the journal.
void delete_twin(step_context& at);
/// properties_changed. A fault when they changed meanwhile, or are too long.
void change_properties(step_context& at);

} // namespace pollux::domain
