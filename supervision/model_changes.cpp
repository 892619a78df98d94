// SPDX-License-Identifier: Apache-2.0
#include "supervision/model_changes.hpp"
#include "actors/shard_host.hpp"
#include "messages/hash.hpp"
#include "messages/model_codec.hpp"
#include "messages/observability/log.hpp"
#include "supervision/model_files.hpp"
#include "supervision/model_rows.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace pollux::supervision {

namespace logging = messages::log;
using json = nlohmann::json;

namespace {

/// Of a file's content: without the operators' revisions, which a new release may raise.
std::string mark_of(const std::string& text) {
  auto tree = messages::parse_config_tree(text, "");
  return messages::content_hash(tree ? messages::canonical_json(*tree) : text);
}

json parsed(const std::string& text) {
  auto document = json::parse(text, nullptr, false);
  return document.is_array() ? document : json::array();
}

} // namespace

model_changes::model_changes(persistence::store& tables, actors::model_catalog& catalog,
                             actors::shadow_board& shadows)
    : tables_(tables), catalog_(catalog), shadows_(shadows) {}

std::string model_changes::meta(const std::string& key) const {
  auto value = tables_.meta(key);
  return value && *value ? **value : std::string{};
}

// --- start and reload

// Stored versions, and which of them rules. A release that corrected an operator gives a stored
// text another version: it takes over like any other change.
status model_changes::load_stored() {
  auto rows = tables_.models();
  if (!rows) return rows.error();
  std::vector<std::string> names;
  for (const auto& row : *rows) {
    auto version = messages::parse_model(row.json, "stored model " + row.name);
    if (!version) return version.error();
    catalog_.add_stored(*version, row.hash);
    if (std::ranges::find(names, row.name) == names.end()) names.push_back(row.name);
  }
  for (const auto& name : names) {
    const auto stored = let_stored_rule(tables_, catalog_, name);
    if (!stored) return stored.error();
    if (stored->empty()) continue;
    if (const auto ruling = catalog_.current(name); ruling->hash != *stored)
      waiting_.push_back({name, ruling->hash, "", "release", ""});
    const auto unfinished = json::parse(meta(waiting_key(name)), nullptr, false);
    if (unfinished.is_object())
      waiting_.push_back({name, unfinished.value("hash", ""), unfinished.value("twins", ""),
                          unfinished.value("how", ""), unfinished.value("by", "")});
  }
  return {};
}

result<std::vector<model_changes::candidate>>
model_changes::from_folder(const std::string& folder) {
  auto files = read_model_files(folder);
  if (!files) return files.error();
  std::vector<candidate> out;
  for (auto& file : *files) {
    const auto& m = *file.version;
    const auto mark = mark_of(file.text);
    const auto seen = meta(file_key(m.name));
    if (seen == mark && catalog_.current(m.name)) continue;
    out.push_back(
        {{m.name, m.hash, "", "file", file.path}, file.version, std::move(file.text), mark});
  }
  return out;
}

status model_changes::load(const std::string& folder) {
  std::lock_guard lock{mutex_};
  auto files = read_model_files(folder); // all mistakes before anything is touched
  if (!files) return files.error();
  if (auto stored = load_stored(); !stored) return stored;
  auto changed = from_folder(folder);
  if (!changed) return changed.error();
  if (auto taken = take_over(*changed); !taken) return taken;
  restart_shadows();
  return {};
}

result<std::size_t> model_changes::reload(const std::string& folder) {
  std::lock_guard lock{mutex_};
  auto changed = from_folder(folder);
  if (!changed) return changed.error();
  const auto before = waiting_.size();
  if (auto taken = take_over(*changed); !taken) return taken.error();
  const auto count = waiting_.size() - before;
  if (auto journaled = journal(); !journaled) return journaled.error();
  return count;
}

// --- one change after the other

// What is durable before the first record, in one batch; then new twins come under the version.
// Candidates that rule already are only noted.
status model_changes::take_over(const std::vector<candidate>& all) {
  if (all.empty()) return {};
  auto batch = tables_.batch();
  std::vector<const candidate*> changing;
  for (const auto& c : all) {
    const auto& name = c.change.name;
    if (!c.file_mark.empty()) batch->put_meta(file_key(name), c.file_mark);
    if (!c.text.empty()) batch->put_model(c.version->hash, name, messages::self_contained(c.text));
    const auto current = catalog_.current(name);
    if (c.change.twins.empty() && current && current->hash == c.version->hash &&
        catalog_.exceptions(name).empty() && meta(ruling_key(name)) == c.version->hash)
      continue;
    changing.push_back(&c);
    if (c.change.twins.empty()) {
      batch->put_meta(ruling_key(name), c.version->hash);
      batch->put_meta(exceptions_key(name), "[]");
    } else {
      auto exceptions = parsed(meta(exceptions_key(name)));
      auto left = json::array();
      for (const auto& e : exceptions)
        if (e.value("twins", "") != c.change.twins) left.push_back(e);
      left.push_back({{"twins", c.change.twins}, {"hash", c.version->hash}});
      batch->put_meta(exceptions_key(name), left.dump());
    }
    batch->put_meta(waiting_key(name), json{{"hash", c.version->hash},
                                            {"twins", c.change.twins},
                                            {"how", c.change.how},
                                            {"by", c.change.by}}
                                           .dump());
    note_history(*batch, c);
  }
  if (auto written = tables_.write(*batch, true); !written) return written;
  for (const auto* c : changing) {
    if (c->change.twins.empty())
      catalog_.set_current(c->version);
    else
      catalog_.set_exception(c->change.twins, c->version);
    waiting_.push_back(c->change);
    const auto beside = shadows_.of(c->change.name);
    if (beside && c->change.twins.empty() && beside->candidate().hash == c->version->hash)
      forget_shadow(c->change.name);
  }
  return {};
}

