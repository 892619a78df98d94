// SPDX-License-Identifier: Apache-2.0
// The Web of Things door: descriptions of twins and models, and what they promise - reading,
// writing, observing, invoking, subscribing. docs/wot.md
#pragma once
#include "bridge/http/api/door.hpp"
#include "bridge/http/stream/hub.hpp"
#include "bridge/http/wot/directory_events.hpp"
#include "bridge/http/wot/thing_description.hpp"
#include <functional>
#include <memory>

namespace pollux::bridge::http {

/// What the handlers share.
struct thing_door {
  door_pointer at;
  std::shared_ptr<hub> events; ///< all readers of all twins have one watch
  shape_memory shapes;
  std::shared_ptr<directory_events> directory; ///< nullptr without `events`
};
using thing_door_pointer = std::shared_ptr<thing_door>;

/// A twin's document, and what its model offers.
struct known_thing {
  messages::twin_answer twin;
  json document;
  shape_memory::pointer shape;
};

/// Asks for the twin, and for its model unless that is known. `then` is called once. Errors: those
/// of the node, corrupt.
void find_thing(const thing_door_pointer& to, const std::string& twin,
                std::function<void(result<known_thing>)> then);
/// The same for one version of a model; an empty hash: the one that rules.
void find_shape(const thing_door_pointer& to, const std::string& model, const std::string& hash,
                std::function<void(result<shape_memory::pointer>)> then);

using thing_operation =
    std::function<void(const thing_door_pointer&, const request&, const responder&)>;

/// An operation on the twin that {id} names, by id or URN; `needed` must hold for that twin.
void add_thing_route(route_table& to, const thing_door_pointer& from, const char* method,
                     const char* path, role needed, thing_operation run,
                     repeat on_repeat = repeat::nothing);

/// 200 with a JSON value of this type, tagged by its content.
[[nodiscard]] response described_reply(const request& r, const json& document,
                                       std::string_view type);

void add_directory_routes(route_table& to, const thing_door_pointer& from);
void add_thing_property_routes(route_table& to, const thing_door_pointer& from);
void add_thing_action_routes(route_table& to, const thing_door_pointer& from);
void add_thing_stream_routes(route_table& to, const thing_door_pointer& from);
void add_directory_event_routes(route_table& to, const thing_door_pointer& from);

/// All of the above.
void add_wot_routes(route_table& to, const door_pointer& from, std::shared_ptr<hub> events);

} // namespace pollux::bridge::http
