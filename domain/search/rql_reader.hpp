// SPDX-License-Identifier: Apache-2.0
// The words of RQL: names, texts in quotes, numbers, brackets. Filters and sort orders are both
// read with it; what is wrong is told with its column.
#pragma once
#include "domain/search/search_filter.hpp"
#include <optional>

namespace pollux::domain {

class rql_reader {
public:
  explicit rql_reader(std::string_view text) noexcept : text_(text) {}

  [[nodiscard]] bool at_end() noexcept;
  /// Takes this character when it comes next.
  [[nodiscard]] bool take(char c) noexcept;
  [[nodiscard]] status expect(char c, std::string_view what_for);
  /// Letters, digits and all else that ends a word nowhere; empty when none comes.
  [[nodiscard]] std::string_view word() noexcept;
  /// A word as a path.
  [[nodiscard]] result<std::size_t> path(std::vector<search_path>& paths);
  /// A text in single or double quotes (\ before a quote or itself), number, true, false, null.
  [[nodiscard]] result<search_literal> literal();
  [[nodiscard]] result<double> number(double least, double most, std::string_view what);
  [[nodiscard]] bool number_follows() noexcept;
  /// Where a twin is, the first arguments of geo functions: two paths, or one property, or nothing
  /// when a number follows; then the comma before the number is taken, too.
  [[nodiscard]] result<std::vector<place_source>> places(std::vector<search_path>& paths);
  [[nodiscard]] result<geo_place> point();

  [[nodiscard]] std::size_t mark() noexcept; ///< where the next word begins
  [[nodiscard]] failure wrong(std::size_t at, const std::string& why) const;
  [[nodiscard]] failure wrong(const std::string& why) { return wrong(mark(), why); }

private:
  void skip_blanks() noexcept;
  [[nodiscard]] result<search_literal> quoted();
  std::string_view text_;
  std::size_t at_ = 0;
};

} // namespace pollux::domain
