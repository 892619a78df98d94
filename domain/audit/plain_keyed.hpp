// SPDX-License-Identifier: Apache-2.0
// Windows by key, windows while something holds, and telemetry as of one moment, as maps of
// readings (docs/windows.md; docs/models.md, "as_of"). For the second opinion only.
#pragma once
#include "domain/audit/plain_windows.hpp"
#include <deque>

namespace pollux::domain::audit {

/// A sliding window for each value of a key.
class keyed_readings {
public:
  [[nodiscard]] static std::optional<keyed_readings> read(const config_node& op);
  void learn(const row& r, const knowledge& known);
  /// Of the key of the newest reading; empty before there was one.
  [[nodiscard]] std::map<std::int64_t, double> held() const;
  /// keys, overflow; nullopt for another name or before the first reading.
  [[nodiscard]] std::optional<double> count_of(std::string_view what) const;
  [[nodiscard]] bool fresh() const noexcept { return fresh_; } ///< the newest row brought a key

private:
  using readings_of_key = std::map<std::int64_t, double>;
  void make_room(std::int64_t now);

  std::string by_, of_;
  std::int64_t span_ = 0, newest_;
  std::size_t max_keys_ = 0, max_entries_ = 0;
  std::map<std::string, readings_of_key> keys_; ///< numbers as their digits
  std::string current_;
  double overflow_ = 0;
  bool fresh_ = false;
};

/// Readings while an expression is not 0.
class readings_while {
public:
  [[nodiscard]] static std::optional<readings_while> read(const config_node& op,
                                                          std::int64_t disorder_ns);
  /// `holds`: what the expression says where the row brought something it names; nullopt: unknown,
  /// or nothing new.
  void learn(const row& r, const knowledge& known, std::optional<bool> holds);
  [[nodiscard]] const std::string& condition() const noexcept { return condition_; }

  struct span {
    std::int64_t from, to; ///< `never` while it lasts
    std::map<std::int64_t, double> readings;
  };
  [[nodiscard]] const std::optional<span>& closed() const noexcept { return closed_; }
  [[nodiscard]] const span* open() const;                                ///< the one that lasts
  [[nodiscard]] bool closed_now() const noexcept { return closed_now_; } ///< at the newest row

private:
  void follow(bool holds, std::int64_t t);

  std::string of_, condition_;
  std::int64_t disorder_ = 0, newest_;
  std::deque<span> waiting_; ///< not closed
  std::optional<span> closed_;
  bool closed_now_ = false;
};

/// Telemetry beside the newest reading of another.
class side_by_side {
public:
  [[nodiscard]] static std::optional<side_by_side> read(const config_node& op);
  /// <telemetry>, <telemetry>_age_s, <of>, matched. `known_here`: false where a value may have left
  /// the twin's memory, or for another name.
  [[nodiscard]] std::optional<double> value(std::string_view what, const knowledge& known,
                                            bool& known_here) const;
  void learn(const row& r, const knowledge& known);
  /// Whether the newest row brought something of it; a late value counts too.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }

private:
  [[nodiscard]] std::optional<std::pair<std::int64_t, double>>
  beside(const std::string& telemetry, const knowledge& known, bool& known_here) const;

  std::string of_;
  std::vector<std::string> with_;
  std::int64_t tolerance_ = 0;
  std::optional<double> at_the_moment_; ///< a correction of `of` is no newer reading
  bool fresh_ = false;
};

} // namespace pollux::domain::audit
