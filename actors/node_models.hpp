// SPDX-License-Identifier: Apache-2.0
// The node's queries about models: handed to who changes them; a change is answered once the hosts
// have it.
#pragma once
#include "actors/node_state.hpp"

namespace pollux::actors {

caf::result<messages::model_list> list_models(const node_state& s,
                                              const messages::model_list_query& q);
caf::result<messages::model_text> text_of_model(const node_state& s,
                                                const messages::model_text_query& q);
caf::result<messages::model_applied> apply_model(node_pointer self, const messages::model_apply& a);
caf::result<messages::model_applied> roll_back_model(node_pointer self,
                                                     const messages::model_rollback& r);
caf::result<messages::shadow_answer> order_shadow(const node_state& s,
                                                  const messages::shadow_order& o);

} // namespace pollux::actors
