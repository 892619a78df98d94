// SPDX-License-Identifier: Apache-2.0
#include "actors/searcher.hpp"
#include "actors/live_search.hpp"
#include "actors/search_columns.hpp"
#include "actors/search_run.hpp"
#include "actors/sleepers.hpp"
#include "messages/hash.hpp"
#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

namespace pollux::actors {

namespace {

using again_atom = caf::atom_constant<caf::atom("again")>;
using live_atom = caf::atom_constant<caf::atom("livetick")>;
using sweep_atom = caf::atom_constant<caf::atom("searchswp")>;
using namespace messages;

constexpr auto look_again_after = std::chrono::milliseconds{5};
constexpr auto live_pause = std::chrono::milliseconds{100};
constexpr auto sweep_pause = std::chrono::seconds{5};
constexpr std::int64_t token_patience_ns = 2 * ns_per_s;
constexpr std::int64_t idle_watch_ns = 60 * ns_per_s;
constexpr std::int64_t forget_sleepers_ns = 600 * ns_per_s;
constexpr std::int64_t ages_pause_ns = ns_per_s; ///< between two looks at all for filters with ages
constexpr std::int64_t ages_share = 10;          ///< of the searcher's time that these may take
constexpr std::size_t max_waiting = 256;

/// A search that waits until twins have come as far as it wants to see them.
struct waiting_search {
  twin_search what;
  caf::typed_response_promise<search_answer> promise;
  std::int64_t until_ns = 0;
};
/// Pulls are answered by the next look at what has changed: so whoever pulls is told all that was
/// before.
struct watch {
  std::unique_ptr<live_search> search;
  std::int64_t pulled_ns = 0;
  watch_pull wanted;
  std::optional<caf::typed_response_promise<watch_page>> promise;
};

struct searcher_state {
  searcher_surroundings with;
  std::unique_ptr<sleepers> asleep;
  std::map<std::uint64_t, waiting_search> waiting;
  std::uint64_t last_number = 0;
  std::map<std::uint64_t, watch> watches;
  bool ticking = false; ///< a look at what has changed is due
  std::unique_ptr<search_columns> columns;
  std::vector<std::vector<std::uint32_t>> seen; ///< by shard and row, while there are watches
  std::int64_t ages_due_ns = 0;
  std::int64_t searched_ns = 0; ///< 0: not since the sleepers were forgotten
  counter* searches = nullptr;
  static inline const char* name = "searcher";
};
using searcher_actor = caf::stateful_actor<searcher_state>;

/// The shard has all its rows on the board.
void make_room(const searcher_state& s, std::uint32_t shard) {
  s.with.board->make_room(shard, s.with.inlet->with_directory(
                                     shard, [](const shard_directory& d) { return d.size(); }));
}

void begin_search(searcher_state& s) {
  s.searched_ns = s.with.now();
  s.with.board->keep_sleepers(true);
}

/// Every living twin of the node; errors: timed_out while sleeping ones are still being read.
template <class Take> status each_twin(searcher_state& s, Take take) {
  begin_search(s);
  std::vector<search_board::missing_twin> missing;
  for (std::uint32_t shard = 0; shard < s.with.board->shards(); ++shard) {
    make_room(s, shard);
    s.with.board->each(
        shard,
        [&](const domain::searched_twin& twin, std::uint32_t row) {
          take(twin_place{shard, row}, twin);
        },
        missing);
  }
  return s.asleep->read(missing, [&](twin_place place) {
    (void)s.with.board->one(
        place, [&](const domain::searched_twin& twin, std::uint32_t) { take(place, twin); });
  });
}

void look_at_place(searcher_state& s, twin_place place,
                   const std::function<void(const domain::searched_twin&)>& then) {
  const auto look = [&](const domain::searched_twin& twin, std::uint32_t) { then(twin); };
  search_board::missing_twin missing;
  if (s.with.board->one(place, look, &missing) != search_board::presence::unknown) return;
  (void)s.asleep->read({missing}, [&](twin_place at) { (void)s.with.board->one(at, look); });
}

result<search_answer> search_now(searcher_state& s, const twin_search& q) {
  auto run = search_run::compile(q, s.with.now());
  if (!run) return run.error();
  s.searches->add();
  begin_search(s);
  s.columns->choose({(*run)->paths().begin(), (*run)->paths().end()});
  std::vector<search_board::missing_twin> missing;
  for (std::uint32_t shard = 0; shard < s.with.board->shards(); ++shard) {
    make_room(s, shard);
    s.columns->update(shard, missing);
  }
  auto known = s.asleep->read(missing, [&](twin_place place) { s.columns->update(place); });
  if (!known) return known.error();
  for (std::uint32_t shard = 0; shard < s.with.board->shards(); ++shard)
    s.columns->each(shard, [&](twin_place place, const std::string& id, auto columns) {
      (*run)->take(place, id, columns);
    });
  return (*run)->finish([&s](twin_place place, const auto& then) {
    look_at_place(s, place, [&](const domain::searched_twin& twin) {
      then(twin, s.columns->of(place.shard));
    });
  });
}

caf::result<search_answer> answer_now(searcher_state& s, const twin_search& q) {
  auto answer = search_now(s, q);
  if (!answer) return to_caf(answer.error());
  return std::move(*answer);
}

/// "ID rev:N". Errors: invalid_argument.
result<std::pair<std::string, std::uint64_t>> read_token(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const auto gap = text.find(" rev:");
  std::uint64_t revision = 0;
  const auto digits = gap == text.npos ? std::string_view{} : text.substr(gap + 5);
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, revision);
  if (digits.empty() || read.ec != std::errc{} || read.ptr != end)
    return failure{errc::invalid_argument, "at_least: 'ID rev:N' is needed, several with commas"};
  return std::pair{std::string(text.substr(0, gap)), revision};
}

/// Whether every twin of the token has come so far. Errors: invalid_argument, not_found.
result<bool> reached(const searcher_state& s, std::string_view token) {
  while (!token.empty()) {
    const auto end = token.find(',');
    auto one = read_token(token.substr(0, end));
    if (!one) return one.error();
    token = end == token.npos ? std::string_view{} : token.substr(end + 1);
    const auto shard = shard_of(one->first, s.with.inlet->shards());
    const auto row = s.with.inlet->with_directory(
        shard, [&](const shard_directory& d) { return d.find_living(one->first); });
    if (row == unknown_row) return failure{errc::not_found, "at_least: no twin " + one->first};
    if (s.asleep->applied({shard, row}).at.value < one->second) return false;
  }
  return true;
}

caf::result<search_answer> on_search(searcher_actor* self, const twin_search& q) {
  auto& s = self->state;
  if (q.at_least.empty()) return answer_now(s, q);
  const auto there = reached(s, q.at_least);
  if (!there) return to_caf(there.error());
  if (*there) return answer_now(s, q);
  if (s.waiting.size() == max_waiting)
    return to_caf({errc::overloaded, "too many searches wait for a revision"});
  auto promise = self->make_response_promise<search_answer>();
  const auto number = ++s.last_number;
  s.waiting[number] = {q, promise, s.with.now() + token_patience_ns};
  self->delayed_send(self, look_again_after, again_atom::value, number);
  return promise;
}

void look_again(searcher_actor* self, std::uint64_t number) {
  auto& s = self->state;
  const auto found = s.waiting.find(number);
  if (found == s.waiting.end()) return;
  auto& w = found->second;
  const auto there = reached(s, w.what.at_least);
  if (there && !*there && s.with.now() < w.until_ns) {
    self->delayed_send(self, look_again_after, again_atom::value, number);
    return;
  }
  auto answer =
      !there ? result<search_answer>(there.error())
      : *there
          ? search_now(s, w.what)
          : result<search_answer>(failure{errc::timed_out, "at_least was not reached within 2 s"});
  if (answer)
    w.promise.deliver(std::move(*answer));
  else
    w.promise.deliver(to_caf(answer.error()));
  s.waiting.erase(found);
}

// live searches

caf::result<watch_opened> open_watch(searcher_actor* self, const search_watch& q) {
  auto& s = self->state;
  if (s.watches.size() == max_live_searches)
    return to_caf({errc::overloaded, "at most 64 live searches at a time"});
  std::size_t members = 0;
  for (const auto& [number, w] : s.watches) members += w.search->members();
  if (members > max_live_members)
    return to_caf({errc::overloaded, "live searches hold 2,000,000 twins already"});
  auto search = live_search::compile(q);
  if (!search) return to_caf(search.error());
  (*search)->at(s.with.now());
  auto taken = each_twin(s, [&](twin_place place, const domain::searched_twin& twin) {
    (*search)->take(place, twin);
  });
  if (!taken) return to_caf(taken.error());
  const auto number = ++s.last_number | live_search_bit;
  if (s.watches.empty()) s.seen.assign(s.with.board->shards(), {});
  if (!std::exchange(s.ticking, true)) self->delayed_send(self, live_pause, live_atom::value);
  auto& made = s.watches[number];
  made.search = std::move(*search);
  made.pulled_ns = s.with.now();
  return watch_opened{number};
}

void look_at_changed(searcher_state& s) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t shard = 0; shard < s.with.board->shards(); ++shard) {
    rows.clear();
    s.columns->changed(shard, s.seen[shard], rows);
    for (const auto row : rows) {
      const twin_place place{shard, row};
      const auto found =
          s.with.board->one(place, [&](const domain::searched_twin& twin, std::uint32_t) {
            for (auto& [number, w] : s.watches) w.search->take(place, twin);
          });
      if (found != search_board::presence::gone) continue;
      for (auto& [number, w] : s.watches) w.search->lost(place);
    }
  }
}

