// SPDX-License-Identifier: Apache-2.0
// `pollux detect`: what a model would have found in recorded files.
#include "messages/model_codec.hpp"
#include "tools/pollux/detect_run.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/progress_bar.hpp"
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pollux::cli {

namespace {

struct detect_verb {
  std::string model_file, out, root, separator;
  std::vector<std::string> files, map;
  tools::detect_options options;
};

result<std::shared_ptr<const domain::model>> read_model(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failure{errc::not_found, file + ": cannot be read"};
  std::string text;
  char block[65536];
  while (in.read(block, sizeof block), in.gcount() > 0) {
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (text.size() > messages::max_model_bytes)
      return failure{errc::invalid_argument, file + ": larger than 1 MB, which no model is"};
  }
  return messages::parse_model(text, file);
}

// Empty when all is well, else what is wrong with the options.
std::string read_options(detect_verb& verb) {
  for (const auto& pair : verb.map) {
    const auto equals = pair.rfind('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size())
      return "--map '" + pair + "': expected column=telemetry";
    verb.options.renamed.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  if (verb.separator == "tab") verb.separator = "\t";
  if (verb.separator.size() > 1) return "--separator takes one character, or the word tab";
  if (!verb.separator.empty()) verb.options.separator = verb.separator[0];
  return {};
}

void print_counts(const tools::detect_counts& counts, double seconds, const context& ctx) {
  const nlohmann::ordered_json all{
      {"files", counts.files},   {"failed", counts.failed},
      {"rows", counts.rows},     {"bad", counts.bad},
      {"alerts", counts.alerts}, {"seconds", std::round(seconds * 100) / 100}};
  if (ctx.format != output::table) {
    std::cout << all.dump() << '\n';
    return;
  }
  std::string line;
  for (const auto& [name, value] : all.items())
    line += (line.empty() ? "" : ", ") + value.dump() + " " + name;
  std::cout << line << '\n';
}

int run_detect(detect_verb& verb, const context& ctx) {
  const auto wrong = read_options(verb);
  if (!wrong.empty()) return fail(exit_usage, wrong);
  auto model = read_model(verb.model_file);
  if (!model) return fail(model.error());
  verb.options.model = *model;
  if (const auto sound = tools::check(verb.options); !sound.ok())
    return fail(exit_usage, sound.error().what);
  const auto files = tools::plan_files(verb.files, verb.root, verb.out);
  if (!files) return fail(files.error());
  catch_interrupts();
  const auto began = std::chrono::steady_clock::now();
  tools::detect_counts counts;
  {
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    progress_bar bar(!ctx.quiet && terminal);
    counts = tools::detect(
        *files, verb.options,
        [&](const std::string& what) {
          std::cerr << (terminal && !ctx.quiet ? "\r\033[K" : "") << "pollux: " << what << '\n';
        },
        [&](double share) { bar.show(share); }, [] { return interrupted(); });
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  print_counts(counts, took.count(), ctx);
  if (interrupted()) return exit_interrupted;
  return counts.bad == 0 && counts.failed == 0 ? exit_ok : exit_failure;
}

} // namespace

void add_detect_verbs(CLI::App& app, context& ctx) {
  auto verb = std::make_shared<detect_verb>();
  auto& options = verb->options;
  auto* detect = app.add_subcommand("detect", "what a model finds in recorded CSV files");
  detect
      ->add_option("files", verb->files,
                   "CSV files with a header line, plain or gzip, or folders of them")
      ->required()
      ->type_name("FILE.csv[.gz]");
  detect->add_option("--model", verb->model_file, "the model file that judges")
      ->required()
      ->type_name("MODEL.json");
  detect->add_option("--out", verb->out, "folder for the results, under the same relative paths")
      ->required()
      ->type_name("DIR");
  detect
      ->add_option("--root", verb->root,
                   "paths are relative to this folder; default: as given, or to the folder "
                   "common to all files")
      ->type_name("DIR");
  detect->add_option("--time-column", options.time_column,
                     "default: timestamp, datetime, ... or the first");
  const std::map<std::string, tools::csv_time> times{
      {"auto", tools::csv_time::automatic},  {"rfc3339", tools::csv_time::rfc3339},
      {"s", tools::csv_time::seconds},       {"ms", tools::csv_time::milliseconds},
      {"us", tools::csv_time::microseconds}, {"ns", tools::csv_time::nanoseconds}};
  detect->add_option("--time-format", options.time_format, "auto, rfc3339, s, ms, us or ns")
      ->transform(CLI::CheckedTransformer(times).description(""))
      ->default_str("auto");
  detect->add_option("--separator", verb->separator, "default: guessed from the header line");
  detect
      ->add_option("--map", verb->map,
                   "for a column named otherwise than the model's telemetry; repeatable")
      ->allow_extra_args(false) // one word each: the files come after
      ->type_name("COLUMN=TELEMETRY");
  const std::map<std::string, tools::detect_mark> marks{{"raised", tools::detect_mark::raised},
                                                        {"active", tools::detect_mark::active}};
  detect
      ->add_option("--mark", options.mark,
                   "raised: alert is 1 at the reading that raised one; active: while one lasts")
      ->transform(CLI::CheckedTransformer(marks).description(""))
      ->default_str("raised");
  detect
      ->add_option("--score", options.score,
                   "the operator whose score is written (default: the largest of all)")
      ->type_name("OPERATOR");
  detect->add_option("--jobs", options.parallel, "files at a time (default: one per core)")
      ->check(CLI::Range(0, 1024))
      ->type_name("N");
  on_run(detect, ctx, [verb, &ctx] { return run_detect(*verb, ctx); });
}

} // namespace pollux::cli
