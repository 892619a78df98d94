// SPDX-License-Identifier: Apache-2.0
// A twin's journal as a plain list of rows, for checking an alert without the code that raised it.
// Nothing here is fast or clever on purpose: it is to be read and believed.
#pragma once
#include "domain/twin/input.hpp"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pollux::domain::audit {

/// What one message said about one instant.
struct row {
  input_id id;
  std::int64_t event_ns = 0, ingest_ns = 0;
  std::map<std::string, double> values;
  bool judged = true; ///< false: windows hold it, and the rules have not come to it yet
  std::map<std::string, std::string> texts{}; ///< samples by their name alone
  /// Whether it brought anything; what brought nothing says only that the device lives.
  [[nodiscard]] bool brings() const noexcept { return !values.empty() || !texts.empty(); }
};

/// One input of any kind: what happened, and by which clock.
struct moment {
  input_id id;
  input_kind kind = input_kind::none;
  std::int64_t now_ns = 0;                ///< the twin's: the largest ingest time so far
  std::int64_t started_ns = 0;            ///< the node's last start until then; no_time: none
  std::size_t first_row = 0, end_row = 0; ///< of its readings, in rows()
};

/// How a model treats rows out of order (docs/semantics.md, "Event time").
struct event_time_rules {
  bool in_event_order = false; ///< late rows are worked in at their place
  bool drop = false;           ///< rows behind the watermark are not used
  std::int64_t disorder_ns = 0, lateness_ns = 0;
};

/// Readings and starts of one twin, in journal order.
class record {
public:
  /// Inputs in journal order. Keeps about 100 bytes for each value.
  void add(const input& in);

  [[nodiscard]] bool whole() const noexcept { return created_; } ///< from the twin's first day
  [[nodiscard]] const std::vector<row>& rows() const noexcept { return rows_; }
  [[nodiscard]] const std::vector<moment>& moments() const noexcept { return moments_; }
  [[nodiscard]] std::int64_t created_ns() const noexcept { return created_ns_; }
  /// Largest ingest time of a start of the node at or before `id`; no_time when there is none.
  [[nodiscard]] std::int64_t started_before(const input_id& id) const;
  /// The rows up to and with input `last`, duplicates left out, in the order in which the rules saw
  /// them: of arrival, or of event time with one row for each instant. Of the latter, rows out of
  /// order that came after `worked_in` stand where they came, not judged: the twin may work them in
  /// a little later.
  [[nodiscard]] std::vector<row> as_seen(const input_id& last, const event_time_rules& how,
                                         const input_id& worked_in) const;
  /// The inputs up to `last` that brought rows out of order, newest first, at most `most`.
  [[nodiscard]] std::vector<input_id> out_of_order(const input_id& last, std::size_t most) const;

private:
  std::vector<row> rows_;
  std::vector<moment> moments_;
  std::vector<std::pair<input_id, std::int64_t>> starts_;
  std::map<std::uint64_t, bool> numbers_; // running numbers of the device seen so far
  std::int64_t newest_ns_;
  std::int64_t created_ns_;
  bool created_ = false;

public:
  record();
};

} // namespace pollux::domain::audit
