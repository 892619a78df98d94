// SPDX-License-Identifier: Apache-2.0
// A search that goes on: whom the filter holds for, and what became of that, as events for a
// watcher who pulls them. What waits for the watcher are twins, not events: however slow they are,
// they get what is, once, and nothing that was overtaken.
#pragma once
#include "actors/search_run.hpp"
#include "actors/work.hpp"
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace pollux::actors {

inline constexpr std::size_t max_live_searches = 64;
/// Twins that all live searches together may hold when another one is opened (about 130 bytes
/// each).
inline constexpr std::size_t max_live_members = 2'000'000;

class live_search {
public:
  /// Looks at the twin at a place, if it lives.
  using visit =
      std::function<void(twin_place, const std::function<void(const domain::searched_twin&)>&)>;

  /// Errors: invalid_argument, naming the member and the column.
  [[nodiscard]] static result<std::unique_ptr<live_search>>
  compile(const messages::search_watch& q);

  /// What is told from now on is as of then.
  void at(std::int64_t now_ns);
  /// The twin may have changed (or only time has passed). Cost: the filter, and a place in a list.
  void take(twin_place place, const domain::searched_twin& twin, bool changed = true);
  /// It is not there any more.
  void lost(twin_place place);
  /// The filter depends on the time of day.
  [[nodiscard]] bool ages() const noexcept { return ages_; }
  [[nodiscard]] std::size_t members() const noexcept { return members_.size(); }
  /// A full page waits.
  [[nodiscard]] bool has_page(std::uint32_t limit) const noexcept {
    return events_.size() + waiting_.size() >= limit;
  }

  /// Drops what was acknowledged and gives what comes next, made of the twins as they are now.
  [[nodiscard]] messages::watch_page pull(const messages::watch_pull& want, const visit& look_at);

private:
  struct known {
    std::string id;
    std::uint64_t digest = 0;  ///< of its item, as it was told last
    std::uint64_t waiting = 0; ///< its place in the line; 0: nothing may be new
    bool told = false;         ///< the watcher knows that it is here
    bool inside = true;
  };
  using member = std::map<twin_place, known>::iterator;
  live_search() = default;
  void wait(twin_place place, known& of);
  void tell_next(const visit& look_at);
  void tell(const char* kind, const std::string& id, std::string document);
  [[nodiscard]] bool covers(const domain::searched_twin& twin);

  search_scope scope_;
  domain::search_fields fields_;
  std::optional<domain::path_reader> reader_;
  bool ages_ = false;
  std::map<twin_place, known> members_;
  std::map<std::uint64_t, twin_place> waiting_; ///< in the order in which they changed first
  std::deque<messages::watch_event> events_;    ///< pulled and not yet acknowledged
  std::uint64_t last_number_ = 0, last_place_ = 0;
  std::string item_;
};

} // namespace pollux::actors
