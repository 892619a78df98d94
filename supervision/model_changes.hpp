// SPDX-License-Identifier: Apache-2.0
// Changes of models while the node runs: from files, by `pollux model apply`, back again. A change
// is one step after the other: compiled; text and intent durable; the version rules for new twins;
// one record in every shard; done. A crash in between is carried forward at the next start.
//
// Who changed a model last decides: a file of the models folder counts when its content is another
// than when it was last read, not because it is there.
#pragma once
#include "actors/intake.hpp"
#include "actors/models.hpp"
#include "actors/shadow.hpp"
#include "domain/base/result.hpp"
#include "persistence/store.hpp"
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pollux::supervision {

/// One change: from when it is durable until every shard has its record.
struct model_change {
  std::string name, hash;
  std::string twins; ///< glob; empty: all
  std::string how;   ///< file, apply, rollback, release
  std::string by;
};

inline constexpr std::size_t max_model_history = 200; ///< changes remembered of one model

class model_changes final : public actors::model_port {
public:
  /// All must outlive it; `inlet` may come later, by set_inlet, but before the first change.
  model_changes(persistence::store& tables, actors::model_catalog& catalog,
                actors::shadow_board& shadows);
  void set_inlet(actors::intake& inlet) noexcept { inlet_ = &inlet; }
  void set_grace(std::int64_t grace_ns) noexcept { grace_ns_ = grace_ns; }

  /// At the start: the stored versions, then the *.json of `folder` (except *.schema.json). What
  /// has to be journaled waits for submit() and settle(). Errors: invalid_argument
  /// "file:line:column: ...", not_found (no folder, no model in it), io. A mistake in any file
  /// leaves catalog and store as they were.
  status load(const std::string& folder);
  /// The same while the node runs, journaled at once. Gives how many changed.
  result<std::size_t> reload(const std::string& folder);

  /// Submits the records of all changes that wait to `shard`; then flush; then settle().
  status submit(std::uint32_t shard);
  status settle();
  /// Journals what could not be journaled before. Cheap when there is nothing.
  void retry();

  // model_port
  result<actors::model_journaled> apply(const messages::model_apply& order) override;
  result<actors::model_journaled> roll_back(const messages::model_rollback& order) override;
  result<messages::model_list> list(const messages::model_list_query& query) override;
  result<messages::model_text> text(const messages::model_text_query& query) override;
  result<messages::shadow_answer> shadow(const messages::shadow_order& order) override;

private:
  using model_ptr = std::shared_ptr<const domain::model>;
  struct candidate {
    model_change change;
    model_ptr version;
    std::string text;      ///< empty: stored already
    std::string file_mark; ///< of the file it came from; empty: none
  };

  // all of them under mutex_
  status load_stored();
  result<std::vector<candidate>> from_folder(const std::string& folder);
  status take_over(const std::vector<candidate>& all);
  status journal();
  result<actors::model_journaled> change_one(candidate one);
  result<model_ptr> stored_version(const std::string& name, const std::string& hash) const;
  result<std::string> stored_text(const std::string& hash) const;
  [[nodiscard]] std::string meta(const std::string& key) const;
  void restart_shadows();
  status start_shadow(const messages::shadow_order& order);
  void forget_shadow(const std::string& name);
  void note_history(persistence::store_batch& batch, const candidate& c);

  persistence::store& tables_;
  actors::model_catalog& catalog_;
  actors::shadow_board& shadows_;
  actors::intake* inlet_ = nullptr;
  std::int64_t grace_ns_ = 60 * ns_per_s;
  std::mutex mutex_;
  std::vector<model_change> waiting_; ///< durable, not yet in every shard; oldest first
  std::int64_t last_ns_ = 0;
  std::int64_t submitted_ns_ = 0;
};

} // namespace pollux::supervision
