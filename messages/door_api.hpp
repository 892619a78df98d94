// SPDX-License-Identifier: Apache-2.0
// The part of the node's interface that the HTTP doors brought: what a twin is said to be, and
// which twins fit a description. node_api.hpp takes it into node_actor.
#pragma once
#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::messages {

/// Changes what people say of a twin (its properties, a JSON object of at most 64 KiB). Answered
/// when the twin has applied it. Errors: not_found, invalid_argument (no JSON, not an object, too
/// large or deep), conflict (a failed `test`, or another change was quicker), refused (the
/// properties are not at `base` any more).
struct twin_patch {
  std::string id;
  std::string how;        ///< merge (RFC 7396), json (RFC 6902), replace
  std::string patch;      ///< JSON
  std::int64_t base = -1; ///< properties_revision it was made for; below 0: any
  std::string by;
};

/// All living twins that a filter (RQL, docs/search.md) holds for, or figures of groups of them.
/// Errors: invalid_argument ("filter: column 12: ..."), timed_out (`at_least` was not reached
/// within 2 s), overloaded.
struct twin_search {
  std::string filter; ///< empty: all
  std::string sort;   ///< "+path,-path,nearest(lat,lon)"; empty: by id
  std::string fields; ///< "id,telemetry/temperature"; empty: the columns of twin_row
  std::string cursor; ///< search_answer::next of the page before; empty: the first page
  std::uint32_t limit = 100;
  bool count = false;                ///< all that the filter holds for are counted
  std::vector<std::string> group_by; ///< paths; with these or `values` there are no items
  std::vector<std::string> values;   ///< count, mean(path), min(path), max(path), sum(path)
  std::string at_least; ///< "ID rev:N", several with commas: these twins have come so far
  std::vector<std::string> within; ///< globs over ids: no other twin is looked at; empty: all
};
struct search_answer {
  std::string document;    ///< {"items":[...]} or {"groups":[...]}
  std::string next;        ///< empty: that was all
  std::int64_t total = -1; ///< below 0: not counted
};

/// A search that goes on. Pulled and closed as a watch of watch_open; its events' kinds are enter
/// (also for those that the filter holds for at the start), update and leave.
struct search_watch {
  std::string filter, fields;
  std::vector<std::string> within;
};

#define POLLUX_DOOR_TYPES(use) use(twin_patch) use(twin_search) use(search_answer) use(search_watch)

template <class Inspector> typename Inspector::result_type inspect(Inspector& f, twin_patch& x) {
  return f(caf::meta::type_name("pollux.twin_patch"), x.id, x.how, x.patch, x.base, x.by);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, twin_search& x) {
  return f(caf::meta::type_name("pollux.twin_search"), x.filter, x.sort, x.fields, x.cursor,
           x.limit, x.count, x.group_by, x.values, x.at_least, x.within);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, search_answer& x) {
  return f(caf::meta::type_name("pollux.search_answer"), x.document, x.next, x.total);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, search_watch& x) {
  return f(caf::meta::type_name("pollux.search_watch"), x.filter, x.fields, x.within);
}

} // namespace pollux::messages
