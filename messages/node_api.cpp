// SPDX-License-Identifier: Apache-2.0
// The one place where message types and the error category are made known to CAF. The names are
// what travels: both ends of a link must register the same ones.
#include "messages/node_api.hpp"

namespace pollux::messages {

#define POLLUX_MESSAGE_TYPES(use)                                                                  \
  use(twin_query) use(twin_answer) use(twin_list_query) use(twin_row) use(twin_list)               \
      use(history_query) use(history_row) use(history_page) use(watch_open) use(watch_opened)      \
          use(watch_pull) use(watch_event) use(watch_page) use(watch_close) use(command_request)   \
              use(command_query) use(command_answer) use(alert_list_query) use(alert_query)        \
                  use(alert_acknowledge) use(alert_verify) use(alert_verified) use(alert_answer)   \
                      use(alert_list) use(quarantine_query) use(quarantine_entry)                  \
                          use(quarantine_list) use(quarantine_replay) use(done) use(stats_query)   \
                              use(stats_answer) use(verify_start) use(verify_query)                \
                                  use(verify_answer) use(twin_create) use(twin_delete)             \
                                      use(log_level_set)

namespace {

constexpr auto error_category = caf::atom("pollux");

bool known(std::uint8_t code) {
  return code >= static_cast<std::uint8_t>(errc::invalid_argument) &&
         code <= static_cast<std::uint8_t>(errc::internal);
}

std::string context_text(const caf::message& context) {
  return context.match_elements<std::string>() ? context.get_as<std::string>(0) : std::string{};
}

errc nearest(caf::sec code) {
  switch (code) {
  case caf::sec::request_timeout: return errc::timed_out;
  case caf::sec::request_receiver_down:
  case caf::sec::no_actor_published_at_port:
  case caf::sec::disconnect_during_handshake:
  case caf::sec::cannot_forward_to_invalid_actor:
  case caf::sec::no_route_to_receiving_node:
  case caf::sec::cannot_connect_to_node:
  case caf::sec::remote_linking_failed:
  case caf::sec::socket_invalid:
  case caf::sec::socket_disconnected:
  case caf::sec::socket_operation_failed:
  case caf::sec::unavailable_or_would_block:
  case caf::sec::redundant_connection:
  case caf::sec::remote_lookup_failed:
  case caf::sec::connection_timeout: return errc::unavailable;
  case caf::sec::unexpected_message:
  case caf::sec::unexpected_response:
  case caf::sec::unexpected_actor_messaging_interface:
  case caf::sec::incompatible_versions:
  case caf::sec::incompatible_application_ids: return errc::version_mismatch;
  case caf::sec::invalid_argument: return errc::invalid_argument;
  case caf::sec::cannot_open_port:
  case caf::sec::cannot_open_file:
  case caf::sec::network_syscall_failed: return errc::io;
  case caf::sec::end_of_stream:
  case caf::sec::malformed_basp_message:
  case caf::sec::serializing_basp_payload_failed: return errc::corrupt;
  default: return errc::internal;
  }
}

/// What a value looks like in CAF's own debug form; tells two values of a type apart.
template <class T> status check_one(caf::actor_system& system, const char* name, T value) {
  const auto fail = [&](const std::string& why) {
    return failure{errc::internal, "message type " + std::string(name) + " " + why};
  };
  std::vector<char> bytes;
  caf::binary_serializer sink(system, bytes);
  auto sent = caf::make_message(value);
  if (const auto error = sink(sent)) return fail("cannot be written: is it registered?");
  caf::message received;
  caf::binary_deserializer source(system, bytes);
  if (const auto error = source(received)) return fail("cannot be read back");
  if (!received.match_elements<T>()) return fail("comes back as another type");
  if (caf::deep_to_string(received.get_as<T>(0)) != caf::deep_to_string(value))
    return fail("comes back changed");
  return {};
}

} // namespace

void add_message_types(caf::actor_system_config& config) {
#define POLLUX_REGISTER(type) config.add_message_type<type>("pollux." #type);
  POLLUX_MESSAGE_TYPES(POLLUX_REGISTER)
  POLLUX_MODEL_TYPES(POLLUX_REGISTER)
  POLLUX_ALERT_TYPES(POLLUX_REGISTER)
  POLLUX_DOOR_TYPES(POLLUX_REGISTER)
  POLLUX_HISTORY_TYPES(POLLUX_REGISTER)
#undef POLLUX_REGISTER
  config.add_error_category(
      error_category, [](std::uint8_t code, caf::atom_value, const caf::message& context) {
        const auto name = known(code) ? to_string(static_cast<errc>(code)) : "unknown error";
        return std::string(name) + ": " + context_text(context);
      });
}

status check_message_types(caf::actor_system& system) {
#define POLLUX_CHECK(type)                                                                         \
  if (auto s = check_one(system, #type, type{}); !s) return s;
  POLLUX_MESSAGE_TYPES(POLLUX_CHECK)
  POLLUX_MODEL_TYPES(POLLUX_CHECK)
  POLLUX_ALERT_TYPES(POLLUX_CHECK)
  POLLUX_DOOR_TYPES(POLLUX_CHECK)
  POLLUX_HISTORY_TYPES(POLLUX_CHECK)
#undef POLLUX_CHECK
  return {};
}

caf::error to_caf(const failure& f) {
  return {static_cast<std::uint8_t>(f.code), error_category, caf::make_message(f.what)};
}

failure from_caf(const caf::error& e) {
  if (!e) return {errc::internal, "failed without giving a reason"};
  if (e.category() == error_category) {
    const auto code = known(e.code()) ? static_cast<errc>(e.code()) : errc::internal;
    return {code, context_text(e.context())};
  }
  const auto text = caf::actor_system_config::render(e);
  if (e.category() == caf::atom("system")) {
    const auto code = static_cast<caf::sec>(e.code());
    if (code == caf::sec::request_timeout) return {errc::timed_out, "no answer in time"};
    return {nearest(code), text};
  }
  // any other end of the one asked (killed, link lost, shut down): it is not there now
  if (e.category() == caf::atom("exit")) return {errc::unavailable, text};
  return {errc::internal, text};
}

} // namespace pollux::messages
