// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/deeds.hpp"
#include <cstdio>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/stat.h>

namespace pollux::bridge::remote {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t longest_text = 1024; ///< of one member: the log cuts what it gets

std::string cut(const std::string& text) { return text.substr(0, longest_text); }

std::string body_of(const ordered_json& members) {
  return members.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string user_of(std::uint32_t process) {
  struct stat found {};
  if (::stat(("/proc/" + std::to_string(process)).c_str(), &found) != 0) return {};
  char text[4096];
  passwd entry{};
  passwd* named = nullptr;
  if (::getpwuid_r(found.st_uid, &entry, text, sizeof text, &named) == 0 && named != nullptr)
    return named->pw_name;
  return "uid " + std::to_string(found.st_uid);
}

const caf::node_id::default_data* plain(const caf::node_id& id) {
  if (!id || id->implementation_id() != caf::node_id::default_data::class_id) return nullptr;
  return static_cast<const caf::node_id::default_data*>(id.operator->());
}

} // namespace

asker asker_of(const caf::node_id& sender, const caf::node_id& here) {
  const auto* from = plain(sender);
  const auto* us = plain(here);
  if (from == nullptr || us == nullptr) return {"", "unknown"};
  asker out{"", "pid " + std::to_string(from->process_id())};
  if (from->host_id() == us->host_id()) {
    out.who = user_of(from->process_id());
    return out;
  }
  char host[9];
  const auto id = from->host_id();
  std::snprintf(host, sizeof host, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
  out.from += std::string(" on ") + host;
  return out;
}

template <> std::optional<order> order_of(const messages::command_request& q) {
  return order{"command_request", q.twin, q.by,
               body_of({{"id", q.id}, {"name", q.name}, {"arguments", cut(q.arguments)}})};
}
template <> std::optional<order> order_of(const messages::alert_acknowledge& q) {
  return order{"alert_acknowledge", q.twin, q.by,
               body_of({{"incident", q.incident}, {"comment", q.comment}})};
}
template <> std::optional<order> order_of(const messages::alert_action& q) {
  ordered_json body{{"verb", q.verb}};
  if (!q.incident.empty()) body["incident"] = q.incident;
  if (!q.rule.empty()) body["rule"] = q.rule;
  if (!q.detail.empty()) body["detail"] = q.detail;
  return order{"alert_action", q.twin, q.by, body_of(body)};
}
template <> std::optional<order> order_of(const messages::parent_set& q) {
  return order{"parent_set", q.twin, q.by, body_of({{"parent", q.parent}})};
}
template <> std::optional<order> order_of(const messages::twin_patch& q) {
  return order{"twin_patch", q.id, q.by, body_of({{"how", q.how}, {"patch", cut(q.patch)}})};
}
template <> std::optional<order> order_of(const messages::twin_create& q) {
  return order{"twin_create", q.id, "", body_of({{"model", q.model}})};
}
template <> std::optional<order> order_of(const messages::twin_delete& q) {
  return order{"twin_delete", q.id, "", ""};
}
template <> std::optional<order> order_of(const messages::quarantine_replay& q) {
  return order{"quarantine_replay", "record " + std::to_string(q.id), "", ""};
}
template <> std::optional<order> order_of(const messages::log_level_set& q) {
  return order{"log_level_set", q.level, "", ""};
}
template <> std::optional<order> order_of(const messages::model_apply& q) {
  return order{"model_apply", q.file, q.by, body_of({{"twins", q.twins}, {"text", cut(q.text)}})};
}
template <> std::optional<order> order_of(const messages::model_rollback& q) {
  return order{"model_rollback", q.name, q.by, body_of({{"hash", q.hash}})};
}
template <> std::optional<order> order_of(const messages::shadow_order& q) {
  if (q.verb == "status") return {};
  return order{"shadow_order", q.name.empty() ? q.file : q.name, "", body_of({{"verb", q.verb}})};
}
template <> std::optional<order> order_of(const messages::retention_order& q) {
  if (q.verb == "status") return {};
  return order{"retention_order", q.twin, q.by, body_of({{"verb", q.verb}, {"detail", q.detail}})};
}
template <> std::optional<order> order_of(const messages::readings_submit& q) {
  return order{"readings_submit", q.twin, q.by,
               body_of({{"model", q.model}, {"bytes", q.batch.size()}})};
}
/// Of an erasure its reason: the id is what is to go. Some jobs only read.
template <> std::optional<order> order_of(const messages::job_start& q) {
  for (const char* kind : {"erased", "journal_stats", "journal_heads"})
    if (q.kind == kind) return {};
  if (q.kind != "erase") return order{"job_start", q.kind, q.by, cut(q.arguments)};
  const auto arguments = ordered_json::parse(q.arguments, nullptr, false);
  ordered_json body = ordered_json::object();
  if (arguments.is_object())
    for (const char* name : {"reason", "delete"})
      if (const auto found = arguments.find(name);
          found != arguments.end() && (found->is_string() || found->is_boolean()))
        body[name] = *found; // what is deeper is refused anyway
  return order{"job_start", q.kind, q.by, body_of(body)};
}
template <> std::optional<order> order_of(const messages::job_cancel& q) {
  return order{"job_cancel", "job " + std::to_string(q.id), "", ""};
}

} // namespace pollux::bridge::remote
