// SPDX-License-Identifier: Apache-2.0
// What a twin knew at each row, as maps from time to value, and statistics that add up what they
// hold. For the second opinion only.
#pragma once
#include "domain/audit/record.hpp"
#include "domain/model/config_node.hpp"
#include <functional>
#include <optional>
#include <string>

namespace pollux::domain::audit {

struct plain_statistics {
  double n = 0, mean = 0, sd = 0, psd = 0, min = 0, max = 0;
};

/// Of values alone; sd with n - 1, psd with n.
[[nodiscard]] plain_statistics add_up(const std::vector<double>& values);

class knowledge {
public:
  /// Takes the row in. Afterwards fresh() tells which telemetry it brought anew.
  void learn(const row& r);
  [[nodiscard]] bool fresh(const std::string& telemetry) const;
  [[nodiscard]] std::optional<double> latest(const std::string& telemetry) const;
  [[nodiscard]] std::int64_t latest_ns(const std::string& telemetry) const;
  /// Readings with from < t < to, or t <= to where `closed`.
  [[nodiscard]] std::map<std::int64_t, double> between(const std::string& telemetry,
                                                       std::int64_t from_ns, std::int64_t to_ns,
                                                       bool closed) const;

private:
  std::map<std::string, std::map<std::int64_t, double>> values_;
  std::map<std::string, bool> fresh_;
  std::map<std::string, std::pair<std::int64_t, double>> latest_; // of judged rows
};

/// One sliding window of the model's text.
struct plain_window {
  std::string of;
  std::int64_t span_ns = 0;
};
/// nullopt when there is none of this name, or it is of another kind or has keys not known here.
[[nodiscard]] std::optional<plain_window> find_window(const config_node& model,
                                                      std::string_view name);

/// count, mean, sd, psd, min, max, range, sum, first, last, delta, rate of readings by their time
/// (docs/windows.md, "Aggregates"); nullopt where unknown. `understood`: false for another name.
[[nodiscard]] std::optional<double> aggregate(const std::map<std::int64_t, double>& readings,
                                              std::string_view name, bool& understood);

/// A window of the last n readings. Readings out of order are not used.
class last_readings {
public:
  [[nodiscard]] static std::optional<last_readings> read(const config_node& op);
  void learn(const row& r, const knowledge& known);
  [[nodiscard]] const std::map<std::int64_t, double>& held() const noexcept { return held_; }
  [[nodiscard]] const std::string& of() const noexcept { return of_; }

private:
  std::string of_;
  std::size_t last_ = 0;
  std::map<std::int64_t, double> held_;
};

/// A tumbling, hopping or session window: panes that close by the watermark.
class closing_panes {
public:
  [[nodiscard]] static std::optional<closing_panes> read(const config_node& op,
                                                         std::int64_t disorder_ns);
  void learn(const row& r, const knowledge& known);
  /// Of the newest closed pane.
  [[nodiscard]] std::optional<double> value(std::string_view name, bool& understood) const;
  [[nodiscard]] bool closed_now() const noexcept { return closed_now_; } ///< at the newest row
  [[nodiscard]] const std::optional<std::map<std::int64_t, double>>& closed() const noexcept {
    return closed_;
  }
  [[nodiscard]] std::int64_t closed_to_ns() const noexcept { return closed_to_; }

private:
  using pane = std::map<std::int64_t, double>;
  void join(std::int64_t t, double value, bool fresh);
  void close();

  std::string of_;
  std::int64_t size_ = 0, hop_ = 0, offset_ = 0, gap_ = 0, disorder_ = 0;
  std::int64_t newest_, watermark_, closed_to_ = 0;
  std::map<std::int64_t, pane> open_; // by where it begins
  std::optional<pane> closed_;
  bool closed_now_ = false, heard_ = true;
};

[[nodiscard]] const config_node* find_operator(const config_node& model, std::string_view name);
/// A text or a number among a node's keys; nullptr where absent.
[[nodiscard]] const config_node* key(const config_node& of, std::string_view name);
[[nodiscard]] std::string text_of(const config_node& of, std::string_view name,
                                  std::string_view otherwise);
[[nodiscard]] double number_of(const config_node& of, std::string_view name, double otherwise);
[[nodiscard]] std::int64_t duration_of(const config_node& of, std::string_view name,
                                       std::int64_t otherwise);

} // namespace pollux::domain::audit
