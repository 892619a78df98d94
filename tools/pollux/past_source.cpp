// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/past_source.hpp"
#include "actors/directory.hpp"
#include "actors/sample_rows.hpp"
#include "domain/base/time.hpp"
#include "messages/documents.hpp"
#include "supervision/offline_storage.hpp"
#include <algorithm>

namespace pollux::cli {

namespace {

constexpr std::chrono::seconds long_enough{60};

std::optional<double> number_of(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number()) return value.get<double>();
  return std::nullopt;
}

/// The same features as persistence::features_of, from the document that a node gives.
feature_row row_of(const json& document, std::int64_t at_ns) {
  feature_row row;
  row.model = document.at("model").at("name").get<std::string>();
  for (const auto& [name, t] : document.at("telemetry").items()) {
    if (t.value("declared", true) == false) continue;
    row.features.push_back({name, number_of(t.at("value"))});
    std::optional<double> age;
    if (t.at("event_time").is_string())
      if (const auto then = parse_rfc3339(t.at("event_time").get<std::string>()))
        age = static_cast<double>(at_ns - *then) / static_cast<double>(ns_per_s);
    row.features.push_back({name + ".age_s", age});
  }
  for (const auto& [name, value] : document.at("outputs").items())
    row.features.push_back({name, number_of(value)});
  return row;
}

class node_past final : public past_source {
public:
  explicit node_past(client& node) : node_(node) {}

  result<std::vector<std::string>> twins(const std::string& glob) override {
    std::vector<std::string> out;
    messages::twin_list_query q{glob, {}, messages::max_page};
    do {
      const auto page = node_.ask(q);
      if (!page) return page.error();
      for (const auto& row : page->rows) out.push_back(row.id);
      q.after = page->next;
    } while (!q.after.empty());
    return out;
  }
  result<messages::history_page> history(const messages::history_query& query) override {
    return node_.ask(query, long_enough);
  }
  status features(const std::string& twin, const std::string& clock,
                  const std::vector<std::int64_t>& times_ns,
                  const std::function<void(feature_row)>& visit) override {
    for (const auto at : times_ns) {
      const auto answer =
          node_.ask(messages::replay_query{twin, clock, false, no_time, at, {}, 1}, long_enough);
      if (!answer && answer.error().code != errc::not_found) return answer.error();
      visit(answer ? row_of(parse_document(answer->document), at) : feature_row{});
    }
    return {};
  }

private:
  client& node_;
};

class folder_past final : public past_source {
public:
  explicit folder_past(std::unique_ptr<supervision::offline_storage> folder)
      : folder_(std::move(folder)) {}

  result<std::vector<std::string>> twins(const std::string& glob) override {
    auto ids = folder_->living_ids(glob);
    return ids;
  }
  result<messages::history_page> history(const messages::history_query& q) override {
    const auto twin = folder_->living(q.id);
    if (!twin) return twin.error();
    auto values =
        persistence::values_between(*folder_->journal, *folder_->tables, twin->shard, twin->row,
                                    twin->id, q.telemetry, q.from_ns, q.to_ns, q.limit + 1);
    if (!values) return values.error();
    messages::history_page page;
    page.complete = values->size() <= q.limit;
    if (!page.complete) values->resize(q.limit);
    for (auto& v : *values)
      page.rows.push_back(
          {v.event_time_ns, v.ingest_time_ns, std::move(v.name), messages::value_json(v.value)});
    if (auto s = actors::add_samples(*folder_->journal, *folder_->tables, *twin, q, page); !s)
      return s.error();
    return page;
  }
  status features(const std::string& id, const std::string& clock,
                  const std::vector<std::int64_t>& times_ns,
                  const std::function<void(feature_row)>& visit) override {
    const auto twin = folder_->living(id);
    if (!twin) return twin.error();
    return persistence::each_moment(
        *folder_->journal, *folder_->tables, folder_->models, *twin,
        clock == "event" ? persistence::replay_clock::event : persistence::replay_clock::ingest,
        times_ns, [&](std::int64_t at, const domain::twin_description& then) {
          visit(then.model_name.empty()
                    ? feature_row{}
                    : feature_row{then.model_name, persistence::features_of(then, at)});
        });
  }

private:
  std::unique_ptr<supervision::offline_storage> folder_;
};

} // namespace

int with_past(const context& ctx, const node_options& options, bool offline,
              const std::function<int(past_source&)>& body) {
  const auto data = data_folder(options, ctx);
  if (offline || (options.server.empty() && data.ok() && !node_runs(*data))) {
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    auto opened = supervision::open_offline(*data, "*");
    if (!opened) return fail(opened.error());
    folder_past past(std::move(*opened));
    return finish(body(past));
  }
  return with_node(ctx, options, [&](client& node) {
    node_past past(node);
    return body(past);
  });
}

} // namespace pollux::cli