/// Time makes twins enter and leave, too: all are looked at once a second, or less often when that
/// takes long.
void look_at_aged(searcher_state& s) {
  const auto now_ns = s.with.now();
  const auto ages = [](const auto& w) { return w.second.search->ages(); };
  if (now_ns < s.ages_due_ns || std::ranges::none_of(s.watches, ages)) return;
  (void)each_twin(s, [&](twin_place place, const domain::searched_twin& twin) {
    for (auto& [number, w] : s.watches)
      if (w.search->ages()) w.search->take(place, twin, false);
  });
  s.ages_due_ns = now_ns + std::max(ages_pause_ns, ages_share * (s.with.now() - now_ns));
}

watch_page next_page(searcher_state& s, watch& of) {
  return of.search->pull(
      of.wanted, [&s](twin_place place, const auto& then) { look_at_place(s, place, then); });
}

void live_round(searcher_actor* self) {
  auto& s = self->state;
  if (s.watches.empty()) {
    s.ticking = false;
    s.seen.clear();
    return;
  }
  for (auto& [number, w] : s.watches) w.search->at(s.with.now());
  look_at_changed(s);
  look_at_aged(s);
  for (auto& [number, w] : s.watches)
    if (auto promise = std::exchange(w.promise, {})) promise->deliver(next_page(s, w));
  self->delayed_send(self, live_pause, live_atom::value);
}

