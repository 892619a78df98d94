// SPDX-License-Identifier: Apache-2.0
#include "actors/erase_job.hpp"
#include "actors/maintenance.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"
#include "messages/observability/log.hpp"
#include "persistence/audit_files.hpp"
#include "persistence/id_search.hpp"
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace pollux::actors {

namespace {

using json = nlohmann::ordered_json;
constexpr auto seal_patience = std::chrono::minutes{10};
constexpr int tries = 60; // half a second apart: readers of cold files must leave
constexpr std::uint64_t steps = 5;

struct erase_order {
  std::string id, by, reason;
  bool remove = false; ///< the twin may live: delete it first
};

result<erase_order> read_order(const std::string& arguments) {
  const auto a = json::parse(arguments, nullptr, false);
  if (!a.is_object()) return failure{errc::invalid_argument, "erase: arguments are no object"};
  const auto text = [&](const char* name) {
    const auto found = a.find(name);
    return found != a.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  erase_order o{text("id"), text("by"), text("reason"), false};
  if (const auto d = a.find("delete"); d != a.end() && d->is_boolean()) o.remove = d->get<bool>();
  if (auto id = parse_twin_id(o.id); !id) return id.error();
  return o;
}

persistence::id_pattern pattern_of(const job_surroundings& with, const std::string& id) {
  std::vector<std::string> others;
  for (std::uint32_t shard = 0; shard < with.inlet->shards(); ++shard)
    with.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size(); ++row)
        if (d.key(row).find(id) != std::string_view::npos && split_key(d.key(row)).id != id)
          others.emplace_back(d.key(row));
    });
  return {id, std::move(others)};
}

std::vector<std::uint32_t> rows_of(const job_surroundings& with, std::uint32_t shard,
                                   const std::string& id, bool& lives) {
  std::vector<std::uint32_t> rows;
  with.inlet->with_directory(shard, [&](shard_directory& d) {
    for (std::uint32_t row = 0; row < d.size(); ++row)
      if (split_key(d.key(row)).id == id) rows.push_back(row);
    lives = d.find_living(id) != unknown_row;
  });
  return rows;
}

/// Asks the maintenance and waits. Errors: as it says, timed_out.
template <class Order> status ask_maintenance(const job_surroundings& with, const Order& order) {
  caf::scoped_actor self{with.maintenance->home_system()};
  status outcome;
  self->request(with.maintenance, seal_patience, order)
      .receive([](caf::ok_atom) {},
               [&](const caf::error& e) {
                 outcome = failure{errc::unavailable, self->system().render(e)};
               });
  return outcome;
}

void tell(const job_surroundings& with, const char* step) {
  if (with.at_step) with.at_step(step);
}

status check_allowed(const job_surroundings& with, const erase_order& o) {
  const auto hold = persistence::hold_of(*with.tables, o.id);
  if (!hold) return hold.error();
  if (*hold)
    return failure{errc::refused,
                   o.id + " is under a legal hold by " + (*hold)->by + ": " + (*hold)->reason};
  return {};
}

status end_life(const job_surroundings& with, const erase_order& o) {
  if (!o.remove) return failure{errc::conflict, o.id + " lives; --delete ends it first"};
  tell(with, "erase: delete");
  auto removed = with.inlet->remove(o.id, with.now());
  if (!removed) return removed.error();
  return with.inlet->flush(messages::durability::d2);
}

json found_json(std::vector<std::string> found) {
  json out = json::array();
  for (auto& f : found) out.push_back(std::move(f));
  return out;
}

std::string dumped(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

} // namespace

result<std::string> erase_job(const job_surroundings& with, const std::string& arguments,
                              job_progress& progress) {
  const auto order = read_order(arguments);
  if (!order) return order.error();
  if (order->reason.empty())
    return failure{errc::invalid_argument, "erase: a reason is needed: it is kept in the proof"};
  if (auto s = check_allowed(with, *order); !s) return s.error();
  const auto shard = messages::shard_of(order->id, with.inlet->shards());
  bool lives = false;
  if (rows_of(with, shard, order->id, lives).empty())
    return failure{errc::not_found, "no twin " + order->id + ", living or deleted"};
  if (lives)
    if (auto s = end_life(with, *order); !s) return s.error();
  progress.set(1, steps);
  progress.say("sealing the log of its shard");
  tell(with, "erase: seal");
  if (auto s = ask_maintenance(with, seal_shard{shard}); !s) return s.error();
  auto rows = rows_of(with, shard, order->id, lives);
  if (lives)
    return failure{errc::conflict, order->id + " has come to life again: stop its device first"};
  if (auto s = check_allowed(with, *order); !s) return s.error();
  if (progress.cancelled()) return std::string();

  auto what = std::make_shared<persistence::erasure>();
  what->sha256 = persistence::sha256_hex(order->id);
  what->id = order->id;
  what->by = order->by;
  what->reason = order->reason;
  what->at_ns = with.now();
  what->shard = shard;
  what->rows = std::move(rows);
  tell(with, "erase: audit log");
  if (const auto told = persistence::forget_in_audit(
          with.data + "/audit", pattern_of(with, order->id), "erased:" + what->sha256);
      !told)
    return told.error();
  progress.set(2, steps);
  progress.say("removing rows, writing cold files anew");
  status erased;
  for (int i = 0; i < tries; ++i) {
    erased = ask_maintenance(with, erase_rows{what});
    if (erased) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
  if (!erased) return erased.error();
  progress.set(3, steps);
  progress.say("writing both databases anew");
  const auto proof = finish_erasure(*with.journal, *with.tables, std::move(*what), with.at_step);
  if (!proof) return proof.error();
  progress.set(4, steps);
  progress.say("searching what is left");
  tell(with, "erase: search");
  auto found =
      persistence::find_id(with.data, *with.journal, *with.tables, pattern_of(with, order->id));
  if (!found) return found.error();
  progress.set(steps, steps);
  messages::log::info("retention", "a twin was erased",
                      {{"sha256", proof->sha256}, {"by", proof->by}});
  return dumped({{"proof", json::parse(persistence::erasure_document(*proof))},
                 {"found", found_json(std::move(*found))}});
}

result<std::string> erased_job(const job_surroundings& with, const std::string& arguments,
                               job_progress&) {
  const auto order = read_order(arguments);
  if (!order) return order.error();
  auto found =
      persistence::find_id(with.data, *with.journal, *with.tables, pattern_of(with, order->id));
  if (!found) return found.error();
  const auto erasures = persistence::erasures_in(*with.tables);
  if (!erasures) return erasures.error();
  json proofs = json::array();
  for (const auto& e : *erasures)
    if (e.sha256 == persistence::sha256_hex(order->id))
      proofs.push_back(json::parse(persistence::erasure_document(e)));
  return dumped({{"found", found_json(std::move(*found))}, {"proofs", std::move(proofs)}});
}

} // namespace pollux::actors
