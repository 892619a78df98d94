// SPDX-License-Identifier: Apache-2.0
// Who may come in: tokens, tickets, the delay for wrong ones, and the audit log. docs/access.md
#pragma once
#include "bridge/http/access/admission.hpp"
#include "bridge/http/access/attempts.hpp"
#include "bridge/http/access/tickets.hpp"
#include "bridge/http/access/token_book.hpp"
#include "bridge/http/route_table.hpp"
#include <string>

namespace pollux::bridge::http {

struct access_options {
  std::string data;              ///< the node's data folder
  bool loopback = true;          ///< the server listens on a loopback address
  bool behind_proxy = false;     ///< requests come from a reverse proxy, whoever sends them
  bool open_on_loopback = false; ///< this machine's users need no token, although there are some
  audit::log* audit = nullptr;   ///< told who did what; must outlive the control
};

class access_control : public admission {
public:
  explicit access_control(access_options options);

  void place(request& r) override;
  std::optional<response> admit(request& r) override;
  bool still(const identity& who) override;
  void record(const deed& done, unsigned status) override;
  status may_listen(bool loopback, bool tls) override;

  /// Empty when there is no randomness.
  [[nodiscard]] std::string issue_ticket(const identity& who);

private:
  enum class book_state : std::uint8_t { none, good, unusable };
  struct stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, changed_ns = 0;
    bool operator==(const stamp&) const = default;
  };
  void refresh();
  [[nodiscard]] bool open_without_token(const std::string& peer) const;
  std::optional<response> admit_token(request& r, std::string_view secret);
  std::optional<response> admit_ticket(request& r, const std::string& secret);
  std::optional<response> wrong(const request& r, const char* detail);

  access_options options_;
  token_book book_;
  book_state state_ = book_state::none;
  stamp seen_;
  attempts attempts_;
  tickets tickets_;
};

/// POST /api/v1/tickets. `control` must outlive the table.
void add_ticket_routes(route_table& to, access_control& control);

} // namespace pollux::bridge::http
