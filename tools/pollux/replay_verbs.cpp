// SPDX-License-Identifier: Apache-2.0
// replay: a twin as it was, and the steps of its reasoning. Asks the running node, or opens the
// data folder itself where no node runs.
#include "actors/directory.hpp"
#include "actors/historian.hpp"
#include "domain/base/time.hpp"
#include "supervision/offline_storage.hpp"
#include "tools/pollux/client_history.hpp"
#include "tools/pollux/client_twin.hpp"
#include "tools/pollux/groups.hpp"
#include <functional>
#include <iostream>

namespace pollux::cli {

namespace {

constexpr std::chrono::seconds long_enough{60};

struct replay_request {
  std::string id, at, clock = "ingest";
  wanted_interval within;
  bool step = false, offline = false;
  std::uint64_t limit = 0; ///< steps; 0 = all
};

using asker_of = std::function<result<messages::replay_answer>(const messages::replay_query&)>;

std::string indented(const json& value) {
  return value.is_null() ? "-"
                         : printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

void print_step(const json& step, const context& ctx) {
  std::cout << painted(plain(step.at("input")), 1, ctx.color) << "  "
            << plain(step.at("ingest_time")) << "  " << plain(step.at("kind")) << '\n';
  for (const auto& [name, value] : step.items()) {
    if (name == "input" || name == "ingest_time" || name == "kind" || name == "effects" ||
        name == "changes" || name == "state_hash" || name == "readings")
      continue;
    std::cout << "    " << name << ": " << indented(value) << '\n';
  }
  if (step.contains("readings"))
    for (const auto& r : step.at("readings"))
      std::cout << "    " << plain(r.at("event_time")) << ' ' << indented(r.at("values")) << '\n';
  for (const auto& c : step.at("changes")) {
    const auto& now = c.at("after");
    const auto name = now.is_object() && now.contains("name") ? plain(now.at("name")) : "";
    if (c.at("part") == "rules" && now.is_object())
      std::cout << "    rule " << printable(name) << ": " << plain(now.at("state")) << ", "
                << printable(plain(now.at("explanation"))) << '\n';
    else if (c.at("part") == "windows" && now.is_object())
      std::cout << "    window " << printable(name) << ": " << plain(now.at("count"))
                << " readings, mean " << plain(now.at("mean")) << '\n';
    else
      std::cout << "    " << plain(c.at("part")) << ": " << indented(now) << '\n';
  }
  for (const auto& e : step.at("effects"))
    std::cout << "    => " << painted(printable(plain(e.at("type"))), 33, ctx.color) << ' '
              << (e.contains("message") ? printable(plain(e.at("message"))) : indented(e)) << '\n';
}

int print_steps(const asker_of& ask, messages::replay_query query, const context& ctx,
                std::uint64_t limit) {
  std::uint64_t shown = 0;
  if (ctx.format == output::json) std::cout << '[';
  for (;;) {
    if (limit != 0)
      query.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(query.limit, limit - shown));
    const auto page = ask(query);
    if (!page) return fail(page.error());
    const auto document = parse_document(page->document);
    for (const auto& step : document.at("steps")) {
      const auto line = [&] { return step.dump(-1, ' ', false, json::error_handler_t::replace); };
      switch (ctx.format) {
      case output::table: print_step(step, ctx); break;
      case output::json: std::cout << (shown == 0 ? "\n" : ",\n") << line(); break;
      case output::jsonl: std::cout << line() << '\n'; break;
      }
      ++shown;
    }
    if (page->next.empty() || (limit != 0 && shown >= limit) || !std::cout) break;
    query.after = page->next;
  }
  if (ctx.format == output::json) std::cout << (shown == 0 ? "]\n" : "\n]\n");
  if (shown == 0 && !ctx.quiet) std::cerr << "no inputs in this interval\n";
  return exit_ok;
}

int print_state(const asker_of& ask, const messages::replay_query& query, const context& ctx) {
  const auto answer = ask(query);
  if (!answer) return fail(answer.error());
  const auto document = parse_document(answer->document);
  print_twin_document(document, ctx);
  if (ctx.format != output::table) return exit_ok;
  const auto& at = document.at("at");
  std::cout << "\nas of " << plain(at.at("time")) << " (" << plain(at.at("clock"))
            << " clock), after input " << plain(at.at("input")) << "; next timer "
            << plain(document.at("next_wakeup")) << "; state " << plain(at.at("state_hash")) << "; "
            << plain(at.at("replayed_inputs")) << " inputs replayed from "
            << plain(at.at("from_state_at")) << '\n';
  return exit_ok;
}

result<messages::replay_query> query_of(const replay_request& want) {
  messages::replay_query q{want.id, want.clock, want.step, no_time, never, {}, 100};
  if (!want.at.empty()) {
    const auto at = parse_when(want.at);
    if (!at) return at.error().within("--at");
    q.to_ns = *at;
    return q;
  }
  const auto within = interval_of(want.within);
  if (!within) return within.error();
  q.from_ns = want.within.from.empty() ? no_time : within->from;
  q.to_ns = want.within.to.empty() ? never : within->to;
  return q;
}

int run(const asker_of& ask, const replay_request& want, const context& ctx) {
  const auto query = query_of(want);
  if (!query) return fail(query.error());
  return want.step ? print_steps(ask, *query, ctx, want.limit) : print_state(ask, *query, ctx);
}

int replay_offline(const std::string& data, const replay_request& want, const context& ctx) {
  auto opened = supervision::open_offline(data, want.id);
  if (!opened) return fail(opened.error());
  const auto twin = (*opened)->living(want.id);
  if (!twin) return fail(twin.error());
  const actors::historian_surroundings with{
      (*opened)->journal.get(), (*opened)->tables.get(), &(*opened)->models, nullptr, {}};
  return run(
      [&](const messages::replay_query& q) {
        return actors::replay_of(with, {{twin->shard, twin->row}, twin->id, q});
      },
      want, ctx);
}

} // namespace

void add_replay_verbs(CLI::App& app, context& ctx) {
  auto* verb = app.add_subcommand("replay", "a twin as it was, or step by step how it came there");
  auto want = std::make_shared<replay_request>();
  verb->add_option("TWIN", want->id, "namespace:name")->required();
  auto* at = verb->add_option("--at", want->at, "the state at this time: RFC 3339 or seconds")
                 ->type_name("TIME");
  verb->add_option("--from", want->within.from, "steps from this time on")->type_name("TIME");
  verb->add_option("--to", want->within.to, "up to this time, inclusive; else to the end")
      ->type_name("TIME")
      ->excludes(at);
  verb->add_flag("--step", want->step, "each input with its effects and what it changed")
      ->excludes(at);
  verb->add_option("--clock", want->clock,
                   "ingest: what the node knew at that time; event: by the readings' own times")
      ->check(CLI::IsMember({"ingest", "event"}))
      ->capture_default_str();
  verb->add_option("--limit", want->limit, "at most so many steps; 0 = all")->capture_default_str();
  verb->add_flag("--offline", want->offline, "open the data folder; the node must be stopped");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want] {
    if (!want->within.from.empty()) want->step = true;
    if (want->offline) {
      const auto data = data_folder(*options, ctx);
      if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
      return finish(replay_offline(*data, *want, ctx));
    }
    return with_node(ctx, *options, [&](client& node) {
      return run([&](const messages::replay_query& q) { return node.ask(q, long_enough); }, *want,
                 ctx);
    });
  });
}

} // namespace pollux::cli