void model_changes::note_history(persistence::store_batch& batch, const candidate& c) {
  auto history = parsed(meta(history_key(c.change.name)));
  const auto current = catalog_.current(c.change.name);
  history.push_back({{"at_ns", actors::system_now_ns()},
                     {"hash", c.version->hash},
                     {"previous", current ? current->hash : ""},
                     {"how", c.change.how},
                     {"by", c.change.by},
                     {"twins", c.change.twins}});
  if (history.size() > max_model_history) history.erase(history.begin());
  batch.put_meta(history_key(c.change.name),
                 history.dump(-1, ' ', false, json::error_handler_t::replace));
}

status model_changes::submit(std::uint32_t shard) {
  // Rises from change to change, so that a host's answer is about this one.
  if (shard == 0) submitted_ns_ = last_ns_ = std::max(actors::system_now_ns(), last_ns_ + 1);
  for (const auto& change : waiting_) {
    domain::input in;
    in.kind = domain::input_kind::model_changed;
    in.ingest_time_ns = submitted_ns_;
    in.model_name = change.name;
    in.model_hash = change.hash;
    in.detail = change.twins;
    in.by = change.by;
    if (auto sent = inlet_->submit_shard_wide(shard, in); !sent) return sent.error();
  }
  return {};
}

status model_changes::settle() {
  if (waiting_.empty()) return {};
  auto batch = tables_.batch();
  for (const auto& change : waiting_) {
    batch->erase_meta(waiting_key(change.name));
    if (change.twins.empty()) batch->put_meta(ruling_key(change.name), change.hash);
  }
  waiting_.clear();
  return tables_.write(*batch, true);
}

status model_changes::journal() {
  if (waiting_.empty()) return {};
  for (std::uint32_t shard = 0; shard < inlet_->shards(); ++shard)
    if (auto sent = submit(shard); !sent) return sent;
  if (auto written = inlet_->flush(messages::durability::d2); !written) return written;
  return settle();
}

void model_changes::retry() {
  std::unique_lock lock{mutex_, std::try_to_lock};
  if (!lock || waiting_.empty() || inlet_ == nullptr) return;
  if (auto journaled = journal(); journaled)
    logging::info("models", "a change of models that waited is in the journal");
}

result<actors::model_journaled> model_changes::change_one(candidate one) {
  const auto current = catalog_.current(one.change.name);
  actors::model_journaled out;
  out.answer.name = one.change.name;
  out.answer.hash = one.version->hash;
  out.answer.previous = current ? current->hash : "";
  const auto exceptions = catalog_.exceptions(one.change.name);
  const bool for_all = one.change.twins.empty();
  const bool rules = for_all ? current && current->hash == one.version->hash && exceptions.empty()
                             : !exceptions.empty() && exceptions.back().twins == one.change.twins &&
                                   exceptions.back().version->hash == one.version->hash;
  if (rules && waiting_.empty()) {
    out.answer.state = "unchanged";
    return out;
  }
  if (!for_all && !current)
    return failure{errc::refused, "no version of " + one.change.name +
                                      " rules yet: the first one is for all of its twins"};
  if (!for_all && exceptions.size() >= actors::max_model_exceptions)
    return failure{errc::refused, "64 versions for some twins are the most: apply one to all"};
  if (auto taken = take_over({std::move(one)}); !taken) return taken.error();
  out.answer.state = "applied";
  if (auto journaled = journal(); !journaled) {
    logging::warning("models", "a change of models is durable and not yet in the journal",
                     {{"model", out.answer.name}, {"why", journaled.error().what}});
    out.answer.state = "pending";
    out.answer.shards = out.answer.shards_pending = inlet_->shards();
  }
  out.at_ns = submitted_ns_;
  logging::info("models", "a model was changed",
                {{"model", out.answer.name},
                 {"version", out.answer.hash},
                 {"before", out.answer.previous},
                 {"state", out.answer.state}});
  return out;
}

