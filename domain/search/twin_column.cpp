// SPDX-License-Identifier: Apache-2.0
#include "domain/search/twin_column.hpp"
#include <bit>

namespace pollux::domain {

twin_column::twin_column(const search_path& path)
    : timed_(path.kind == path_kind::telemetry || path.kind == path_kind::telemetry_age ||
             path.kind == path_kind::age) {}

void twin_column::resize(std::size_t rows) {
  versions_.resize(rows);
  kinds_.resize(rows);
  if (!bits_.empty()) bits_.resize(rows);
  if (!texts_.empty()) texts_.resize(rows);
  if (timed_) times_.resize(rows);
}

void twin_column::set(std::size_t row, std::uint32_t version, const found_value& value,
                      std::int64_t event_time_ns) {
  versions_[row] = version;
  kinds_[row] = value.kind;
  if (timed_) times_[row] = event_time_ns;
  if (value.missing()) return;
  if (value.kind == found_kind::text || value.kind == found_kind::json) {
    if (texts_.empty()) texts_.resize(rows());
    texts_[row].assign(value.text);
    return;
  }
  if (bits_.empty()) bits_.resize(rows());
  bits_[row] = value.kind == found_kind::number    ? std::bit_cast<std::int64_t>(value.number)
               : value.kind == found_kind::boolean ? std::int64_t{value.boolean}
                                                   : value.integer;
}

found_value twin_column::get(std::size_t row) const noexcept {
  const auto kind = kinds_[row];
  found_value out;
  out.kind = kind;
  switch (kind) {
  case found_kind::none:
  case found_kind::null: break;
  case found_kind::boolean: out.boolean = bits_[row] != 0; break;
  case found_kind::number: out.number = std::bit_cast<double>(bits_[row]); break;
  case found_kind::integer:
  case found_kind::time: out.integer = bits_[row]; break;
  case found_kind::severity: return found_severity(bits_[row]);
  case found_kind::text:
  case found_kind::json: out.text = texts_[row]; break;
  }
  return out;
}

std::size_t twin_column::bytes() const noexcept {
  return versions_.capacity() * sizeof(std::uint32_t) + kinds_.capacity() +
         (bits_.capacity() + times_.capacity()) * sizeof(std::int64_t) +
         texts_.capacity() * sizeof(std::string);
}

} // namespace pollux::domain
