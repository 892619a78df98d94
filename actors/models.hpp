// SPDX-License-Identifier: Apache-2.0
// The models a node knows, by content hash, and which version rules for each name now.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/twin.hpp"
#include "messages/model_api.hpp"
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

namespace pollux::actors {

/// A version that rules for some twins of its model only.
struct model_exception {
  std::string twins; ///< glob
  std::shared_ptr<const domain::model> version;
};
inline constexpr std::size_t max_model_exceptions = 64; ///< of one model

/// Thread-safe. Models are only ever added.
class model_catalog : public domain::model_source {
public:
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override;
  /// The version that rules for `name` now; nullptr when there is no such model.
  [[nodiscard]] std::shared_ptr<const domain::model> current(std::string_view name) const;
  /// The version that a twin of this model and id is under: the newest exception that matches, else
  /// current().
  [[nodiscard]] std::shared_ptr<const domain::model> ruling(std::string_view name,
                                                            std::string_view twin) const;
  [[nodiscard]] std::vector<model_exception> exceptions(std::string_view name) const;
  void add(std::shared_ptr<const domain::model> m);
  /// The same for one that was stored under `hash`: where an operator's code has been revised
  /// since, that is no longer its own, and records and states of before name it.
  void add_stored(std::shared_ptr<const domain::model> m, std::string_view hash);
  /// `m` rules for its name from now on, exceptions included.
  void set_current(std::shared_ptr<const domain::model> m);
  /// `m` rules for those twins of its name; an earlier exception with the same glob is gone.
  void set_exception(const std::string& twins, std::shared_ptr<const domain::model> m);
  [[nodiscard]] std::vector<std::string> names() const;

private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::vector<model_exception>, std::less<>> exceptions_; ///< oldest first
  std::map<std::string, std::shared_ptr<const domain::model>, std::less<>> by_hash_, by_name_;
};

/// A change of models that is in the journal, and by which record the hosts will know it.
struct model_journaled {
  messages::model_applied answer;
  std::int64_t at_ns = 0; ///< ingest time of its records; rises from change to change
};

/// Who changes models: files, store and journal are not the actors' own
/// (supervision/model_changes). Thread-safe. May wait for the disk.
class model_port {
public:
  virtual ~model_port() = default;
  /// Errors: invalid_argument "file:line:column: ...", refused, no_space, io. A refused model
  /// leaves everything as it was.
  virtual result<model_journaled> apply(const messages::model_apply& order) = 0;
  virtual result<model_journaled> roll_back(const messages::model_rollback& order) = 0;
  virtual result<messages::model_list> list(const messages::model_list_query& query) = 0;
  virtual result<messages::model_text> text(const messages::model_text_query& query) = 0;
  virtual result<messages::shadow_answer> shadow(const messages::shadow_order& order) = 0;
};

} // namespace pollux::actors