/// A watch has one pull at a time: a newer one takes the place of one that waits.
caf::result<watch_page> pull_watch(searcher_actor* self, const watch_pull& want) {
  auto& s = self->state;
  const auto found = s.watches.find(want.watch);
  if (found == s.watches.end())
    return to_caf({errc::not_found, "no such live search; it ends after 60 s without a pull"});
  auto& of = found->second;
  of.pulled_ns = s.with.now();
  if (auto older = std::exchange(of.promise, {}))
    older->deliver(to_caf({errc::conflict, "another pull came"}));
  of.wanted = want;
  if (of.search->has_page(want.limit)) // one that is not full says that there was nothing else
    if (auto page = next_page(s, of); page.events.size() >= want.limit) return page;
  of.promise = self->make_response_promise<watch_page>();
  return *of.promise;
}

void end_watch(searcher_state& s, std::uint64_t number) {
  const auto found = s.watches.find(number);
  if (found == s.watches.end()) return;
  if (auto promise = std::exchange(found->second.promise, {}))
    promise->deliver(to_caf({errc::not_found, "the live search has ended"}));
  s.watches.erase(found);
}

void sweep(searcher_actor* self) {
  auto& s = self->state;
  const auto now_ns = s.with.now();
  std::erase_if(s.watches,
                [&](const auto& w) { return now_ns - w.second.pulled_ns > idle_watch_ns; });
  if (!s.watches.empty()) s.searched_ns = now_ns;
  if (s.searched_ns != 0 && now_ns - s.searched_ns > forget_sleepers_ns) {
    s.searched_ns = 0;
    s.with.board->keep_sleepers(false);
    s.columns->forget();
  }
  self->delayed_send(self, sweep_pause, sweep_atom::value);
}

caf::behavior searcher(searcher_actor* self, searcher_surroundings with) {
  self->state.searches = &with.metrics->make_counter(
      "pollux_searches_total", "Searches over all twins that were carried out");
  self->state.asleep =
      std::make_unique<sleepers>(*with.inlet, *with.tables, *with.models, *with.board);
  self->state.columns = std::make_unique<search_columns>(*with.board);
  self->state.with = std::move(with);
  self->delayed_send(self, sweep_pause, sweep_atom::value);
  return {
      [self](const twin_search& q) { return on_search(self, q); },
      [self](const search_watch& q) { return open_watch(self, q); },
      [self](const watch_pull& want) { return pull_watch(self, want); },
      [self](const watch_close& close) {
        end_watch(self->state, close.watch);
        return done{"closed"};
      },
      [self](again_atom, std::uint64_t number) { look_again(self, number); },
      [self](live_atom) { live_round(self); },
      [self](sweep_atom) { sweep(self); },
  };
}

} // namespace

caf::actor spawn_searcher(caf::actor_system& system, searcher_surroundings with) {
  return system.spawn<caf::detached>(searcher, std::move(with));
}

} // namespace pollux::actors
