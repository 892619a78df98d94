// SPDX-License-Identifier: Apache-2.0
// pollux model apply|rollback|ls|show|history: models of a running node.
#include "messages/model_codec.hpp"
#include "tools/pollux/model_files.hpp"
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace pollux::cli {

namespace {

using messages::model_applied;
using messages::model_version;

json version_json(const model_version& v) {
  return {{"model", v.name},    {"kind", v.kind},
          {"hash", v.hash},     {"previous", v.previous},
          {"twins", v.twins},   {"ruling", v.ruling},
          {"shadow", v.shadow}, {"how", v.how},
          {"by", v.by},         {"time", v.at_ns == 0 ? json(nullptr) : json(time_text(v.at_ns))}};
}

int list(const context& ctx, const node_options& options, const std::string& name,
         std::uint32_t limit) {
  return ask_and_print(
      ctx, options, messages::model_list_query{name, limit}, [&](const messages::model_list& page) {
        if (ctx.format == output::json) {
          json all = json::array();
          for (const auto& row : page.rows) all.push_back(version_json(row));
          return print_document(all, ctx.format);
        }
        if (ctx.format == output::jsonl) {
          for (const auto& row : page.rows) print_document(version_json(row), ctx.format);
          return;
        }
        table out({"MODEL", "VERSION", "TWINS", "SINCE", "BY", "RULES", "SHADOW"});
        for (const auto& row : page.rows)
          out.add({printable(row.name), printable(row.hash.substr(0, 12)), printable(row.twins),
                   row.at_ns == 0 ? "-" : time_text(row.at_ns),
                   printable(row.how.empty() ? "-" : row.how + " " + row.by),
                   row.ruling ? "yes" : "no", row.shadow ? "runs" : "-"});
        if (!out.empty()) out.print(ctx.color);
      });
}

json applied_json(const model_applied& a) {
  return {{"model", a.name},
          {"hash", a.hash},
          {"previous", a.previous},
          {"state", a.state},
          {"shards", a.shards},
          {"shards_pending", a.shards_pending},
          {"twins_awake", a.twins_awake},
          {"twins_pending", a.twins_pending},
          {"twins_asleep", a.twins_asleep}};
}

void print_applied(const model_applied& a, const context& ctx) {
  if (ctx.format != output::table) return print_document(applied_json(a), ctx.format);
  if (a.state == "unchanged") {
    std::cout << a.name << ": version " << a.hash.substr(0, 12)
              << " rules already; nothing to do\n";
    return;
  }
  std::cout << a.name << ": "
            << (a.previous.empty() ? std::string("first version") : a.previous.substr(0, 12))
            << " -> " << a.hash.substr(0, 12) << '\n';
  if (a.state == "pending")
    std::cout << painted("pending", 33, ctx.color) << ": durable; " << a.shards_pending << " of "
              << a.shards << " shards and " << a.twins_pending
              << " awake twins have yet to take it, and will\n";
  else
    std::cout << painted("applied", 32, ctx.color) << ": " << a.shards << " shards, "
              << a.twins_awake << " awake twins\n";
  if (a.twins_asleep != 0) std::cout << a.twins_asleep << " sleeping twins take it as they wake\n";
}

struct order {
  std::string name, hash, file, twins = "*", by = asker();
  std::uint32_t limit = 100;
  bool shadow = false;
};

int apply(const context& ctx, const node_options& options, const order& want) {
  const auto text = read_model_text(want.file);
  if (!text) return fail(text.error());
  // What is wrong is said here, with the file's own name, before a node is asked.
  if (const auto model = messages::parse_model(*text, want.file); !model) {
    fail(model.error(), "pollux model check " + want.file + " tells all");
    return exit_configuration;
  }
  if (want.shadow)
    return ask_and_print(
        ctx, options, messages::shadow_order{"start", "", *text, want.file, 10'000, 100},
        [&](const messages::shadow_answer& a) {
          if (ctx.format != output::table)
            return print_document(parse_document(a.document), ctx.format);
          std::cout << "runs in the shadow; pollux model shadow status shows how\n";
        });
  return ask_and_print(ctx, options, messages::model_apply{*text, want.file, want.twins, want.by},
                       [&](const model_applied& a) { print_applied(a, ctx); });
}

int show(const context& ctx, const node_options& options, const order& want) {
  return ask_and_print(ctx, options, messages::model_text_query{want.name, want.hash},
                       [&](const messages::model_text& m) {
                         if (ctx.format == output::table)
                           std::cout << m.json << (m.json.ends_with('\n') ? "" : "\n");
                         else
                           print_document({{"model", m.name},
                                           {"hash", m.hash},
                                           {"ruling", m.ruling},
                                           {"text", parse_document(m.json)}},
                                          ctx.format);
                       });
}

} // namespace

result<std::string> read_model_text(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return failure{errc::invalid_argument, file + ": is a folder; name the files"};
  std::ifstream in{file, std::ios::binary};
  if (!in) return failure{errc::not_found, file + ": cannot be read"};
  std::string text;
  char part[65536];
  while (in.read(part, sizeof part) || in.gcount() != 0) {
    text.append(part, static_cast<std::size_t>(in.gcount()));
    if (text.size() > messages::max_model_bytes)
      return failure{errc::invalid_argument, file + ": larger than 1 MB"};
  }
  return text;
}

result<std::shared_ptr<const domain::model>> read_model_anywhere(const context& ctx,
                                                                 const node_options& options,
                                                                 const std::string& what,
                                                                 bool ask_node) {
  constexpr std::string_view current = "current:";
  std::error_code error;
  const bool named = what.starts_with(current);
  if (!named && !(ask_node && !std::filesystem::exists(what, error))) {
    const auto text = read_model_text(what);
    if (!text) return text.error();
    return messages::parse_model(*text, what);
  }
  const auto name = named ? what.substr(current.size()) : what;
  result<std::shared_ptr<const domain::model>> out{failure{errc::unavailable, "no node answered"}};
  const int code = with_node(ctx, options, [&](client& node) -> int {
    const auto answer = node.ask(messages::model_text_query{name, ""});
    out = answer ? messages::parse_model(answer->json, what)
                 : result<std::shared_ptr<const domain::model>>{answer.error()};
    return exit_ok;
  });
  if (code != exit_ok && out.ok()) return failure{errc::internal, "the node's answer was lost"};
  return out;
}

void add_online_model_verbs(CLI::App& model, context& ctx) {
  const auto want = std::make_shared<order>();
  auto* apply_verb = model.add_subcommand(
      "apply", "change a model of the running node; twins keep what fits the new version");
  apply_verb->add_option("FILE", want->file, "the new version")->required();
  apply_verb->add_option("--twins", want->twins, "only those whose id matches")
      ->capture_default_str();
  apply_verb->add_option("--by", want->by, "who changes it, for the record");
  apply_verb->add_flag("--shadow", want->shadow, "only beside the ruling version: model shadow");
  auto options = add_node_options(apply_verb);
  on_run(apply_verb, ctx, [&ctx, options, want] { return apply(ctx, *options, *want); });

  auto* back = model.add_subcommand("rollback", "return to the version that ruled before");
  back->add_option("NAME", want->name, "of the model")->required();
  back->add_option("--to", want->hash, "a version of model history, by its first digits");
  back->add_option("--by", want->by, "who changes it, for the record");
  options = add_node_options(back);
  on_run(back, ctx, [&ctx, options, want] {
    return ask_and_print(ctx, *options, messages::model_rollback{want->name, want->hash, want->by},
                         [&](const model_applied& a) { print_applied(a, ctx); });
  });

  auto* ls = model.add_subcommand("ls", "the versions that rule");
  options = add_node_options(ls);
  on_run(ls, ctx, [&ctx, options] { return list(ctx, *options, "", messages::max_page); });

  auto* history = model.add_subcommand("history", "all changes of one model, newest first");
  history->add_option("NAME", want->name, "of the model")->required();
  history->add_option("--limit", want->limit, "at most so many")
      ->check(CLI::Range(1U, messages::max_page))
      ->capture_default_str();
  options = add_node_options(history);
  on_run(history, ctx,
         [&ctx, options, want] { return list(ctx, *options, want->name, want->limit); });

  auto* one = model.add_subcommand("show", "the text of a version");
  one->add_option("NAME", want->name, "of the model")->required();
  one->add_option("--hash", want->hash, "by its first digits [default: the one that rules]");
  options = add_node_options(one);
  on_run(one, ctx, [&ctx, options, want] { return show(ctx, *options, *want); });
  add_shadow_verb(model, ctx);
}

} // namespace pollux::cli
