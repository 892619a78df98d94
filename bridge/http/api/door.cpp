// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/door.hpp"

namespace pollux::bridge::http {

handler bound(const door_pointer& to, operation run) {
  return [to, run](const request& r, const responder& respond) { run(to, r, respond); };
}

std::optional<json> body_of(const request& r, const responder& respond) {
  auto read = read_json(r);
  if (auto* wrong = std::get_if<response>(&read)) {
    respond(std::move(*wrong));
    return {};
  }
  return std::get<json>(std::move(read));
}

std::string id_of(const request& r) { return std::string(r.parameter("id")); }

std::string twin_path(std::string_view id) { return "/api/v1/twins/" + percent_encode(id, true); }

} // namespace pollux::bridge::http
