// SPDX-License-Identifier: Apache-2.0
// The directory (https://www.w3.org/TR/wot-discovery/): descriptions of twins one by one and in
// pages, twins made and ended by description, and Thing Models.
#include "bridge/http/wot/wot.hpp"
#include "domain/base/twin_id.hpp"
#include <algorithm>
#include <cstdio>
#include <random>

namespace pollux::bridge::http {

namespace {

constexpr std::uint32_t most_in_page = 100;
constexpr std::string_view list_type = "application/ld+json",
                           merge_type = "application/merge-patch+json";

// --- descriptions

void get_thing(const thing_door_pointer& to, const request& r, const responder& respond) {
  find_thing(to, id_of(r), [r, respond](result<known_thing> thing) {
    if (!thing) return respond(problem(thing.error()));
    respond(described_reply(r, thing_description(*thing->shape, thing->document, address_of(r)),
                            td_type));
  });
}

void get_model(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto version = q.text("version");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  find_shape(to, std::string(r.parameter("name")), version,
             [r, respond](result<shape_memory::pointer> shape) {
               respond(shape ? described_reply(r, thing_model(**shape), tm_type)
                             : problem(shape.error()));
             });
}

// --- pages of descriptions

struct listing {
  thing_door_pointer to;
  request asked;
  responder respond;
  std::uint32_t offset = 0, limit = most_in_page;
  std::uint32_t to_skip = 0;
  bool collection = false;
  std::vector<std::string> ids;
  std::string next; ///< the id to go on after
  std::vector<json> things;
  std::size_t described = 0;
  std::mutex mutex;
};
using listing_pointer = std::shared_ptr<listing>;

std::string page_link(const listing& l) {
  std::string out =
      "/things?offset=" + std::to_string(l.offset + l.limit) + "&limit=" + std::to_string(l.limit);
  if (l.collection) out += "&format=collection";
  return out + "&after=" + percent_encode(l.next, true);
}

void answer_page(const listing_pointer& l, std::int64_t total) {
  json members = json::array();
  for (auto& thing : l->things)
    if (!thing.is_null()) members.push_back(std::move(thing));
  json document = std::move(members);
  if (l->collection) {
    document = {{"@context", "https://www.w3.org/2022/wot/discovery"},
                {"@type", "ThingCollection"},
                {"@id", "/things"},
                {"members", std::move(document)}};
    if (total >= 0) document["total"] = total;
    if (!l->next.empty()) document["next"] = page_link(*l);
  }
  auto out = json_reply(document);
  out.content_type = list_type;
  out.headers.emplace_back("Vary", "Host, Authorization");
  if (!l->next.empty())
    out.headers.emplace_back("Link",
                             "<" + page_link(*l) + ">; rel=\"next\", </things>; rel=\"canonical\"");
  l->respond(std::move(out));
}

/// How many there are is told to those who may see them all.
void finish_page(const listing_pointer& l) {
  if (!l->collection || !l->asked.who.may_everywhere(role::viewer)) return answer_page(l, -1);
  ask<messages::stats_query>(l->to->at->node, {}, [l](result<messages::stats_answer> s) {
    answer_page(l, s ? static_cast<std::int64_t>(s->twins) : -1);
  });
}

void describe_page(const listing_pointer& l) {
  if (l->ids.empty()) return finish_page(l);
  l->things.resize(l->ids.size());
  for (std::size_t i = 0; i < l->ids.size(); ++i)
    find_thing(l->to, l->ids[i], [l, i](result<known_thing> thing) {
      json one; // a twin that has just ended is left out
      if (thing) one = thing_description(*thing->shape, thing->document, address_of(l->asked));
      bool all = false;
      {
        const std::lock_guard lock(l->mutex);
        l->things[i] = std::move(one);
        all = ++l->described == l->ids.size();
      }
      if (all) finish_page(l);
    });
}

void list_more(const listing_pointer& l, const std::string& after) {
  const auto wanted = l->limit - static_cast<std::uint32_t>(l->ids.size());
  const auto rows = std::min<std::uint32_t>(messages::max_page, l->to_skip + wanted);
  ask<messages::twin_list_query>(l->to->at->node, {"*", after, rows},
                                 [l](result<messages::twin_list> page) {
                                   if (!page) return l->respond(problem(page.error()));
                                   for (const auto& row : page->rows) {
                                     if (!l->asked.who.may(role::viewer, row.id)) continue;
                                     if (l->to_skip > 0) {
                                       --l->to_skip;
                                     } else if (l->ids.size() < l->limit) {
                                       l->ids.push_back(row.id);
                                     } else {
                                       l->next = l->ids.back(); // there is one more
                                       return describe_page(l);
                                     }
                                   }
                                   if (page->next.empty()) return describe_page(l);
                                   if (l->ids.size() < l->limit) return list_more(l, page->next);
                                   l->next = l->ids.back();
                                   describe_page(l);
                                 });
}

void list_things(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto l = std::make_shared<listing>();
  l->to = to;
  l->asked = r;
  l->respond = respond;
  l->offset = q.number("offset", 0, 0, 10'000'000);
  l->limit = q.number("limit", most_in_page, 1, most_in_page);
  l->collection = q.choice("format", "array", {"array", "collection"}) == "collection";
  const auto after = q.text("after");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  l->to_skip = after.empty() ? l->offset : 0; // the link says where its page begins
  list_more(l, after);
}

// --- twins made, changed and ended by description

/// "/models/motor" or an address that ends so.
std::string model_of(const json& description) {
  const auto links = description.find("links");
  if (links == description.end() || !links->is_array()) return {};
  for (const auto& link : *links) {
    if (!link.is_object() || link.value("rel", json()) != "type" || !link.contains("href") ||
        !link["href"].is_string())
      continue;
    const auto href = link["href"].get<std::string>();
    const auto at = href.rfind("/models/");
    if (at == std::string::npos) continue;
    const auto name = percent_decode(std::string_view(href).substr(at + 8), false);
    if (name && is_id_part(*name)) return *name;
  }
  return {};
}

/// What of a description a person decides on.
json said_in(const json& description) {
  json out = json::object();
  for (const char* name : {"title", "description"})
    if (const auto found = description.find(name); found != description.end()) out[name] = *found;
  return out;
}

response created(const std::string& id) {
  response out;
  out.status = 201;
  out.content_type.clear();
  out.headers.emplace_back("Location", thing_path(id));
  return out;
}

std::optional<json> description_of(const request& r, const responder& respond) {
  auto read = read_json(r, {td_type, "application/ld+json", "application/json"});
  if (auto* wrong = std::get_if<response>(&read)) {
    respond(std::move(*wrong));
    return {};
  }
  auto& document = std::get<json>(read);
  std::string what;
  if (!document.is_object())
    what = "a Thing Description is an object";
  else if (!document.contains("title") || !document["title"].is_string())
    what = "a Thing Description has a title";
  else if (model_of(document).empty())
    what = R"(no model: "links":[{"rel":"type","href":"/models/NAME"}])";
  if (!what.empty()) {
    respond(problem(400, what));
    return {};
  }
  return std::move(document);
}

void say(const thing_door_pointer& to, const std::string& id, const json& said,
         const std::string& by, const responder& respond, const response& when_done) {
  if (said.empty()) return respond(when_done);
  answer(to->at, messages::twin_patch{id, "merge", dump(said), -1, by}, respond,
         [when_done](const messages::done&) { return when_done; });
}

void make(const thing_door_pointer& to, const request& r, const std::string& id,
          const json& description, const responder& respond) {
  ask<messages::twin_create>(to->at->node, {id, model_of(description)},
                             [=, by = r.who.name](result<messages::done> done) {
                               if (!done) return respond(problem(done.error()));
                               say(to, id, said_in(description), by, respond, created(id));
                             });
}

void put_thing(const thing_door_pointer& to, const request& r, const responder& respond) {
  auto description = description_of(r, respond);
  if (!description) return;
  const auto id = id_of(r);
  if (const auto own = description->find("id");
      own != description->end() && *own != thing_urn(id) && *own != id)
    return respond(problem(400, "the description's id is not " + thing_urn(id)));
  ask<messages::twin_query>(
      to->at->node, {id},
      [=, description = std::move(*description)](result<messages::twin_answer> twin) {
        if (!twin && twin.error().code == errc::not_found)
          return make(to, r, id, description, respond);
        if (!twin) return respond(problem(twin.error()));
        if (twin->model != model_of(description))
          return respond(problem(409, "the twin is of the model " + twin->model));
        say(to, id, said_in(description), r.who.name, respond, no_content());
      });
}

/// A name of its own, in the namespace "things".
void post_thing(const thing_door_pointer& to, const request& r, const responder& respond) {
  auto description = description_of(r, respond);
  if (!description) return;
  if (description->contains("id"))
    return respond(problem(400, "a description with an id is PUT to its own place"));
  std::random_device dice;
  char id[40];
  std::snprintf(id, sizeof id, "things:%08x%08x", dice(), dice());
  if (!r.who.may(role::engineer, id))
    return respond(problem(403, r.who.name + " may not make twins in the namespace things"));
  make(to, r, id, *description, respond);
}

void patch_thing(const thing_door_pointer& to, const request& r, const responder& respond) {
  auto read = read_json(r, {merge_type, td_type});
  if (auto* wrong = std::get_if<response>(&read)) return respond(std::move(*wrong));
  const auto& change = std::get<json>(read);
  if (!change.is_object()) return respond(problem(400, "a merge patch of a thing is an object"));
  std::vector<complaint> errors;
  for (const auto& [name, value] : change.items()) {
    if (name != "title" && name != "description")
      errors.push_back({"#/" + name, "is made of the model; only title and description change"});
    else if (!value.is_string() && !value.is_null())
      errors.push_back({"#/" + name, "a text is wanted"});
  }
  if (!errors.empty()) return respond(problem(400, "nothing was changed", errors));
  say(to, id_of(r), said_in(change), r.who.name, respond, no_content());
}

void delete_thing(const thing_door_pointer& to, const request& r, const responder& respond) {
  answer(to->at, messages::twin_delete{id_of(r)}, respond,
         [](const messages::done&) { return no_content(); });
}

} // namespace

void add_directory_routes(route_table& to, const thing_door_pointer& from) {
  to.push_back({"GET", "/.well-known/wot", role::nobody, reach::open,
                [](const request& r, const responder& respond) {
                  respond(described_reply(r, directory_description(address_of(r)), td_type));
                }});
  to.push_back(
      {"GET", "/things", role::viewer, reach::somewhere,
       [from](const request& r, const responder& respond) { list_things(from, r, respond); }});
  to.push_back(
      {"POST", "/things", role::engineer, reach::somewhere,
       [from](const request& r, const responder& respond) { post_thing(from, r, respond); },
       repeat::first_answer});
  to.push_back(
      {"GET", "/models/{name}", role::viewer, reach::somewhere,
       [from](const request& r, const responder& respond) { get_model(from, r, respond); }});
  add_thing_route(to, from, "GET", "/things/{id}", role::viewer, get_thing);
  add_thing_route(to, from, "PUT", "/things/{id}", role::engineer, put_thing);
  add_thing_route(to, from, "PATCH", "/things/{id}", role::engineer, patch_thing);
  add_thing_route(to, from, "DELETE", "/things/{id}", role::admin, delete_thing);
}

} // namespace pollux::bridge::http
