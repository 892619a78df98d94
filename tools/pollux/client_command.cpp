// SPDX-License-Identifier: Apache-2.0
// command send names its command by an id, so that sending it again after a time-out is harmless:
// the twin carries each id out once.
#include "domain/base/time.hpp"
#include "domain/twin/effect.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <cstdio>
#include <iostream>
#include <random>

namespace pollux::cli {

namespace {

using domain::command_phase;
using messages::command_answer;

struct send_request {
  std::string twin, name, id, ttl, by = asker();
  std::vector<std::string> arguments;
  std::string wait; ///< how long; empty with --wait given = until the command's own end
};

bool is(const command_answer& answer, command_phase phase) {
  return answer.phase == domain::to_string(phase);
}

bool finished(const command_answer& answer) {
  return answer.phase != "accepted" && !is(answer, command_phase::dispatched);
}

int code_of(const command_answer& answer) {
  if (is(answer, command_phase::refused) || is(answer, command_phase::rejected))
    return exit_refused;
  if (is(answer, command_phase::timed_out)) return exit_timed_out;
  return exit_ok;
}

std::string random_id() {
  std::random_device source;
  char text[40];
  std::snprintf(text, sizeof text, "cli-%08x%08x", source(), source());
  return text;
}

/// key=value, where value is a number, true, false, or else text. Errors: invalid_argument.
result<json> parse_arguments(const std::vector<std::string>& words) {
  json out = json::object();
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == 0 || equals == std::string::npos)
      return failure{errc::invalid_argument, "argument \"" + word + "\": expected key=value"};
    const auto key = word.substr(0, equals);
    const auto text = word.substr(equals + 1);
    if (out.contains(key))
      return failure{errc::invalid_argument, "argument \"" + key + "\" is given twice"};
    const auto value = json::parse(text, nullptr, false);
    const bool scalar = value.is_number() || value.is_boolean() || value.is_string();
    out[key] = scalar ? value : json(text);
  }
  return out;
}

void print_answer(const command_answer& answer, const context& ctx) {
  if (ctx.format != output::table) {
    print_document({{"id", answer.id},
                    {"phase", answer.phase},
                    {"detail", answer.detail},
                    {"document", parse_document(answer.document)}},
                   ctx.format);
    return;
  }
  const int color = code_of(answer) == exit_ok ? 32 : 31;
  std::cout << printable(answer.id) << "  " << painted(printable(answer.phase), color, ctx.color);
  if (!answer.detail.empty()) std::cout << "  " << printable(answer.detail);
  std::cout << '\n';
}

int wait_for_end(client& node, const context& ctx, const messages::command_request& request,
                 command_answer answer, std::chrono::steady_clock::time_point until) {
  catch_interrupts();
  while (!finished(answer)) {
    if (std::chrono::steady_clock::now() >= until) {
      print_answer(answer, ctx);
      return fail(exit_timed_out, "no verdict yet; the command goes on",
                  "pollux command get " + request.twin + " " + request.id);
    }
    if (!pause(std::chrono::milliseconds(100))) return exit_interrupted;
    auto next = node.ask(messages::command_query{request.twin, request.id});
    // right after "accepted" the command may not have reached its twin yet
    if (!next && next.error().code != errc::not_found) return fail(next.error());
    if (next) answer = std::move(*next);
  }
  print_answer(answer, ctx);
  return code_of(answer);
}

int send(client& node, const context& ctx, const send_request& want, bool wait) {
  const auto arguments = parse_arguments(want.arguments);
  if (!arguments) return fail(arguments.error());
  messages::command_request request{
      want.twin, want.id.empty() ? random_id() : want.id, want.name, arguments->dump(), 0, want.by};
  if (!want.ttl.empty()) {
    const auto ttl = parse_wait(want.ttl, "--ttl");
    if (!ttl) return fail(ttl.error());
    request.ttl_ns = ttl->count() * ns_per_ms;
  }
  // without a limit of its own a wait ends a little after the command's expiry, which says so
  auto longest = std::chrono::milliseconds(request.ttl_ns / ns_per_ms + 65'000);
  if (!want.wait.empty()) {
    const auto given = parse_wait(want.wait, "--wait");
    if (!given) return fail(given.error());
    longest = *given;
  }
  const auto until = std::chrono::steady_clock::now() + longest;
  const auto answer = node.ask(request);
  if (!answer) {
    const bool unsure = answer.error().code == errc::timed_out;
    return fail(answer.error(), unsure ? "sending it again is safe with --id " + request.id : "");
  }
  if (wait) return wait_for_end(node, ctx, request, *answer, until);
  print_answer(*answer, ctx);
  return code_of(*answer);
}

} // namespace

void add_command_verbs(CLI::App& app, context& ctx) {
  auto* command = app.add_subcommand("command", "have a twin's device do something");
  command->require_subcommand(1);

  auto* verb = command->add_subcommand("send", "ask for a command");
  auto want = std::make_shared<send_request>();
  verb->add_option("TWIN", want->twin, "namespace:name")->required();
  verb->add_option("NAME", want->name, "a command of the twin's model")->required();
  verb->add_option("ARGUMENTS", want->arguments, "key=value, as in setpoint=21.5");
  verb->add_option("--id", want->id, "chosen by you: the same id is carried out only once");
  verb->add_option("--ttl", want->ttl, "too late after this [default: the model's]")
      ->type_name("DURATION");
  verb->add_option("--by", want->by, "who asks, for the record")->capture_default_str();
  auto* wait = verb->add_option("--wait", want->wait,
                                "until the device has answered, at most so long: exit code 0 "
                                "confirmed, 4 refused or rejected, 6 timed out")
                   ->expected(0, 1)
                   ->type_name("[DURATION]");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want, wait] {
    return with_node(ctx, *options, [&, waits = wait->count() > 0](client& node) {
      return send(node, ctx, *want, waits);
    });
  });

  auto* get = command->add_subcommand("get", "how a command stands");
  get->add_option("TWIN", want->twin, "namespace:name")->required();
  get->add_option("ID", want->id, "the command's id")->required();
  options = add_node_options(get);
  on_run(get, ctx, [&ctx, options, want] {
    return ask_and_print(ctx, *options, messages::command_query{want->twin, want->id},
                         [&ctx](const command_answer& answer) { print_answer(answer, ctx); });
  });
}

} // namespace pollux::cli
