// SPDX-License-Identifier: Apache-2.0
// A search that goes on: whom the filter holds for, and what became of that, as events for a
// watcher who pulls them.
#pragma once
#include "actors/search_run.hpp"
#include "actors/work.hpp"
#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace pollux::actors {

inline constexpr std::size_t max_live_searches = 32;
inline constexpr std::size_t max_live_events = 10'000; ///< not yet acknowledged, of one search

class live_search {
public:
  /// Errors: invalid_argument, naming the member and the column.
  [[nodiscard]] static result<std::unique_ptr<live_search>>
  compile(const messages::search_watch& q);

  /// What is told from now on is as of then.
  void at(std::int64_t now_ns);
  /// The twin may have changed, or time has passed.
  void take(twin_place place, const domain::searched_twin& twin);
  /// It is not there any more.
  void lost(twin_place place);
  /// The filter or the fields depend on the time of day.
  [[nodiscard]] bool ages() const noexcept { return ages_; }

  /// Drops what was acknowledged and gives what comes next.
  [[nodiscard]] messages::watch_page pull(const messages::watch_pull& want);

private:
  struct known {
    std::string id;
    std::uint64_t digest = 0; ///< of its item, as it was told last
  };
  live_search() = default;
  void tell(const char* kind, const std::string& id, std::string document);

  search_scope scope_;
  domain::search_fields fields_;
  std::optional<domain::path_reader> reader_;
  bool ages_ = false;
  std::map<twin_place, known> members_;
  std::deque<messages::watch_event> events_;
  std::uint64_t last_number_ = 0, missed_ = 0;
  std::string item_;
};

} // namespace pollux::actors
