// SPDX-License-Identifier: Apache-2.0
// Walking rows of the store: damaged ones are passed over and told at the end.
#pragma once
#include "persistence/database.hpp"
#include "persistence/store_rows.hpp"

namespace pollux::persistence {

[[nodiscard]] inline failure store_closed() {
  return {errc::unavailable, "store: closed after a failure, waiting to reopen"};
}

/// Remembers the first damaged row while the others are visited.
class damage_note {
public:
  void add(const failure& why) {
    if (count_++ == 0) first_ = why;
  }
  [[nodiscard]] status outcome(const leveldb::Iterator& rows) const {
    if (!rows.status().ok()) return to_status(rows.status(), "store: reading");
    if (count_ == 0) return {};
    return first_.within("store: " + std::to_string(count_) + " damaged, the first");
  }

private:
  failure first_;
  std::size_t count_ = 0;
};

/// Walks all rows below `prefix`: `decode(key behind the prefix, value)` makes a result, `visit`
/// takes it and says whether to go on.
template <class Decode, class Visit>
status each_row(const database::use& db, const std::string& prefix, Decode&& decode,
                Visit&& visit) {
  if (!db) return store_closed();
  damage_note damage;
  const auto rows = db.iterate();
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    auto row = decode(view(rows->key()).substr(prefix.size()), view(rows->value()));
    if (!row)
      damage.add(row.error());
    else if (!visit(*row))
      break;
  }
  return damage.outcome(*rows);
}

} // namespace pollux::persistence
