// SPDX-License-Identifier: Apache-2.0
// Tokens are a file of the node's owner: these verbs write it, and a running node sees the change
// with its next request.
#include "tools/pollux/token_verbs.hpp"
#include "bridge/http/access/token_book.hpp"
#include "domain/base/time.hpp"
#include "tools/pollux/audit_note.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/groups.hpp"
#include <chrono>
#include <iostream>

namespace pollux::cli {

namespace {

namespace http = bridge::http;

struct token_order {
  std::string name, role, expires;
  std::vector<std::string> namespaces;
};

std::int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// "90d" or a moment; 0 for none.
result<std::int64_t> end_of(const std::string& text) {
  if (text.empty()) return std::int64_t{0};
  if (const auto after = parse_duration(text)) {
    if (*after <= 0) return failure{errc::invalid_argument, "--expires must lie ahead"};
    return wall_ns() + *after;
  }
  const auto at = parse_when(text);
  if (!at)
    return failure{errc::invalid_argument,
                   "--expires '" + text + "': as 90d or 2027-01-01T00:00:00Z"};
  if (*at <= wall_ns()) return failure{errc::invalid_argument, "--expires must lie ahead"};
  return *at;
}

/// The secret goes to stdout alone, so that a script can take it.
int show_secret(const context& ctx, const std::string& name, const std::string& secret) {
  if (ctx.format != output::table) {
    print_document({{"name", name}, {"secret", secret}}, ctx.format);
    return exit_ok;
  }
  if (!ctx.quiet)
    std::cerr << "The secret of " << name
              << ", shown this once (Authorization: Bearer <secret>):\n";
  std::cout << secret << '\n';
  return exit_ok;
}

/// What the audit log is told of it.
std::string body_of(const token_order& order) {
  json out = json::object();
  if (!order.role.empty()) out["role"] = order.role;
  if (!order.namespaces.empty()) out["namespaces"] = order.namespaces;
  if (!order.expires.empty()) out["expires"] = order.expires;
  return out.empty() ? std::string() : out.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class Change>
int change(const context& ctx, const node_options& options, const char* verb,
           const token_order& order, Change what) {
  const auto data = data_folder(options, ctx);
  if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
  const auto done = http::change_tokens(*data, what);
  note_deed(*data, std::string("token_") + verb, order.name, body_of(order), done);
  return done ? exit_ok : fail(done.error());
}

int create(const context& ctx, const node_options& options, const token_order& order) {
  const auto end = end_of(order.expires);
  if (!end) return fail(exit_usage, end.error().what);
  std::string secret;
  const int code = change(ctx, options, "create", order, [&](http::token_book& book) -> status {
    auto made = book.create(order.name, order.role, order.namespaces, *end, wall_ns());
    if (!made) return made.error();
    secret = std::move(*made);
    return {};
  });
  return code == exit_ok ? show_secret(ctx, order.name, secret) : code;
}

int rotate(const context& ctx, const node_options& options, const token_order& order) {
  const auto end = end_of(order.expires);
  if (!end) return fail(exit_usage, end.error().what);
  std::string secret;
  const int code = change(ctx, options, "rotate", order, [&](http::token_book& book) -> status {
    auto made = book.rotate(order.name, *end, wall_ns());
    if (!made) return made.error();
    secret = std::move(*made);
    return {};
  });
  return code == exit_ok ? show_secret(ctx, order.name, secret) : code;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

int list(const context& ctx, const node_options& options) {
  const auto data = data_folder(options, ctx);
  if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
  const auto book = http::load_tokens(*data);
  if (!book && book.error().code != errc::not_found) return fail(book.error());
  const auto tokens = book ? book->all() : std::vector<http::token>{};
  const auto now = wall_ns();
  json rows = json::array();
  table shown({"NAME", "ROLE", "NAMESPACES", "CREATED", "EXPIRES", "ROTATED"});
  const auto when = [](std::int64_t ns) { return ns == 0 ? "-" : format_rfc3339(ns); };
  for (const auto& t : tokens) {
    rows.push_back({{"name", t.name},
                    {"role", to_string(t.what)},
                    {"namespaces", t.namespaces},
                    {"created", when(t.created_ns)},
                    {"expires", when(t.expires_ns)},
                    {"rotated", when(t.rotated_ns)},
                    {"expired", t.expired(now)}});
    shown.add({t.name, std::string(to_string(t.what)), joined(t.namespaces), when(t.created_ns),
               when(t.expires_ns) + (t.expired(now) ? " (expired)" : ""), when(t.rotated_ns)});
  }
  if (ctx.format != output::table)
    print_document(rows, ctx.format);
  else if (!shown.empty())
    shown.print(ctx.color);
  else if (!ctx.quiet)
    std::cerr << "no tokens\n";
  return exit_ok;
}

} // namespace

void add_token_verbs(CLI::App& app, context& ctx) {
  auto* group = app.add_subcommand("token", "who may come in over HTTP");
  group->require_subcommand(1);
  auto order = std::make_shared<token_order>();

  auto* made = group->add_subcommand("create", "make a token; prints its secret once");
  made->add_option("NAME", order->name, "whose it is: alice, grafana")->required();
  made->add_option("--role", order->role, "viewer, operator, engineer or admin")->required();
  made->add_option("--namespaces", order->namespaces,
                   "where it holds: plant1, 'site-*'; default all")
      ->delimiter(',');
  made->add_option("--expires", order->expires, "after 90d, or a moment; default never");
  auto options = add_node_options(made);
  on_run(made, ctx, [&ctx, options, order] { return create(ctx, *options, *order); });

  auto* shown = group->add_subcommand("ls", "the tokens there are, without their secrets");
  options = add_node_options(shown);
  on_run(shown, ctx, [&ctx, options] { return list(ctx, *options); });

  auto* turned = group->add_subcommand("rotate", "a new secret; the old one is void at once");
  turned->add_option("NAME", order->name)->required();
  turned->add_option("--expires", order->expires, "a new end: after 90d, or a moment");
  options = add_node_options(turned);
  on_run(turned, ctx, [&ctx, options, order] { return rotate(ctx, *options, *order); });

  auto* ended = group->add_subcommand("revoke", "void at once, its open streams included");
  ended->add_option("NAME", order->name)->required();
  options = add_node_options(ended);
  on_run(ended, ctx, [&ctx, options, order] {
    return change(ctx, *options, "revoke", *order,
                  [&](http::token_book& book) { return book.revoke(order->name); });
  });
  add_audit_verb(app, ctx);
}

} // namespace pollux::cli