result<actors::model_journaled> model_changes::apply(const messages::model_apply& order) {
  const auto file = order.file.empty() ? std::string("model") : order.file;
  auto version = messages::parse_model(order.text, file);
  if (!version) return version.error();
  const auto twins = order.twins == "*" ? std::string{} : order.twins;
  std::lock_guard lock{mutex_};
  return change_one(
      {{(*version)->name, (*version)->hash, twins, "apply", order.by}, *version, order.text, ""});
}

// --- what was

result<std::string> model_changes::stored_text(const std::string& hash) const {
  auto rows = tables_.models();
  if (!rows) return rows.error();
  for (const auto& row : *rows)
    if (row.hash == hash) return row.json;
  return failure{errc::not_found, "no version " + hash + " is stored"};
}

// By the first digits of its hash, if they are enough.
result<model_changes::model_ptr> model_changes::stored_version(const std::string& name,
                                                               const std::string& hash) const {
  if (hash.size() < 6)
    return failure{errc::invalid_argument, "the first six digits of a version are the least"};
  auto rows = tables_.models();
  if (!rows) return rows.error();
  model_ptr found;
  for (const auto& row : *rows) {
    if (row.name != name || !row.hash.starts_with(hash)) continue;
    if (found) return failure{errc::invalid_argument, "several versions begin with " + hash};
    auto version = messages::parse_model(row.json, "stored model " + row.name);
    if (!version) return version.error();
    found = *version;
  }
  if (!found) return failure{errc::not_found, "no version " + hash + " of model " + name};
  return found;
}

result<actors::model_journaled> model_changes::roll_back(const messages::model_rollback& order) {
  std::lock_guard lock{mutex_};
  const auto current = catalog_.current(order.name);
  if (!current) return failure{errc::not_found, "no model " + order.name};
  auto hash = order.hash;
  if (hash.empty()) {
    // The last change for some twins only is undone by the version that rules for the others.
    if (!catalog_.exceptions(order.name).empty()) {
      hash = current->hash;
    } else {
      const auto history = parsed(meta(history_key(order.name)));
      for (const auto& h : history)
        if (h.value("hash", "") == current->hash && h.value("twins", "").empty() &&
            h.value("previous", "") != current->hash)
          hash = h.value("previous", "");
      if (hash.empty())
        return failure{errc::refused, "no version of " + order.name + " ruled before this one"};
    }
  }
  auto version = stored_version(order.name, hash);
  if (!version) return version.error();
  return change_one({{order.name, (*version)->hash, "", "rollback", order.by}, *version, "", ""});
}

result<messages::model_list> model_changes::list(const messages::model_list_query& query) {
  std::lock_guard lock{mutex_};
  messages::model_list out;
  const auto names = query.name.empty() ? catalog_.names() : std::vector<std::string>{query.name};
  for (const auto& name : names) {
    const auto current = catalog_.current(name);
    if (!current) return failure{errc::not_found, "no model " + name};
    const auto history = parsed(meta(history_key(name)));
    const bool shadow = shadows_.of(name) != nullptr;
    const auto exceptions = catalog_.exceptions(name);
    const auto row_of = [&](const json& h) {
      messages::model_version row;
      row.name = name;
      row.kind = current->kind;
      row.hash = h.value("hash", "");
      row.previous = h.value("previous", "");
      row.how = h.value("how", "");
      row.by = h.value("by", "");
      row.twins = h.value("twins", "").empty() ? "*" : h.value("twins", "");
      row.at_ns = h.value("at_ns", std::int64_t{0});
      row.shadow = shadow;
      row.ruling = row.twins == "*" ? row.hash == current->hash
                                    : std::ranges::any_of(exceptions, [&](const auto& e) {
                                        return e.twins == row.twins && e.version->hash == row.hash;
                                      });
      return row;
    };
    std::vector<messages::model_version> rows;
    bool ruling_told = false;
    for (auto h = history.rbegin(); h != history.rend(); ++h) {
      auto row = row_of(*h);
      if (row.ruling && row.twins == "*" && std::exchange(ruling_told, true)) row.ruling = false;
      if (!query.name.empty() || row.ruling) rows.push_back(std::move(row));
    }
    if (!ruling_told)
      rows.push_back(row_of(json{{"hash", current->hash}})); // from before changes were remembered
    for (auto& row : rows)
      if (out.rows.size() < query.limit) out.rows.push_back(std::move(row));
  }
  return out;
}

result<messages::model_text> model_changes::text(const messages::model_text_query& query) {
  std::lock_guard lock{mutex_};
  const auto current = catalog_.current(query.name);
  if (!current) return failure{errc::not_found, "no model " + query.name};
  auto version =
      query.hash.empty() ? result<model_ptr>{current} : stored_version(query.name, query.hash);
  if (!version) return version.error();
  auto text = stored_text((*version)->hash);
  if (!text) return text.error();
  return messages::model_text{query.name, (*version)->hash, std::move(*text),
                              (*version)->hash == current->hash};
}

} // namespace pollux::supervision
