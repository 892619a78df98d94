// SPDX-License-Identifier: Apache-2.0
// One search while it runs: compiled, told one twin after the other, and then its answer.
#pragma once
#include "actors/work.hpp"
#include "domain/search/search_fields.hpp"
#include "domain/search/search_figures.hpp"
#include "domain/search/search_order.hpp"
#include "messages/door_api.hpp"
#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace pollux::actors {

/// A filter and where it looks: what a search and a live search share.
struct search_scope {
  std::vector<domain::search_path> paths;
  domain::search_term filter;
  std::vector<std::string> within; ///< globs; empty: all

  [[nodiscard]] bool covers(std::string_view id) const;
};

class search_run {
public:
  /// Errors: invalid_argument, naming the member and the column.
  [[nodiscard]] static result<std::unique_ptr<search_run>> compile(const messages::twin_search& q,
                                                                   std::int64_t now_ns);
  /// What it filters, sorts and groups by: the columns to take from, in this order.
  [[nodiscard]] std::span<const domain::search_path> paths() const noexcept {
    return {scope_.paths.data(), looked_at_};
  }
  using columns = std::span<const domain::twin_column* const>;
  /// Looks at one twin. Cost: no allocation for those that the filter does not hold for.
  void take(twin_place place, const std::string& id, columns of);
  /// Calls its second argument with the twin at a place and the columns of its shard; not when the
  /// twin has gone.
  using visit = std::function<void(
      twin_place, const std::function<void(const domain::searched_twin&, columns)>&)>;
  /// The answer, once; refused when there were more than 1,000 groups. What it was found and sorted
  /// by an item tells as it was then; all else as it is now.
  [[nodiscard]] result<messages::search_answer> finish(const visit& look_at);

private:
  struct item {
    std::vector<domain::sort_key> keys;
    std::string id;
    twin_place place;
  };
  search_run() = default;
  status compile_order(const messages::twin_search& q);
  void add(twin_place place, const std::string& id);
  [[nodiscard]] int compare(const item& a, const item& b) const noexcept;

  search_scope scope_;
  std::vector<domain::sort_term> sort_;
  domain::search_fields fields_;
  std::optional<domain::search_figures> figures_;
  std::optional<domain::search_cursor> cursor_;
  std::optional<domain::path_reader> reader_;
  std::int64_t now_ns_ = 0;
  std::size_t limit_ = 0, looked_at_ = 0;
  bool count_ = false, too_many_groups_ = false;

  std::int64_t total_ = 0;
  std::size_t after_cursor_ = 0;
  std::vector<item> best_;             ///< a heap: the last of the page first
  std::vector<domain::sort_key> keys_; ///< of the twin looked at
};

} // namespace pollux::actors
