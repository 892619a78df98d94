// SPDX-License-Identifier: Apache-2.0
// /api/v1/twins: the list, one twin, to make one and to end one.
#include "bridge/http/api/cursor.hpp"
#include "bridge/http/api/door.hpp"
#include "bridge/http/api/scope.hpp"
#include "domain/base/glob.hpp"
#include "domain/base/twin_id.hpp"

namespace pollux::bridge::http {

namespace {

constexpr std::size_t most_properties = 64 << 10;
/// Bytes of an answer that are compressed where it was told, which is in the twin's own actor.
constexpr std::size_t most_in_place = 16 << 10;

json row_json(const messages::twin_row& row) {
  return {{"id", row.id},
          {"kind", row.kind},
          {"model", row.model},
          {"awake", row.awake},
          {"readings", row.readings},
          {"last_event_time", time_or_null(row.last_event_time_ns)},
          {"active_alerts", row.active_alerts}};
}

void search(const door_pointer& to, const request& r, messages::twin_search query,
            const std::string& glob, const std::string& list, const responder& respond) {
  query.within = search_scope(r.who, glob);
  answer(
      to, std::move(query), respond,
      [r, glob, list](const messages::search_answer& found) -> response {
        auto document = parse_document(found.document);
        if (!document.is_object() || !document.contains("items"))
          return problem(500, "the node's answer cannot be read");
        json items = json::array();
        for (auto& item : document["items"]) {
          const auto id = item.value("id", "");
          if (r.who.may(role::viewer, id) && matches_glob(glob, id))
            items.push_back(std::move(item));
        }
        json page{{"items", std::move(items)}};
        if (found.total >= 0) page["count"] = found.total;
        return page_reply(r, std::move(page),
                          found.next.empty() ? "" : seal_cursor(list, found.next));
      },
      past_timeout_ns);
}

void list(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto glob = q.text("glob", "*");
  messages::twin_search wanted;
  wanted.filter = q.text("filter");
  wanted.sort = q.text("sort");
  wanted.fields = q.text("fields");
  if (!wanted.fields.empty()) wanted.fields = "id," + wanted.fields; // chosen anew on the way out
  wanted.at_least = q.text("at_least");
  wanted.count = q.flag("count", false);
  wanted.limit = q.number("limit", 100, 1, messages::max_page);
  const bool plain = wanted.filter.empty() && wanted.sort.empty() && wanted.fields.empty() &&
                     wanted.at_least.empty() && !wanted.count;
  const auto list =
      (plain ? "twins " : "search ") + glob + "\n" + wanted.filter + "\n" + wanted.sort;
  wanted.cursor = q.cursor(list);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  if (!plain) return search(to, r, std::move(wanted), glob, list, respond);
  answer(to, messages::twin_list_query{glob, wanted.cursor, wanted.limit}, respond,
         [r, list](const messages::twin_list& page) {
           json items = json::array();
           for (const auto& row : page.rows)
             if (r.who.may(role::viewer, row.id)) items.push_back(row_json(row));
           return page_reply(r, {{"items", std::move(items)}},
                             page.next.empty() ? "" : seal_cursor(list, page.next));
         });
}

void get(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  look(to->node, id_of(r),
       [node = to->node, known = std::string(r.header("if-none-match")),
        respond](result<messages::twin_answer> twin) {
         if (!twin) return respond(problem(twin.error()));
         const bool large = twin->document.size() > most_in_place;
         auto out =
             tagged(document_reply(std::move(twin->document)), known, revision_tag(twin->revision));
         if (!large) return respond(std::move(out));
         later(node, 0, [respond, out = std::move(out)] { respond(out); });
       });
}

/// 201 with the twin's document; without it when the twin cannot be asked right now.
void tell_created(const door_pointer& to, const messages::twin_create& made,
                  const responder& respond) {
  ask<messages::twin_query>(
      to->node, {made.id}, [made, respond](result<messages::twin_answer> twin) {
        auto out = twin ? document_reply(twin->document, 201)
                        : json_reply({{"id", made.id}, {"model", {{"name", made.model}}}}, 201);
        if (twin) out.headers.emplace_back("ETag", revision_tag(twin->revision));
        out.headers.emplace_back("Location", twin_path(made.id));
        respond(std::move(out));
      });
}

/// Properties that came with it are written right after; without them the twin stays.
void make(const door_pointer& to, const messages::twin_create& made, const json& properties,
          const std::string& by, const responder& respond) {
  ask<messages::twin_create>(to->node, made, [=](result<messages::done> done) {
    if (!done) return respond(problem(done.error()));
    if (!properties.is_object() || properties.empty()) return tell_created(to, made, respond);
    ask<messages::twin_patch>(
        to->node, {made.id, "replace", dump(properties), -1, by}, [=](result<messages::done> set) {
          if (!set)
            return respond(problem(set.error().within("the twin was made, without properties")));
          tell_created(to, made, respond);
        });
  });
}

void create(const door_pointer& to, const request& r, const responder& respond) {
  const auto document = body_of(r, respond);
  if (!document) return;
  body_reader body(*document);
  const messages::twin_create made{body.text("id", true, 2 * max_id_part + 1),
                                   body.text("model", true, 128)};
  const auto properties = body.object("properties");
  if (!made.id.empty())
    if (const auto parts = parse_twin_id(made.id); !parts) body.complain("id", parts.error().what);
  if (dump(properties).size() > most_properties) body.complain("properties", "more than 64 KiB");
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  if (!r.who.may(role::engineer, made.id))
    return respond(problem(403, r.who.name + " may not make twins in this namespace"));
  make(to, made, properties, r.who.name, respond);
}

void remove(const door_pointer& to, const request& r, const responder& respond) {
  const auto id = id_of(r);
  const auto wanted = std::string(r.header("if-match"));
  const auto end_it = [to, id, respond] {
    answer(to, messages::twin_delete{id}, respond, [](const auto&) { return no_content(); });
  };
  if (wanted.empty()) return end_it();
  ask<messages::twin_query>(
      to->node, {id}, [wanted, respond, end_it](result<messages::twin_answer> twin) {
        if (!twin) return respond(problem(twin.error()));
        if (!names_tag(wanted, revision_tag(twin->revision)))
          return respond(problem(412, "the twin is at " + revision_tag(twin->revision) + " now"));
        end_it();
      });
}

} // namespace

void add_twin_routes(route_table& to, const door_pointer& from) {
  to.push_back({"GET", "/api/v1/twins", role::viewer, reach::somewhere, bound(from, list)});
  to.push_back({"POST", "/api/v1/twins", role::engineer, reach::somewhere, bound(from, create),
                repeat::first_answer});
  to.push_back({"GET", "/api/v1/twins/{id}", role::viewer, reach::twin, bound(from, get)});
  to.push_back({"DELETE", "/api/v1/twins/{id}", role::admin, reach::twin, bound(from, remove)});
}

} // namespace pollux::bridge::http
