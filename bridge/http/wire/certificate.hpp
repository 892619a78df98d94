// SPDX-License-Identifier: Apache-2.0
// The server's certificate and key: read at the start, and again when the files change, so that a
// renewed certificate needs no restart.
#pragma once
#include "domain/base/result.hpp"
#include <array>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace pollux::bridge::http {

class certificate {
public:
  /// PEM files; empty names: no TLS.
  certificate(std::string chain_file, std::string key_file)
      : files_{std::move(chain_file), std::move(key_file)} {}

  /// Errors: invalid_argument, naming the file.
  status load();
  /// load(), at most once a second, if the files are others than those that were read. What cannot
  /// be used is tried once more, then logged, and the present certificate stays. Cost: two stat(2).
  void look(std::chrono::steady_clock::time_point now);
  /// For new connections; those that are open keep what they began with. nullptr: no TLS.
  [[nodiscard]] boost::asio::ssl::context* context() { return context_ ? &*context_ : nullptr; }
  [[nodiscard]] bool wanted() const { return !files_[0].empty(); }

private:
  using stamp = std::array<std::int64_t, 10>;
  [[nodiscard]] stamp now_on_disk() const;

  std::array<std::string, 2> files_;
  std::optional<boost::asio::ssl::context> context_;
  stamp seen_{};
  bool tried_ = false; ///< what is there now could not be used a second ago
  std::chrono::steady_clock::time_point looked_{};
};

} // namespace pollux::bridge::http
