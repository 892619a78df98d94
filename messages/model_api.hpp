// SPDX-License-Identifier: Apache-2.0
// The part of the node's interface that changes models while it runs (docs/models.md, "Changing a
// model"). node_api.hpp takes it into node_actor.
#pragma once
#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::messages {

/// Without a name: the version that rules for each model. With one: all changes of that model,
/// newest first.
struct model_list_query {
  std::string name;
  std::uint32_t limit = 100;
};
struct model_version {
  std::string name, kind, hash;
  std::string previous; ///< hash of the version before; empty: there was none
  std::string how;      ///< file (node.models), apply, rollback
  std::string by;
  std::string twins; ///< the glob it is for; "*": all
  std::int64_t at_ns = 0;
  bool ruling = false; ///< it rules now, for `twins`
  bool shadow = false; ///< a candidate runs beside it
};
struct model_list {
  std::vector<model_version> rows;
};

struct model_text_query {
  std::string name, hash; ///< hash empty: the ruling version; a prefix of 6 digits is enough
};
struct model_text {
  std::string name, hash, json;
  bool ruling = false;
};

struct model_apply {
  std::string text;  ///< of the model file, at most 1 MB
  std::string file;  ///< its name, for errors
  std::string twins; ///< glob; empty: all of the model, and those to come
  std::string by;
};
struct model_rollback {
  std::string name, hash; ///< hash empty: to the version that ruled before the present one
  std::string by;
};
struct model_applied {
  std::string name, hash, previous;
  std::string state; ///< applied; pending: journaled, some shards or twins have yet to take it;
                     ///< unchanged: it ruled already, nothing was journaled
  std::uint32_t shards = 0, shards_pending = 0;
  std::uint64_t twins_awake = 0, twins_pending = 0; ///< pending ones are awake, too
  std::uint64_t twins_asleep = 0;                   ///< they take it when they wake
};

/// A candidate beside the ruling version, without effects.
struct shadow_order {
  std::string verb; ///< start, stop, status
  std::string name; ///< stop, status: the model; status: empty = all
  std::string text, file;
  std::uint32_t max_twins = 10'000, max_differences = 100;
};
struct shadow_answer {
  std::string document; ///< JSON: {"shadows": [...]}
};

#define POLLUX_MODEL_TYPES(use)                                                                    \
  use(model_list_query) use(model_version) use(model_list) use(model_text_query) use(model_text)   \
      use(model_apply) use(model_rollback) use(model_applied) use(shadow_order) use(shadow_answer)

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, model_list_query& x) {
  return f(caf::meta::type_name("pollux.model_list_query"), x.name, x.limit);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, model_version& x) {
  return f(caf::meta::type_name("pollux.model_version"), x.name, x.kind, x.hash, x.previous, x.how,
           x.by, x.twins, x.at_ns, x.ruling, x.shadow);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, model_list& x) {
  return f(caf::meta::type_name("pollux.model_list"), x.rows);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, model_text_query& x) {
  return f(caf::meta::type_name("pollux.model_text_query"), x.name, x.hash);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, model_text& x) {
  return f(caf::meta::type_name("pollux.model_text"), x.name, x.hash, x.json, x.ruling);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, model_apply& x) {
  return f(caf::meta::type_name("pollux.model_apply"), x.text, x.file, x.twins, x.by);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, model_rollback& x) {
  return f(caf::meta::type_name("pollux.model_rollback"), x.name, x.hash, x.by);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, model_applied& x) {
  return f(caf::meta::type_name("pollux.model_applied"), x.name, x.hash, x.previous, x.state,
           x.shards, x.shards_pending, x.twins_awake, x.twins_pending, x.twins_asleep);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, shadow_order& x) {
  return f(caf::meta::type_name("pollux.shadow_order"), x.verb, x.name, x.text, x.file, x.max_twins,
           x.max_differences);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, shadow_answer& x) {
  return f(caf::meta::type_name("pollux.shadow_answer"), x.document);
}

} // namespace pollux::messages
