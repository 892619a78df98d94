// SPDX-License-Identifier: Apache-2.0
// One search while it runs: compiled, told one twin after the other, and then its answer.
#pragma once
#include "domain/search/search_fields.hpp"
#include "domain/search/search_figures.hpp"
#include "domain/search/search_order.hpp"
#include "messages/door_api.hpp"
#include <memory>
#include <optional>

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
  /// Looks at one twin. Cost: no allocation for those that the filter does not hold for.
  void take(const domain::searched_twin& twin);
  /// The answer, once; refused when there were more than 1,000 groups.
  [[nodiscard]] result<messages::search_answer> finish();

private:
  struct item {
    std::vector<domain::sort_key> keys;
    std::string id, text;
  };
  search_run() = default;
  status compile_order(const messages::twin_search& q);
  void add(const std::string& id);
  [[nodiscard]] int compare(const item& a, const item& b) const noexcept;

  search_scope scope_;
  std::vector<domain::sort_term> sort_;
  domain::search_fields fields_;
  std::optional<domain::search_figures> figures_;
  std::optional<domain::search_cursor> cursor_;
  std::optional<domain::path_reader> reader_;
  std::int64_t now_ns_ = 0;
  std::size_t limit_ = 0;
  bool count_ = false, too_many_groups_ = false;

  std::int64_t total_ = 0;
  std::size_t after_cursor_ = 0;
  std::vector<item> best_;             ///< a heap: the last of the page first
  std::vector<domain::sort_key> keys_; ///< of the twin looked at
};

} // namespace pollux::actors
