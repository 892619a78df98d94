// SPDX-License-Identifier: Apache-2.0
// PATCH /twins/{id}. The node changes parent and properties one after the other; when the second is
// refused, the first is undone, so that a patch is carried out whole or not at all.
#include "bridge/http/api/door.hpp"
#include "bridge/http/api/twin_change.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

constexpr std::string_view merge_type = "application/merge-patch+json";
constexpr std::string_view patch_type = "application/json-patch+json";

struct patching {
  door_pointer to;
  request asked;
  responder respond;
  std::string id;
  twin_change change;
  std::string old_parent;
  std::int64_t base = -1;
};
using patching_pointer = std::shared_ptr<patching>;

void show(const patching_pointer& p) {
  answer(p->to, messages::twin_query{p->id}, p->respond, [](messages::twin_answer a) {
    auto out = document_reply(std::move(a.document));
    out.headers.emplace_back("ETag", revision_tag(a.revision));
    return out;
  });
}

/// Answers with what was refused, once the parent is what it was.
void undo(const patching_pointer& p, const failure& why) {
  auto refused = p->base >= 0 && why.code == errc::refused ? problem(412, why.what) : problem(why);
  if (!p->change.parent || *p->change.parent == p->old_parent)
    return p->respond(std::move(refused));
  ask<messages::parent_set>(
      p->to->node, {p->id, p->old_parent, p->asked.who.name},
      [p, refused = std::move(refused)](result<messages::done>) { p->respond(refused); });
}

void set_properties(const patching_pointer& p) {
  if (p->change.how.empty()) return show(p);
  ask<messages::twin_patch>(
      p->to->node, {p->id, p->change.how, p->change.patch, p->base, p->asked.who.name},
      [p](result<messages::done> done) { done ? show(p) : undo(p, done.error()); });
}

void carry_out(const patching_pointer& p) {
  if (!p->change.parent || *p->change.parent == p->old_parent) return set_properties(p);
  ask<messages::parent_set>(p->to->node, {p->id, *p->change.parent, p->asked.who.name},
                            [p](result<messages::done> done) {
                              if (!done) return p->respond(problem(done.error()));
                              set_properties(p);
                            });
}

/// What must hold of the twin before.
void check(const patching_pointer& p, const messages::twin_answer& twin) {
  const auto document = parse_document(twin.document);
  if (!document.is_object()) return p->respond(problem(500, "the twin's document cannot be read"));
  p->old_parent = document.value("parent", "");
  const auto revision = document.value("properties_revision", std::int64_t{0});
  if (const auto wanted = p->asked.header("if-match"); !wanted.empty()) {
    const auto properties_tag = "\"properties:" + std::to_string(revision) + "\"";
    if (!names_tag(wanted, revision_tag(twin.revision)) && !names_tag(wanted, properties_tag))
      return p->respond(problem(412, "the twin is at " + revision_tag(twin.revision) +
                                         ", its properties at " + properties_tag));
    p->base = revision;
  }
  const auto& must = p->change.parent_is;
  if (std::any_of(must.begin(), must.end(), [&](const auto& was) { return was != p->old_parent; }))
    return p->respond(problem(409, "a test of the patch failed: the parent is " +
                                       (p->old_parent.empty() ? "null" : p->old_parent)));
  carry_out(p);
}

void patch(const door_pointer& to, const request& r, const responder& respond) {
  auto read = read_json(r, {merge_type, patch_type});
  if (auto* wrong = std::get_if<response>(&read)) return respond(std::move(*wrong));
  const auto& document = std::get<json>(read);
  const auto p = std::make_shared<patching>();
  p->to = to;
  p->asked = r;
  p->respond = respond;
  p->id = id_of(r);
  p->change = media_type(r) == merge_type ? read_merge_patch(document) : read_json_patch(document);
  if (!p->change.errors.empty())
    return respond(problem(400, "the patch cannot be used: " + p->change.errors.front().detail,
                           p->change.errors));
  ask<messages::twin_query>(to->node, {p->id}, [p](result<messages::twin_answer> twin) {
    twin ? check(p, *twin) : p->respond(problem(twin.error()));
  });
}

} // namespace

void add_patch_routes(route_table& to, const door_pointer& from) {
  to.push_back({"PATCH", "/api/v1/twins/{id}", role::engineer, reach::twin, bound(from, patch)});
}

} // namespace pollux::bridge::http
