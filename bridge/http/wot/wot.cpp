// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wot/wot.hpp"
#include "bridge/http/stream/routes.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"
#include <cstdio>

namespace pollux::bridge::http {

void find_shape(const thing_door_pointer& to, const std::string& model, const std::string& hash,
                std::function<void(result<shape_memory::pointer>)> then) {
  if (!hash.empty())
    if (auto known = to->shapes.find(model, hash)) return then(std::move(known));
  ask<messages::model_text_query>(
      to->at->node, {model, hash}, [to, then](result<messages::model_text> text) {
        if (!text) return then(text.error());
        auto shape = shape_of_model(text->name, text->hash, text->json);
        if (!shape) return then(shape.error());
        auto kept = std::make_shared<const thing_shape>(std::move(*shape));
        to->shapes.keep(kept);
        then(std::move(kept));
      });
}

void find_thing(const thing_door_pointer& to, const std::string& twin,
                std::function<void(result<known_thing>)> then) {
  ask<messages::twin_query>(to->at->node, {twin}, [to, then](result<messages::twin_answer> a) {
    if (!a) return then(a.error());
    known_thing found{std::move(*a), {}, {}};
    found.document = parse_document(found.twin.document);
    if (!found.document.is_object())
      return then(failure{errc::corrupt, "the twin's document cannot be read"});
    const auto model = found.twin.model, hash = found.twin.model_hash;
    find_shape(to, model, hash,
               [found = std::move(found), then](result<shape_memory::pointer> shape) mutable {
                 if (!shape) return then(shape.error());
                 found.shape = std::move(*shape);
                 then(std::move(found));
               });
  });
}

void add_thing_route(route_table& to, const thing_door_pointer& from, const char* method,
                     const char* path, role needed, thing_operation run, repeat on_repeat) {
  const route_entry leave{method, path, needed, reach::twin, {}};
  to.push_back(
      {method, path, needed, reach::somewhere, // then for the twin, whose id may be a URN
       [from, leave, run = std::move(run)](const request& asked, const responder& respond) {
         auto r = asked;
         for (auto& [name, value] : r.parameters)
           if (name == "id") value = twin_of_thing(value);
         if (auto refused = refusal(leave, r)) return respond(std::move(*refused));
         if (const auto known = parse_twin_id(id_of(r)); !known)
           return respond(problem(known.error()));
         run(from, r, respond);
       },
       on_repeat});
}

response described_reply(const request& r, const json& document, std::string_view type) {
  auto out = json_reply(document);
  out.content_type = type;
  out.headers.emplace_back("Vary", "Host, Authorization");
  char tag[24];
  std::snprintf(tag, sizeof tag, "\"%016llx\"",
                static_cast<unsigned long long>(messages::hash64(out.body)));
  return tagged(std::move(out), r, tag);
}

void add_wot_routes(route_table& to, const door_pointer& from, std::shared_ptr<hub> events) {
  const auto door = std::make_shared<thing_door>();
  door->at = from;
  door->events = std::move(events);
  add_directory_routes(to, door);
  add_thing_property_routes(to, door);
  add_thing_action_routes(to, door);
  if (!door->events) return;
  door->directory = std::make_shared<directory_events>(from->node, make_hub({}));
  add_thing_stream_routes(to, door);
  add_directory_event_routes(to, door);
}

} // namespace pollux::bridge::http
