// SPDX-License-Identifier: Apache-2.0
// Figures of the twins a filter holds for, in groups: count, mean, min, max, sum.
#pragma once
#include "domain/search/search_filter.hpp"
#include <map>

namespace pollux::domain {

inline constexpr std::size_t max_search_groups = 1000;

class search_figures {
public:
  /// `group_by`: paths; none: one group of all. `values`: count, mean(path), min, max, sum; none:
  /// count. Errors: invalid_argument.
  [[nodiscard]] static result<search_figures> parse(const std::vector<std::string>& group_by,
                                                    const std::vector<std::string>& values,
                                                    std::vector<search_path>& paths);
  /// Adds the reader's twin. False: this would be group number 1001.
  [[nodiscard]] bool add(path_reader& from);
  /// {"groups":[{"by":{"model":"motor"},"count":2,"mean(telemetry/t)":21.5}]}, sorted by the
  /// text of `by`. A mean, least or greatest of nothing is null.
  [[nodiscard]] std::string document() const;

private:
  enum class statistic : std::uint8_t { count, mean, min, max, sum };
  struct figure {
    statistic what = statistic::count;
    std::size_t path = 0;
    std::string text;
  };
  struct tally {
    std::uint64_t count = 0;
    double sum = 0, min = 0, max = 0;
  };
  struct group {
    std::string by; ///< as JSON
    std::uint64_t count = 0;
    std::vector<tally> of;
  };
  [[nodiscard]] static result<figure> parse_figure(std::string_view text,
                                                   std::vector<search_path>& paths);
  [[nodiscard]] std::string by_json(path_reader& from) const;
  static void write(std::string& out, const figure& f, const group& g, const tally& t);

  std::vector<std::size_t> by_;
  std::vector<std::string> by_text_;
  std::vector<figure> figures_;
  std::map<std::string, group, std::less<>> groups_;
  std::string key_;
};

} // namespace pollux::domain
