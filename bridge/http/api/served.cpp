// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/served.hpp"
#include "bridge/http/api/fields.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t longest_key = 128;

/// The answer with the chosen members; in a page those of each item.
response selected(response r, const field_paths& fields) {
  if (r.status != 200 || r.content_type != "application/json") return r;
  auto document = parse_document(r.body);
  if (document.is_object() && document.contains("items") && document["items"].is_array())
    document["items"] = select_fields(document["items"], fields);
  else
    document = select_fields(document, fields);
  r.body = dump(document);
  return r;
}

handler with_fields(handler run) {
  return [run = std::move(run)](const request& r, responder respond) {
    const auto asked = std::find_if(r.query.begin(), r.query.end(),
                                    [](const auto& q) { return q.first == "fields"; });
    if (asked == r.query.end()) return run(r, std::move(respond));
    auto fields = parse_fields(asked->second);
    if (!fields)
      return respond(problem(400, "the query cannot be used: " + fields.error().what,
                             {{"?fields", fields.error().what}}));
    run(r, [respond = std::move(respond), fields = std::move(*fields)](response given) {
      respond(selected(std::move(given), fields));
    });
  };
}

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= longest_key &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::uint64_t content_of(const request& r) {
  auto seed = messages::hash64(r.header("content-type"));
  for (const auto& [name, value] : r.query)
    seed = messages::hash64(value, messages::hash64(name, seed));
  return messages::hash64(r.body, seed);
}

/// Tells the memory how a request went: also when it ends without an answer.
class outcome {
public:
  outcome(std::shared_ptr<answer_memory> memory, std::string key, bool whole)
      : memory_(std::move(memory)), key_(std::move(key)), whole_(whole) {}
  ~outcome() { memory_->forget(key_); } // nothing where it was finished
  outcome(const outcome&) = delete;
  outcome& operator=(const outcome&) = delete;
  void tell(const response& given) {
    const bool settled = given.status < 500 && given.status != 429;
    if (settled) memory_->finish(key_, whole_ ? given : response{});
  }

private:
  std::shared_ptr<answer_memory> memory_;
  std::string key_;
  bool whole_;
};

struct keyed {
  handler run;
  repeat on_repeat;
  std::shared_ptr<answer_memory> memory;
  std::function<std::int64_t()> now;

  void operator()(const request& r, responder respond) const {
    using verdict = answer_memory::verdict;
    const auto given = r.header("idempotency-key");
    if (given.empty()) return run(r, std::move(respond));
    if (!is_key(given))
      return respond(problem(400, "an Idempotency-Key is 1 to 128 printable characters"));
    const auto key = r.who.name + "\n" + r.method + " " + r.path + "\n" + std::string(given);
    auto before = memory->begin(key, content_of(r), now());
    if (before.says == verdict::mismatch)
      return respond(problem(422, "this Idempotency-Key was used for another request"));
    const bool again = on_repeat == repeat::again;
    if (before.says == verdict::repeated && !again) {
      before.answer.headers.emplace_back("Idempotency-Replayed", "true");
      return respond(std::move(before.answer));
    }
    if (before.says == verdict::in_progress && !again) {
      auto busy = problem(409, "the first request with this Idempotency-Key is being carried out");
      busy.headers.emplace_back("Retry-After", "1");
      return respond(std::move(busy));
    }
    if (before.says != verdict::fresh) return run(r, std::move(respond));
    const auto ends = std::make_shared<outcome>(memory, key, !again);
    run(r, [respond = std::move(respond), ends](response answered) {
      ends->tell(answered);
      respond(std::move(answered));
    });
  }
};

} // namespace

handler served(const route_entry& entry, std::shared_ptr<answer_memory> memory,
               std::function<std::int64_t()> now) {
  auto run = entry.run;
  if (entry.method == "GET" && entry.pattern.starts_with("/api/v1/")) run = with_fields(run);
  if (entry.on_repeat != repeat::nothing)
    run = keyed{run, entry.on_repeat, std::move(memory), std::move(now)};
  if (entry.over == reach::open) return run;
  return [entry, run](const request& r, responder respond) {
    if (auto refused = refusal(entry, r)) return respond(std::move(*refused));
    if (entry.over == reach::twin) {
      const auto id = r.parameter("id").empty() ? r.parameter("twin") : r.parameter("id");
      if (const auto known = parse_twin_id(id); !known) return respond(problem(known.error()));
    }
    run(r, std::move(respond));
  };
}

std::string table_document(const route_table& table) {
  json routes = json::array();
  for (const auto& e : table)
    routes.push_back({{"method", e.method},
                      {"path", e.pattern},
                      {"role", e.over == reach::open ? "none" : to_string(e.needed)}});
  return dump({{"routes", std::move(routes)}});
}

} // namespace pollux::bridge::http
